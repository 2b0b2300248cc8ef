import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FuzzBodies } from '@helios/bench/faults/hostile/fuzz-bodies';
import { requestBytes } from '@helios/bench/faults/hostile/fuzz';
import { byteMutants, ruleMutants } from '@helios/bench/faults/hostile/mutants';
import { quantile } from '@helios/bench/load/quantile';
import { parseBidRequest } from '@helios/proto/bid-request';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';
import { describe, expect, it } from 'vitest';

const SEED = 7;

/** Mutants of `requests` that are judged otherwise than they must be, and how many there were. */
function misjudged(requests: readonly Record<string, unknown>[]): { mutants: number; wrong: string[] } {
  const random = new SeededRandom(SEED);
  const wrong: string[] = [];
  let mutants = 0;
  for (const request of requests) {
    const body = Buffer.from(JSON.stringify(request));
    if (!parseBidRequest(body).ok) throw new Error(`this is no valid request: ${body.toString()}`);
    const all = [...ruleMutants(request), ...byteMutants(body, (below) => random.integer(0, below - 1), 20)];
    for (const { fault, body: mutated, expected } of all) {
      mutants++;
      const parsed = parseBidRequest(mutated);
      const due = expected ?? (isJson(mutated) ? null : 400);
      if (due !== null && due !== (parsed.ok ? 202 : 400)) wrong.push(`${fault} of ${JSON.stringify(request).slice(0, 300)}`);
    }
  }
  return { mutants, wrong };
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false; // the question that was asked
  }
}

describe('one-fault mutants', () => {
  it(`of generated requests are refused where the contract says so, and only there (seed ${SEED})`, { timeout: 60_000 }, () => {
    const random = new SeededRandom(SEED);
    const requests = Array.from({ length: 30 }, (_, index) =>
      nextBidRequest(random, { shape: index % 2 === 0 ? 'short' : 'openrtb', floors: 'any' }),
    );
    const { mutants, wrong } = misjudged(requests);
    expect(wrong).toEqual([]);
    expect(mutants).toBeGreaterThan(8000);
  });

  const corpus = fileURLToPath(new URL('../../../../shared/corpus/conformance.jsonl', import.meta.url));
  it.skipIf(!existsSync(corpus))('of the shared corpus, too (skipped where ../shared/corpus is absent)', { timeout: 60_000 }, () => {
    const requests = readFileSync(corpus, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { body: Record<string, unknown> }).body)
      .filter((body) => parseBidRequest(Buffer.from(JSON.stringify(body))).ok);
    expect(requests.length).toBeGreaterThan(100);
    expect(misjudged(requests).wrong).toEqual([]);
  });

  it('differ from their request', () => {
    const request = nextBidRequest(new SeededRandom(SEED), { shape: 'openrtb', floors: 'split' });
    const faulty = [...ruleMutants(request)].filter(({ expected }) => expected === 400);
    expect(faulty.length).toBeGreaterThan(100);
    for (const { body } of faulty) expect(body.equals(Buffer.from(JSON.stringify(request)))).toBe(false);
  });
});

describe('fuzzed bodies', () => {
  const make = (seed: number, count: number) => {
    const bodies = new FuzzBodies(new SeededRandom(seed), 'p-');
    return Array.from({ length: count }, () => bodies.next());
  };

  it('are the same for the same seed, and others for another', () => {
    const bytes = (seed: number) => Buffer.concat(make(seed, 300).map(requestBytes));
    expect(bytes(1).equals(bytes(1))).toBe(true);
    expect(bytes(1).equals(bytes(2))).toBe(false);
  });

  it('are accepted and refused in numbers, in every encoding and framing, and accepted only under their prefix', () => {
    const bodies = make(3, 8000);
    const count = (holds: (body: (typeof bodies)[number]) => boolean) => bodies.filter(holds).length;
    expect(count(({ expected }) => expected === 202)).toBeGreaterThan(1000);
    expect(count(({ expected }) => expected === 400)).toBeGreaterThan(3000);
    expect(count(({ expected }) => expected === 415)).toBeGreaterThan(5);
    expect(count(({ encoding, expected }) => encoding === 'gzip' && expected === 202)).toBeGreaterThan(30);
    expect(count(({ framing }) => framing === 'chunked')).toBeGreaterThan(50);
    expect(count(({ framing }) => framing === 'pieces')).toBeGreaterThan(50);
    for (const { expected, id, slots } of bodies) {
      expect(id.startsWith('p-')).toBe(expected === 202);
      expect(slots.length > 0).toBe(expected === 202);
    }
  });
});

describe('a quantile', () => {
  it.each([
    [[1], 0.99, 1],
    [[1, 2, 3, 4], 0.5, 2],
    [Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99],
    [Array.from({ length: 1000 }, (_, index) => index + 1), 0.99, 990],
  ])('of %j at %d', (samples, share, expected) => {
    expect(quantile(samples, share)).toBe(expected);
  });

  it('of nothing is no number', () => {
    expect(quantile([], 0.99)).toBeNaN();
  });
});
