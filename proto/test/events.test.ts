import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeAuctionOutcome,
  decodeBidId,
  decodeBidResponse,
  encodeAuctionOutcome,
  encodeBidId,
  encodeBidResponse,
  eventLimits,
} from '../src/events.js';
import type { AuctionOutcome, BidResponse } from '../src/events.js';

const bid: BidResponse = {
  bid_id: 'req-1:top',
  bid_request_id: 'req-1',
  slot_id: 'top',
  user_id: 'user-1',
  site_domain: 'news.example',
  bid_price: 0.05,
  currency: 'USD',
  floor: 0.0075,
  auction_type: 2,
  test: false,
  creative: { id: 'sports-300x250', w: 300, h: 250, adm: '<a href="https://ad.example/">ad</a>' },
  strategy: 'interest',
  enriched: true,
  top_interest: { category: 'sports', score: 0.83 },
  bid_at: '2026-01-31T23:59:59.999Z',
};

const outcome: AuctionOutcome = { ...bid, win_status: true, win_price: 0.037, market_price: 0.037, timestamp: '2026-02-01T00:00:00.004Z' };

/** The outcome with the field at `path` (dots go deeper) set to `value`, or removed where it is undefined. */
function changed(path: string, value: unknown): Buffer {
  const event = structuredClone(outcome) as unknown as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  const holder = names.reduce<Record<string, unknown>>((object, name) => object[name] as Record<string, unknown>, event);
  holder[last] = value;
  return Buffer.from(JSON.stringify(event));
}

function codeOf(bytes: Uint8Array): string {
  const decoded = decodeAuctionOutcome(bytes);
  return decoded.ok ? 'ok' : decoded.code;
}

describe('bid ids', () => {
  test.each([
    ['req-1', 'top', 'req-1:top'],
    ['a:b', 'c', 'a%3Ab:c'],
    ['a', 'b:c', 'a:b:c'],
    ['50%', '1', '50%25:1'],
    ['%3A', '%3A', '%253A:%3A'],
    ['::', ':', '%3A%3A::'],
  ])('%s and %s make %s', (requestId, slotId, bidId) => {
    expect(encodeBidId(requestId, slotId)).toBe(bidId);
    expect(decodeBidId(bidId)).toEqual({ requestId, slotId });
  });

  const id = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({ unit: fc.constantFrom('%', ':', '2', '5', '3', 'A', 'a'), minLength: 1 }),
  );

  test('every pair comes back as it was', () => {
    fc.assert(
      fc.property(id, id, (requestId, slotId) => {
        expect(decodeBidId(encodeBidId(requestId, slotId))).toEqual({ requestId, slotId });
      }),
      { numRuns: 1000 },
    );
  });

  test('an id that decodes is the one its pair encodes to', () => {
    fc.assert(
      fc.property(id, (text) => {
        const pair = decodeBidId(text);
        if (pair !== null) expect(encodeBidId(pair.requestId, pair.slotId)).toBe(text);
      }),
    );
  });

  test.each(['', 'no-colon', ':slot', 'req:', 'a%:1', 'a%3a:1', 'a%41:1'])('%j is no bid id', (text) => {
    expect(decodeBidId(text)).toBeNull();
  });

  test('the longest ids make a bid id that still passes', () => {
    const [requestId, slotId] = [':'.repeat(256), 's'.repeat(256)];
    const bytes = Buffer.from(
      JSON.stringify({ ...outcome, bid_id: encodeBidId(requestId, slotId), bid_request_id: requestId, slot_id: slotId }),
    );
    expect(codeOf(bytes)).toBe('ok');
  });
});

describe('events that pass', () => {
  test('a bid and an outcome come back as they were sent', () => {
    expect(decodeBidResponse(Buffer.from(encodeBidResponse(bid)))).toEqual({ ok: true, event: bid });
    expect(decodeAuctionOutcome(Buffer.from(encodeAuctionOutcome(outcome)))).toEqual({ ok: true, event: outcome });
  });

  test.each<[string, unknown]>([
    ['unknown_field', { anything: [1] }],
    ['user_id', null],
    ['site_domain', ''],
    ['top_interest', null],
    ['top_interest.score', 0],
    ['top_interest.score', 1],
    ['bid_price', 0],
    ['floor', eventLimits.priceMaxUsd],
    ['creative.w', 2_147_483_647],
    ['creative.adm', ''],
    ['site_domain', 'd'.repeat(255)],
    ['timestamp', '2024-02-29T12:00:00Z'],
    ['timestamp', '2026-01-31T23:59:59.123456789+05:30'],
  ])('%s may be %j', (path, value) => {
    expect(decodeAuctionOutcome(changed(path, value))).toMatchObject({ ok: true });
  });

  test('slot_id may be 256 bytes, named by the bid id', () => {
    const slotId = '😀'.repeat(64);
    const event = { ...outcome, slot_id: slotId, bid_id: encodeBidId(outcome.bid_request_id, slotId) };
    expect(decodeAuctionOutcome(Buffer.from(JSON.stringify(event)))).toMatchObject({ ok: true });
  });
});

