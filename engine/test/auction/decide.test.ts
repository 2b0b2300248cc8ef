import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clearingMicros, decide } from '../../src/auction/decide.js';
import { bidResponse } from './bid-response.js';

/** One case of cases/clearing.json; prices in USD CPM. */
interface ClearingCase {
  readonly name: string;
  readonly bid: number;
  readonly floor: number;
  /** The best competing bid. */
  readonly market: number;
  /** 1 first price, 2 second price. */
  readonly at: 1 | 2;
  readonly wins: boolean;
  readonly pays: number;
  /** The market price that the outcome shows, where it is not `market` itself. */
  readonly marketShown?: number;
}

const cases = JSON.parse(readFileSync(new URL('../cases/clearing.json', import.meta.url), 'utf8')) as ClearingCase[];

describe('the case table', () => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const bid = bidResponse({ bid_price: one.bid, floor: one.floor, auction_type: one.at });
    // A market without spread is its median, for every bid.
    const decision = decide(bid, { medianUsd: one.market, sigma: 0, seed: 1 });
    expect(decision).toEqual({ win_status: one.wins, win_price: one.pays, market_price: one.marketShown ?? one.market });
  });

  test('names each case once and knows both auction types and both ends', () => {
    expect(new Set(cases.map((one) => one.name)).size).toBe(cases.length);
    for (const at of [1, 2]) for (const wins of [true, false]) expect(cases.some((one) => one.at === at && one.wins === wins)).toBe(true);
  });
});

describe('a decision', () => {
  const market = { medianUsd: 0.037, sigma: 1.17, seed: 1 };

  test('is the same whenever and wherever it is made', () => {
    for (let index = 0; index < 50; index++) {
      const bid = bidResponse({ bid_id: `req-${index}:top` });
      expect(decide(bid, market)).toEqual(decide(structuredClone(bid), { ...market }));
    }
  });

  test('depends on the seed', () => {
    const prices = [1, 2, 3].map((seed) => decide(bidResponse(), { ...market, seed }).market_price);
    expect(new Set(prices).size).toBe(3);
  });
});

test('a winner never pays more than it bid, nor less than the floor or the market; a loser pays nothing', () => {
  const micros = fc.integer({ min: 0, max: 1_000_000_000 });
  // Prices close to each other, so that ties and single micros happen.
  const near = fc.integer({ min: 0, max: 5 });
  fc.assert(
    fc.property(
      fc.oneof(micros, near),
      fc.oneof(micros, near),
      fc.oneof(micros, near),
      fc.constantFrom(1 as const, 2 as const),
      (bid, floor, market, at) => {
        const paid = clearingMicros(bid, floor, market, at);
        const wins = bid >= floor && bid > market;
        expect(paid !== null).toBe(wins);
        if (paid === null) return;
        expect(paid).toBeLessThanOrEqual(bid);
        expect(paid).toBeGreaterThanOrEqual(Math.max(floor, market));
        expect(paid).toBe(at === 1 ? bid : Math.max(floor, market));
      },
    ),
  );
});
