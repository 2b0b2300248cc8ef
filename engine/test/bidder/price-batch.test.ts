import { type BidResponse, decodeBidResponse } from '@helios/proto/events';
import { describe, expect, test } from 'vitest';
import type { Profile } from '../../src/bidder/bid.js';
import { priceBatch } from '../../src/bidder/price-batch.js';
import { highestInterest } from '../../src/bidder/pricing.js';
import type { Lookup, ProfileLookup } from '../../src/bidder/profile-client.js';
import { type BidResult, packMessages } from '../../src/bidder/worker-messages.js';

const rules = { pricing: highestInterest(), auctionType: 2 as const };

/** Answers every id with a profile whose one interest names the user; remembers what it was asked. */
function profilesOf(result: Lookup['result'] = 'ok') {
  const asked: (readonly string[])[] = [];
  const lookup: ProfileLookup = {
    lookup: async (userIds) => {
      asked.push(userIds);
      if (userIds.length === 0) return { profiles: new Map(), result: 'none', durationMs: 0 };
      if (result !== 'ok') return { profiles: null, result, durationMs: 100 };
      const profile = (id: string): Profile => ({
        user_id: id,
        locale: '',
        interests: [{ category: `of ${id}`, score: 0.8 }],
        demographics: {},
      });
      return { profiles: new Map(userIds.map((id) => [id, profile(id)])), result, durationMs: 5 };
    },
    close: () => undefined,
  };
  return { asked, lookup };
}

function request(id: string, userId?: string, slots = 1): string {
  const imp = Array.from({ length: slots }, (_, index) => ({ id: `${index}`, banner: { w: 300, h: 250 } }));
  return JSON.stringify({ id, imp, ...(userId === undefined ? {} : { user: { id: userId } }) });
}

function taskOf(texts: readonly (string | null)[], logged: readonly number[] = []) {
  return packMessages(
    texts.map((text) => (text === null ? null : Buffer.from(text))),
    logged,
  );
}

function bidsOf(result: BidResult): (BidResponse & { source: number | undefined })[] {
  return Array.from(result.ends, (end, index) => {
    const start = index === 0 ? 0 : (result.ends[index - 1] ?? Number.NaN);
    const decoded = decodeBidResponse(Buffer.from(result.bytes, start, end - start));
    if (!decoded.ok) throw new Error(decoded.detail);
    return { ...decoded.event, source: result.sources[index] };
  });
}

describe('a traced request', () => {
  test('is named to the lookup by where its user stands in it; one without a user, or that is none, is not', async () => {
    const { asked, lookup } = profilesOf();
    const named: unknown[] = [];
    const texts = [request('a', 'u1'), request('b'), '{', request('c', 'u2'), request('d', 'u1')];
    const task = packMessages(
      texts.map((text) => Buffer.from(text)),
      [],
      [1, 2, 3, 4].map((index) => ({ index, traceparent: `of ${index}` })),
    );
    await priceBatch(
      task,
      {
        lookup: (userIds, traced) => {
          named.push(...(traced ?? []));
          return lookup.lookup(userIds);
        },
        close: () => undefined,
      },
      rules,
    );
    expect(asked).toEqual([['u1', 'u2']]);
    expect(named).toEqual([
      { position: 1, traceparent: 'of 3' },
      { position: 0, traceparent: 'of 4' },
    ]);
  });
});

describe('a batch', () => {
  test('is priced with one lookup that names each user once', async () => {
    const { asked, lookup } = profilesOf();
    const texts = [request('a', 'u1', 2), request('b', 'u2'), request('c'), request('d', 'u1')];
    const result = await priceBatch(taskOf(texts), lookup, rules);
    expect(asked).toEqual([['u1', 'u2']]);
    expect(bidsOf(result).map((bid) => [bid.source, bid.bid_id, bid.top_interest?.category, bid.enriched])).toEqual([
      [0, 'a:0', 'of u1', true],
      [0, 'a:1', 'of u1', true],
      [1, 'b:0', 'of u2', true],
      [2, 'c:0', undefined, false],
      [3, 'd:0', 'of u1', true],
    ]);
    expect(result).toMatchObject({ enrichedBids: 4, faults: [], lookup: { result: 'ok', durationMs: 5, userIds: 2 } });
    expect(new Set(bidsOf(result).map((bid) => bid.bid_at)).size).toBe(1);
  });

  test('whose lookup failed is priced all the same, without enrichment', async () => {
    for (const failure of ['failed', 'deadline', 'rejected'] as const) {
      const result = await priceBatch(taskOf([request('a', 'u1'), request('b', 'u2')]), profilesOf(failure).lookup, rules);
      expect(bidsOf(result).map((bid) => [bid.bid_price, bid.enriched, bid.top_interest])).toEqual([
        [0.01, false, null],
        [0.01, false, null],
      ]);
      expect(result).toMatchObject({ enrichedBids: 0, lookup: { result: failure } });
    }
  });

  test('with unusable messages names each with its reason and prices the others as if those were not there', async () => {
    const texts = ['{', request('good-1', 'u1'), null, '[]', '{"id":"x"}', request('good-2', 'u2'), JSON.stringify({ id: 1, imp: [] })];
    const { asked, lookup } = profilesOf();
    const result = await priceBatch(taskOf(texts), lookup, rules);
    expect(result.faults.map(({ index, code }) => [index, code])).toEqual([
      [0, 'malformed_json'],
      [2, 'empty_body'],
      [3, 'not_an_object'],
      [4, 'missing'],
      [6, 'wrong_type'],
    ]);
    for (const { detail } of result.faults) expect(detail).not.toBe('');
    expect(bidsOf(result).map((bid) => [bid.source, bid.bid_request_id])).toEqual([
      [1, 'good-1'],
      [5, 'good-2'],
    ]);
    expect(asked).toEqual([['u1', 'u2']]);
  });

  test('counts the slots without a bid by their reason', async () => {
    const banner = { w: 300, h: 250 };
    const body = {
      id: 'r',
      imp: [
        { id: '1', video: { mimes: ['video/mp4'] } },
        { id: '2', banner: {} },
        { id: '3', banner, bidfloorcur: 'EUR' },
        { id: '4', banner, bidfloor: 16.1 },
        { id: '5', banner, bidfloor: 0.1503213 },
        { id: '6', banner },
      ],
    };
    const result = await priceBatch(taskOf([JSON.stringify(body)]), profilesOf().lookup, rules);
    expect(result.noBids).toEqual({ unsupported_format: 1, no_size: 1, currency: 1, floor: 2 });
    expect(bidsOf(result).map((bid) => bid.slot_id)).toEqual(['6']);
  });

  test('gives back what is wanted for the log: the profile, the bids and the no-bids', async () => {
    const texts = [request('a', 'u1'), request('b', 'u2'), '{', JSON.stringify({ id: 'd', größe: 'ü', ad_slots: [{ id: 's' }] })];
    const result = await priceBatch(taskOf(texts, [1, 2, 3]), profilesOf().lookup, rules);
    expect(result.logs).toEqual([
      {
        index: 1,
        requestId: 'b',
        profile: expect.objectContaining({ user_id: 'u2' }) as unknown,
        bidIds: ['b:0'],
        noBids: [],
      },
      {
        index: 3,
        requestId: 'd',
        profile: null,
        bidIds: [],
        noBids: [{ slotId: 's', reason: 'no_size' }],
      },
    ]);
  });

  test('of nothing is nothing', async () => {
    const result = await priceBatch(taskOf([]), profilesOf().lookup, rules);
    expect(bidsOf(result)).toEqual([]);
    expect(result.lookup.result).toBe('none');
  });
});
