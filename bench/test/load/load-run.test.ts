import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encoded, merged, newHistogram, percentilesOf, recordMs } from '@helios/bench/load/latency-histogram';
import { loadResult, type ShareResult, type Slice } from '@helios/bench/load/load-run';
import { quantile } from '@helios/bench/load/quantile';

function histogramOf(timesMs: readonly number[]): string {
  const histogram = newHistogram();
  for (const ms of timesMs) recordMs(histogram, ms);
  return encoded(histogram);
}

function share(facts: Partial<ShareResult>): ShareResult {
  return {
    requests: 100,
    answers: { 202: 100 },
    wrong: 0,
    firstWrong: null,
    waited: 0,
    lateOver1Ms: 0,
    lateOver5Ms: 0,
    overrunMs: 0,
    latency: histogramOf([1, 2]),
    service: histogramOf([1]),
    lateness: histogramOf([0]),
    ...facts,
  };
}

const slice = (...shares: ShareResult[]): Slice => ({ run: { perSecond: 100 * shares.length, seconds: 1 }, shares });

describe('histograms', () => {
  it('add up to the percentiles of all samples together, within three digits', () => {
    const times = fc.array(fc.double({ min: 0.01, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, times, (first, second) => {
        const all = [...first, ...second].toSorted((a, b) => a - b);
        const found = percentilesOf(merged([histogramOf(first), histogramOf(second)]));
        expect(found.n).toBe(all.length);
        const exact = quantile(all, 0.99);
        expect(Math.abs(found.p99Ms - exact)).toBeLessThanOrEqual(0.002 + exact * 0.002);
      }),
    );
  });

  it('hold times beyond their range at its end, and none below zero', () => {
    expect(percentilesOf(merged([histogramOf([-1, 1e9])]))).toMatchObject({ n: 2, p50Ms: 0 });
  });
});

describe('the result of a load', () => {
  it('adds up what processes and slices counted', () => {
    const result = loadResult([
      slice(share({}), share({ wrong: 2, firstWrong: 'that one' })),
      slice(share({ answers: { 202: 90, none: 10 } })),
    ]);
    expect(result).toMatchObject({ requests: 300, answers: { 202: 290, none: 10 }, wrong: 2, firstWrong: 'that one' });
    expect(result.schedule).toMatchObject({ kept: true, reason: null, intendedPerSecond: 150, achievedPerSecond: 150 });
  });

  it('says that the schedule was not kept when more than half a percent was sent more than 5 ms late', () => {
    const late = (lateOver5Ms: number) => loadResult([slice(share({ requests: 1000, lateOver5Ms, lateness: histogramOf([12]) }))]).schedule;
    expect(late(5).kept).toBe(true);
    expect(late(6)).toMatchObject({ kept: false, lateOver5MsShare: 0.006, latenessMaxMs: expect.closeTo(12, 1) as number });
    expect(late(6).reason).toContain('0.60 % of the requests were sent more than 5 ms late');
  });

  it('says so when fewer requests were sent in the time, or none could be', () => {
    expect(loadResult([slice(share({ overrunMs: 20 }))]).schedule.reason).toContain('98.04 requests a second were sent instead of 100');
    expect(loadResult([slice(share({ answers: { 202: 99, 'not sent': 1 } }))]).schedule.kept).toBe(false);
  });
});
