import { meanMs, observedBetween, quantileMs } from '@helios/bench/end-to-end/histogram';
import { parseMetrics } from '@helios/scripts/metrics-text';
import { expect, it } from 'vitest';

/** A scrape with cumulative counts at 0.1 s, 0.25 s and without end. */
function scrape(counts: readonly [number, number, number], sumSeconds: number) {
  const [a, b, all] = counts;
  return parseMetrics(
    `t_bucket{le="0.1"} ${a}\nt_bucket{le="0.25"} ${b}\nt_bucket{le="+Inf"} ${all}\nt_sum ${sumSeconds}\nt_count ${all}\n`,
  );
}

it('only what came between two scrapes counts', () => {
  const observed = observedBetween(scrape([1000, 1000, 1000], 1), scrape([1060, 1100, 1100], 13), 't');
  expect(observed.count).toBe(100);
  expect(observed.buckets.map(({ count }) => count)).toEqual([60, 40, 0]);
  expect(meanMs(observed)).toBeCloseTo(120);
});

it('a quantile is at most the edge of its bucket, and about where its share of the bucket lies', () => {
  const observed = observedBetween(scrape([0, 0, 0], 0), scrape([60, 100, 100], 12), 't');
  const [middle, far] = [quantileMs(observed, 0.5), quantileMs(observed, 0.8)];
  expect(middle?.atMostMs).toBeCloseTo(100);
  expect(middle?.aboutMs).toBeCloseTo((50 / 60) * 100);
  expect(far?.atMostMs).toBeCloseTo(250);
  expect(far?.aboutMs).toBeCloseTo(175);
});

it('above the last edge, and without observations, there is no quantile', () => {
  expect(quantileMs(observedBetween(scrape([0, 0, 0], 0), scrape([1, 1, 10], 90), 't'), 0.99)).toBeNull();
  const none = observedBetween(scrape([5, 5, 5], 1), scrape([5, 5, 5], 1), 't');
  expect([quantileMs(none, 0.5), meanMs(none)]).toEqual([null, null]);
});
