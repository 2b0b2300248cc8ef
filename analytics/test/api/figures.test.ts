import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addSums, bucketQuantileMs, figuresOf, meanPrice, noSums } from '../../src/api/figures.js';
import { latencyEdgesMs } from '../../src/rollup-columns.js';

/** A case: how many latencies fell into the bucket that ends at an edge (not cumulative), and the quantile. */
interface QuantileCase {
  name: string;
  counts: Record<string, number>;
  count: number;
  q: number;
  ms: number | null;
}
const quantiles = JSON.parse(readFileSync(new URL('../cases/latency-quantiles.json', import.meta.url), 'utf8')) as QuantileCase[];

describe('a quantile of cumulative buckets', () => {
  it.each(quantiles)('$name: q $q is $ms ms', ({ counts, count, q, ms }) => {
    let upTo = 0;
    const cumulative = latencyEdgesMs.map((edgeMs) => (upTo += counts[edgeMs] ?? 0));
    expect(bucketQuantileMs(q, cumulative, count)).toBe(ms);
  });
});

describe('figures', () => {
  it('are null where there is nothing to divide by', () => {
    expect(figuresOf(noSums)).toEqual({
      bids: 0,
      wins: 0,
      win_rate: null,
      spend_usd: 0,
      avg_bid_price: null,
      avg_clearing_price: null,
      ecpm: null,
    });
    expect(figuresOf({ ...noSums, bids: '4', bid_price_sum: '0.100000' })).toMatchObject({ win_rate: 0, avg_bid_price: 0.025, ecpm: null });
  });

  it('keep money exact where doubles would not: ten million times 0.000001, and sums beyond 2^53 micros', () => {
    const sums = { bids: '10000000', wins: '10000000', bid_price_sum: '10.000000', win_price_sum: '0.000001' };
    expect(figuresOf(sums)).toMatchObject({ spend_usd: 0.000000001, avg_bid_price: 0.000001, ecpm: 0 });
    expect(addSums([sums, { ...sums, win_price_sum: '9007199254740993.000001' }]).win_price_sum).toBe('9007199254740993.000002');
  });

  it('round a mean to the nearest micro, halves up', () => {
    expect(meanPrice('0.000003', '2')).toBe(0.000002);
    expect(meanPrice('0.000004', '3')).toBe(0.000001);
    expect(meanPrice('0', '3')).toBe(0);
    expect(meanPrice('12', '5')).toBe(2.4);
  });

  it('add up: any sums, in any order', () => {
    const micros = fc.bigInt({ min: 0n, max: 10n ** 20n });
    fc.assert(
      fc.property(fc.array(micros, { maxLength: 20 }), (parts) => {
        const text = (each: bigint) => `${each / 1_000_000n}.${(each % 1_000_000n).toString().padStart(6, '0')}`;
        const sums = parts.map((each) => ({ ...noSums, bids: each.toString(), win_price_sum: text(each) }));
        const total = parts.reduce((sum, each) => sum + each, 0n);
        expect(addSums(sums)).toMatchObject({ bids: total.toString(), win_price_sum: text(total) });
        expect(addSums(sums.toReversed())).toEqual(addSums(sums));
      }),
    );
  });
});
