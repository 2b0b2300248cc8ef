import { describe, expect, it } from 'vitest';
import { ownShareBetween } from '@helios/bench/stages/own-share';

/** Cumulative counts at 10 us, 100 us, 1 ms and beyond. */
function scrapeOf(before: readonly number[], after: readonly number[]): string {
  const lines = (part: string, counts: readonly number[]): string[] =>
    ['0.00001', '0.0001', '0.001', '+Inf'].map(
      (le, index) => `helios_ingest_own_seconds_bucket{part="${part}",le="${le}"} ${counts[index]}`,
    );
  return [...lines('before_produce', before), ...lines('after_report', after)].join('\n');
}

const empty = scrapeOf([0, 0, 0, 0], [0, 0, 0, 0]);

describe("Helios' own share", () => {
  it('is bounded by bucket edges of what came between the scrapes', () => {
    const before = scrapeOf([0, 0, 0, 500], [0, 0, 0, 500]);
    const after = scrapeOf([900, 1000, 1000, 1500], [980, 996, 1000, 1500]);
    expect(ownShareBetween(before, after)).toEqual({
      requests: 1000,
      beforeProduceP99AtMostMs: 0.1,
      afterReportP99AtMostMs: 0.1,
      sumP99AtMostMs: 0.2,
    });
  });

  it('adds up the quantiles of half a percent, not of one', () => {
    const after = scrapeOf([992, 1000, 1000, 1000], [992, 992, 1000, 1000]);
    expect(ownShareBetween(empty, after)).toMatchObject({
      beforeProduceP99AtMostMs: 0.01,
      afterReportP99AtMostMs: 0.01,
      sumP99AtMostMs: 1.1,
    });
  });

  it('is infinite where the last finite edge is passed, and unknown without requests', () => {
    expect(ownShareBetween(empty, scrapeOf([0, 0, 900, 1000], [1000, 1000, 1000, 1000])).sumP99AtMostMs).toBe(Number.POSITIVE_INFINITY);
    expect(() => ownShareBetween(empty, empty)).toThrow('no request was accepted');
  });
});
