import { parseBidRequest, type BidRequest } from '@helios/proto/bid-request';
import { userIdAt } from '@helios/profile-svc/mock-profiles';
import { describe, expect, it } from 'vitest';
import { type Floors, KNOWN_USERS, nextBidRequest } from '../src/bid-request-mix.js';
import { SeededRandom } from '../src/random.js';

const shapes = ['short', 'openrtb'] as const;

function generate(shape: (typeof shapes)[number], count: number, seed = 1, floors: Floors = 'split'): string[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => JSON.stringify(nextBidRequest(random, { shape, floors })));
}

function parsed(lines: readonly string[]): BidRequest[] {
  return lines.map((line) => {
    const result = parseBidRequest(Buffer.from(line));
    if (!result.ok) throw new Error(`${result.fault.detail}: ${line}`);
    return result.request;
  });
}

describe.each(shapes)('generated bid requests, %s', (shape) => {
  it('are the same for the same seed and others for another', () => {
    expect(generate(shape, 50, 7)).toEqual(generate(shape, 50, 7));
    expect(generate(shape, 1, 7)).not.toEqual(generate(shape, 1, 8));
    expect(generate(shape, 1, 7)).not.toEqual(generate(shape, 1, 7 + 2 ** 32));
  });

  it('are valid, with ids that do not repeat and 1 to 5 slots', () => {
    const requests = parsed(generate(shape, 2000));
    expect(new Set(requests.map((request) => request.id)).size).toBe(2000);
    expect(new Set(requests.map((request) => request.slots.length))).toEqual(new Set([1, 2, 3, 4, 5]));
    expect(requests.every((request) => request.siteDomain !== '')).toBe(true);
  });

  it('have floors at most 0.01 or above 0.10 USD, about half each', () => {
    const floors = parsed(generate(shape, 2000)).flatMap((request) => request.slots.map((slot) => slot.floorMicros));
    const low = floors.filter((floor) => floor <= 10_000).length;
    expect(floors.filter((floor) => floor > 10_000 && floor <= 100_000)).toEqual([]);
    expect(low / floors.length).toBeGreaterThan(0.45);
    expect(low / floors.length).toBeLessThan(0.55);
  });

  it('have floors in between when any are asked for', () => {
    const floors = parsed(generate(shape, 500, 1, 'any')).flatMap((request) => request.slots.map((slot) => slot.floorMicros));
    expect(floors.some((floor) => floor > 10_000 && floor <= 100_000)).toBe(true);
  });

  it('come from users of whom half have profiles', () => {
    const known = new Set(Array.from({ length: KNOWN_USERS }, (_, index) => userIdAt(index)));
    const users = parsed(generate(shape, 4000)).map((request) => request.userId ?? '');
    const share = users.filter((user) => known.has(user)).length / users.length;
    expect(share).toBeGreaterThan(0.46);
    expect(share).toBeLessThan(0.54);
  });

  it('favour few sites', () => {
    const domains = parsed(generate(shape, 4000)).map((request) => request.siteDomain);
    const visits = new Map<string, number>();
    for (const domain of domains) visits.set(domain, (visits.get(domain) ?? 0) + 1);
    const topTen = [...visits.values()].toSorted((a, b) => b - a).slice(0, 10);
    expect(topTen.reduce((sum, count) => sum + count, 0) / domains.length).toBeGreaterThan(0.4);
    expect(visits.size).toBeGreaterThan(100);
  });
});

it('the short form has the fields of the contract and no more', () => {
  const [line = ''] = generate('short', 1);
  const request = JSON.parse(line) as Record<string, unknown>;
  expect(Object.keys(request)).toEqual(['id', 'user', 'site', 'ad_slots']);
  expect(request['user']).toEqual({ id: expect.stringMatching(/^user-\d+$/) });
  expect(request['site']).toEqual({ domain: expect.stringMatching(/\.example$/) });
});
