import { parseBidRequest } from '@helios/proto/bid-request';
import { decodeBidResponse, encodeBidResponse } from '@helios/proto/events';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bidOn, type Profile } from '../../src/bidder/bid.js';
import { highestInterest } from '../../src/bidder/pricing.js';

const rules = { pricing: highestInterest(), auctionType: 2 as const };
const bidAt = '2026-01-31T12:00:00.000Z';
const sportsFan: Profile = {
  user_id: 'user-1',
  locale: 'en-US',
  interests: [{ category: 'sports', score: 0.95 }],
  demographics: { age_bracket: '25-34' },
};

function bidsOn(request: unknown, profile: Profile | null = sportsFan, auctionType: 1 | 2 = 2) {
  const parsed = parseBidRequest(Buffer.from(JSON.stringify(request)));
  if (!parsed.ok) throw new Error(parsed.fault.detail);
  return bidOn(parsed.request, profile, { ...rules, auctionType }, bidAt).bids;
}

const banner = { w: 300, h: 250 };

describe('a bid', () => {
  test('says all that the contract asks for', () => {
    const request = {
      id: 'req:1',
      at: 1,
      test: 1,
      imp: [{ id: 'a:b', banner, bidfloor: 0.0100001 }],
      site: { domain: 'news.example' },
      user: { id: 'user-1' },
    };
    expect(bidsOn(request)).toEqual([
      {
        bid_id: 'req%3A1:a:b',
        bid_request_id: 'req:1',
        slot_id: 'a:b',
        user_id: 'user-1',
        site_domain: 'news.example',
        bid_price: 0.1,
        currency: 'USD',
        floor: 0.010001,
        auction_type: 1,
        test: true,
        creative: expect.objectContaining({ id: 'sports-300x250', w: 300, h: 250 }) as unknown,
        strategy: 'highest_interest',
        enriched: true,
        top_interest: { category: 'sports', score: 0.95 },
        bid_at: bidAt,
      },
    ]);
  });

  test('without a profile is not enriched and has the house ad', () => {
    const request = { id: 'r', imp: [{ id: '1', banner }] };
    expect(bidsOn(request, null)).toMatchObject([
      { enriched: false, top_interest: null, user_id: null, site_domain: '', creative: { id: 'house-300x250' } },
    ]);
    expect(bidsOn(request, { user_id: '', locale: '', interests: [], demographics: {} })).toMatchObject([
      { enriched: false, top_interest: null },
    ]);
    expect(bidsOn(request, { ...sportsFan, interests: [] })).toMatchObject([{ enriched: true, top_interest: null, bid_price: 0.01 }]);
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 'configured'],
    [0, 'configured'],
    [undefined, 'configured'],
    [null, 'configured'],
  ] as const)('on a request with at %s is auctioned at type %s', (at, type) => {
    for (const configured of [1, 2] as const) {
      const [bid] = bidsOn({ id: 'r', at, imp: [{ id: '1', banner }] }, null, configured);
      expect(bid?.auction_type).toBe(type === 'configured' ? configured : type);
    }
  });

  test('is made for every slot, in the order of the slots', () => {
    const imp = Array.from({ length: 5 }, (_, index) => ({ id: `slot-${index}`, banner }));
    expect(bidsOn({ id: 'r', imp }).map((bid) => bid.slot_id)).toEqual(imp.map((one) => one.id));
  });

  test('on the inventory of an app or a screen carries its bundle or id', () => {
    expect(bidsOn({ id: 'r', imp: [{ id: '1', banner }], app: { bundle: 'com.example' } })[0]?.site_domain).toBe('com.example');
    expect(bidsOn({ id: 'r', imp: [{ id: '1', banner }], dooh: { id: 'screen-7' } })[0]?.site_domain).toBe('screen-7');
  });
});

test('whatever request is valid and whatever a profile holds, every bid is one that the auction takes, unchanged', () => {
  const text = fc.string({ unit: 'binary', maxLength: 80 });
  const pixels = fc.oneof(fc.constantFrom(0, 1, 300, 2_147_483_647), fc.nat());
  const floor = fc.oneof(fc.constant(undefined), fc.double({ min: 0, max: 0.2, noNaN: true }), fc.constantFrom(0.1503213, 16.1, 1e300));
  const imp = fc.record({ id: text, banner: fc.record({ w: pixels, h: pixels }), bidfloor: floor });
  const request = fc.record({
    id: text,
    imp: fc.uniqueArray(imp, { minLength: 1, maxLength: 5, selector: (one) => one.id }),
    at: fc.integer({ min: 0, max: 4 }),
    test: fc.nat(1),
    user: fc.record({ id: text }),
    site: fc.record({ domain: text }),
  });
  const interest = fc.record({
    category: fc.oneof(fc.constant(''), text, fc.string({ maxLength: 400 })),
    score: fc.double({ min: -1, max: 2 }),
  });
  const profile = fc.option(
    fc.record({ user_id: fc.constantFrom('', 'u'), locale: text, interests: fc.array(interest), demographics: fc.constant({}) }),
  );
  let bidsSeen = 0;
  fc.assert(
    fc.property(request, profile, (request, profile) => {
      const parsed = parseBidRequest(Buffer.from(JSON.stringify(request)));
      fc.pre(parsed.ok);
      if (!parsed.ok) return;
      const { bids, noBids } = bidOn(parsed.request, profile, rules, bidAt);
      expect(bids.length + noBids.length).toBe(request.imp.length);
      for (const bid of bids) {
        bidsSeen++;
        // Through JSON, because that knows no -0.
        const event: unknown = JSON.parse(JSON.stringify(bid));
        expect(decodeBidResponse(Buffer.from(encodeBidResponse(bid)))).toEqual({ ok: true, event });
        expect(bid.bid_price).toBeGreaterThanOrEqual(bid.floor);
      }
    }),
    { numRuns: 500 },
  );
  expect(bidsSeen).toBeGreaterThan(100);
});