describe('events that are refused', () => {
  test.each([
    ['of another slot', `${outcome.bid_request_id}:another`],
    ['of another request', `another:${outcome.slot_id}`],
    ['that is none', 'no-colon'],
  ])("one under a bid id %s, which would take that bid's place", (_, bidId) => {
    const decoded = decodeAuctionOutcome(Buffer.from(JSON.stringify({ ...outcome, bid_id: bidId })));
    expect(decoded).toEqual({ ok: false, code: 'out_of_range', detail: expect.stringContaining('bid_id must be the id') });
  });

  const fields = Object.keys(outcome).concat(
    'creative.id',
    'creative.w',
    'creative.h',
    'creative.adm',
    'top_interest.category',
    'top_interest.score',
  );

  test.each(fields)('without %s', (path) => {
    const decoded = decodeAuctionOutcome(changed(path, undefined));
    expect(decoded).toMatchObject({ ok: false, code: path === 'currency' ? 'missing' : expect.stringMatching(/^(missing|wrong_type)$/) });
    expect(decoded.ok ? '' : decoded.detail).toContain(path);
  });

  test.each(fields)('with an array as %s', (path) => {
    expect(decodeAuctionOutcome(changed(path, [])).ok).toBe(false);
  });

  test.each<[string, unknown, string]>([
    ['bid_id', '', 'missing'],
    ['bid_id', 'x'.repeat(eventLimits.bidIdMaxBytes + 1), 'too_long'],
    ['bid_request_id', 'x'.repeat(257), 'too_long'],
    ['slot_id', 'é'.repeat(129), 'too_long'],
    ['slot_id', 'a\0b', 'not_storable'],
    ['user_id', '\ud83d', 'not_storable'],
    ['user_id', '', 'missing'],
    ['site_domain', 'd'.repeat(256), 'too_long'],
    ['bid_price', -0.01, 'out_of_range'],
    ['bid_price', '0.05', 'wrong_type'],
    ['bid_price', eventLimits.priceMaxUsd * 2, 'out_of_range'],
    ['floor', null, 'wrong_type'],
    ['currency', 'EUR', 'out_of_range'],
    ['auction_type', 3, 'out_of_range'],
    ['auction_type', '2', 'out_of_range'],
    ['test', 0, 'wrong_type'],
    ['creative', null, 'wrong_type'],
    ['creative.w', 1.5, 'wrong_type'],
    ['creative.h', 2_147_483_648, 'out_of_range'],
    ['creative.h', -1, 'out_of_range'],
    ['creative.adm', 'x'.repeat(eventLimits.admMaxLength + 1), 'too_long'],
    ['strategy', '', 'missing'],
    ['enriched', 'true', 'wrong_type'],
    ['top_interest', 'sports', 'wrong_type'],
    ['top_interest.score', 1.01, 'out_of_range'],
    ['top_interest.category', '\0', 'not_storable'],
    ['bid_at', 1_700_000_000_000, 'wrong_type'],
    ['bid_at', '2026-01-31', 'out_of_range'],
    ['win_status', 1, 'wrong_type'],
    ['win_price', -1, 'out_of_range'],
    ['market_price', 1e300, 'out_of_range'],
    ['timestamp', '2026-02-29T00:00:00.000Z', 'out_of_range'],
    ['timestamp', '2026-04-31T00:00:00.000Z', 'out_of_range'],
    ['timestamp', '2026-13-01T00:00:00.000Z', 'out_of_range'],
    ['timestamp', '2026-01-01T24:00:00.000Z', 'out_of_range'],
    ['timestamp', '2026-01-01T00:00:60Z', 'out_of_range'],
    ['timestamp', '2026-01-01T00:00:00.000', 'out_of_range'],
    ['timestamp', '0000-01-01T00:00:00Z', 'out_of_range'],
    ['timestamp', '2026-01-01T00:00:00+15:00', 'out_of_range'],
    ['timestamp', '+010000-01-01T00:00:00.000Z', 'out_of_range'],
    ['timestamp', ' 2026-01-01T00:00:00Z', 'out_of_range'],
  ])('%s = %j is %s', (path, value, code) => {
    expect(codeOf(changed(path, value))).toBe(code);
  });

  test.each([
    ['', 'empty_body'],
    ['{', 'malformed_json'],
    ['[]', 'not_an_object'],
    ['\ufeff{}', 'byte_order_mark'],
    ['{}', 'missing'],
  ])('the message %j is %s', (text, code) => {
    expect(codeOf(Buffer.from(text))).toBe(code);
  });

  test('a price that is not finite', () => {
    const bytes = Buffer.from(encodeAuctionOutcome(outcome).replace('"bid_price":0.05', '"bid_price":1e400'));
    expect(codeOf(bytes)).toBe('out_of_range');
  });

  test('a bid is no outcome', () => {
    expect(codeOf(Buffer.from(encodeBidResponse(bid)))).toBe('missing');
  });
});

test('no message makes a validator throw', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(outcome)), fc.jsonValue(), fc.uint8Array(), (name, value, bytes) => {
      expect(typeof decodeAuctionOutcome(changed(name, value)).ok).toBe('boolean');
      expect(typeof decodeBidResponse(bytes).ok).toBe('boolean');
    }),
  );
});
