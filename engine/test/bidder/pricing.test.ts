import { readFileSync } from 'node:fs';
import { parseBidRequest } from '@helios/proto/bid-request';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bidOn, type Profile } from '../../src/bidder/bid.js';
import { bestInterest, defaultTiers, highestInterest, type Interest, noBidReasons } from '../../src/bidder/pricing.js';
import { bidderFaults, tiersOf } from '../../src/bidder/settings.js';
import { bidderConfig } from './bidder-config.js';

const rules = { pricing: highestInterest(), auctionType: 2 as const };
const bidAt = '2026-01-31T12:00:00.000Z';

/** One case of cases/pricing.json. */
interface PricingCase {
  readonly name: string;
  /** The user's interests; or the user is not known; or the lookup failed. */
  readonly profile: Interest[] | 'unknown' | 'failed';
  /** USD CPM. */
  readonly bid: number;
  readonly top: string | null;
}

/** One case of cases/no-bids.json. */
interface NoBidCase {
  readonly name: string;
  readonly request: unknown;
  /** The user's best score; absent: none. */
  readonly topScore?: number;
  /** "bid", or the reason why there is none, for each slot by its id. */
  readonly want: Readonly<Record<string, string>>;
}

function casesOf<T>(file: string): T[] {
  return JSON.parse(readFileSync(new URL(`../cases/${file}`, import.meta.url), 'utf8')) as T[];
}

function profileOf(from: PricingCase['profile']): Profile | null {
  if (from === 'failed') return null;
  const known = from !== 'unknown';
  return { user_id: known ? 'user-1' : '', locale: '', interests: known ? from : [], demographics: {} };
}

function parsed(request: unknown) {
  const result = parseBidRequest(Buffer.from(JSON.stringify(request)));
  if (!result.ok) throw new Error(`the case is no valid request: ${result.fault.detail}`);
  return result.request;
}

const pricingCases = casesOf<PricingCase>('pricing.json');
const noBidCases = casesOf<NoBidCase>('no-bids.json');

describe('the price', () => {
  test.each(pricingCases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const request = parsed({ id: 'r', user: { id: 'user-1' }, ad_slots: [{ id: '1', w: 300, h: 250 }] });
    const { bids } = bidOn(request, profileOf(one.profile), rules, bidAt);
    expect(bids).toHaveLength(1);
    expect(bids[0]?.bid_price).toBe(one.bid);
    expect(bids[0]?.top_interest?.category ?? null).toBe(one.top);
    expect(bids[0]?.enriched).toBe(Array.isArray(one.profile));
  });

  test('takes no account of a score that is no number', () => {
    expect(bestInterest([{ category: 'sports', score: Number.NaN }])).toBeNull();
    const interests = [
      { category: 'sports', score: Number.POSITIVE_INFINITY },
      { category: 'cars', score: 0.3 },
    ];
    expect(bestInterest(interests)?.category).toBe('cars');
  });

  test('is the tier of the highest score, wherever that stands', () => {
    const score = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(score, { minLength: 1 }), (scores) => {
        const best = bestInterest(scores.map((score, index) => ({ category: `c${index}`, score })));
        const highest = Math.max(...scores);
        expect(best).toEqual({ category: `c${scores.indexOf(highest)}`, score: highest });
        expect(rules.pricing.priceMicros(best)).toBe(highest > 0.9 ? 100_000 : highest >= 0.7 ? 50_000 : 10_000);
      }),
    );
  });

  test('follows the configuration, whose defaults are the tiers of the contract', () => {
    expect(tiersOf(bidderConfig())).toEqual(defaultTiers);
    const tiers = tiersOf(bidderConfig({ BIDDER_PRICE_HIGH_USD: '0.29', BIDDER_SCORE_HIGH: '0.5', BIDDER_SCORE_MID: '0.5' }));
    const pricing = highestInterest(tiers);
    expect(pricing.priceMicros({ category: 'c', score: 0.51 })).toBe(290_000);
    expect(pricing.priceMicros({ category: 'c', score: 0.5 })).toBe(50_000);
    expect(pricing.priceMicros({ category: 'c', score: 0.49 })).toBe(10_000);
    expect(bidderFaults(bidderConfig({ BIDDER_SCORE_MID: '0.95' }))).toEqual([expect.stringContaining('BIDDER_SCORE_MID (0.95)')]);
    expect(bidderFaults(bidderConfig())).toEqual([]);
  });
});

describe('a slot gets a bid, or the reason why not', () => {
  test.each(noBidCases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const interests = one.topScore === undefined ? [] : [{ category: 'sports', score: one.topScore }];
    const { bids, noBids } = bidOn(parsed(one.request), profileOf(interests), rules, bidAt);
    const got = Object.fromEntries([
      ...bids.map((bid) => [bid.slot_id, 'bid'] as const),
      ...noBids.map(({ slotId, reason }) => [slotId, reason] as const),
    ]);
    expect(got).toEqual(one.want);
    expect(bids.length + noBids.length).toBe(Object.keys(one.want).length);
  });

  test('and the table knows every reason', () => {
    const reasons = new Set(noBidCases.flatMap((one) => Object.values(one.want)));
    expect([...reasons].sort()).toEqual([...noBidReasons, 'bid'].sort());
  });
});
