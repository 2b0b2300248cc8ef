import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Outcome, type PairSample } from '@helios/bench/gate/judge';
import { medianInterval } from '@helios/bench/gate/interval';
import { calibration, figureLimits } from '@helios/bench/gate/limits';
import cases from './cases/judge.json' with { type: 'json' };

interface CasePairs {
  readonly ours: number[];
  readonly acked: number[];
  readonly cpu: number[];
  readonly bare: number[];
  readonly k6: (number | null)[];
  readonly late?: boolean[];
  readonly failed?: number[];
  readonly ackedFailed?: number[];
  readonly wrong?: number[];
  readonly dropped?: number[];
  readonly others?: number[];
  readonly idle?: number[];
}

function pairsOf(given: Partial<CasePairs>): PairSample[] {
  const all = { ...(cases[0]?.pairs as CasePairs), ...given };
  return all.ours.map((p99Ms, index) => {
    const k6 = all.k6[index] ?? null;
    const latency = { requests: 1000, scheduleFault: null, failed: 0, wrong: 0, firstWrong: null };
    return {
      machine: { othersShare: all.others?.[index] ?? 0.02, idleShare: all.idle?.[index] ?? 0.1 },
      ours: {
        ...latency,
        p99Ms,
        scheduleFault: all.late?.[index] === true ? 'late' : null,
        failed: all.failed?.[index] ?? 0,
        wrong: all.wrong?.[index] ?? 0,
      },
      acked: { ...latency, p99Ms: all.acked[index] ?? 0, failed: all.ackedFailed?.[index] ?? 0 },
      cpu: { windows: [{ oursMicros: all.cpu[index] ?? 0, bareMicros: all.bare[index] ?? 0 }], oursFailedShare: 0 },
      k6:
        k6 === null
          ? null
          : { requests: 1000, p99Ms: k6, droppedIterations: all.dropped?.[index] ?? 0, failedShare: 0, checksShare: 1, crossed: [] },
    };
  });
}

function outcomesOf(pairs: readonly PairSample[], withK6 = true): { outcome: Outcome; figures: Record<string, Outcome> } {
  const { outcome, figures } = judge(pairs, withK6);
  return { outcome, figures: Object.fromEntries(figures.map((verdict) => [verdict.figure, verdict.outcome])) };
}

describe('the judge', () => {
  it.each(cases)('$name', ({ pairs, expect: expected }) => {
    expect(outcomesOf(pairsOf(pairs as Partial<CasePairs>))).toMatchObject(expected);
  });

  it('says nothing of less than five pairs, and nothing of k6 without it', () => {
    const four = pairsOf({}).slice(0, 4);
    expect(outcomesOf(four).outcome).toBe('inconclusive');
    expect(outcomesOf([]).outcome).toBe('inconclusive');
    expect(outcomesOf(pairsOf({}), false).figures).not.toHaveProperty('p99 by k6');
  });

  it('names the pairs that do not count, and why', () => {
    const { figures } = judge(pairsOf({ acked: [3, 3, 3, 13, 3] }), true);
    const p99 = figures.find(({ figure }) => figure === 'p99');
    expect(p99?.disturbed).toEqual([{ pair: 4, why: "the smallest handler's p99 was 13 ms, more than 2.5 times its median of 3" }]);
    expect(p99?.reason).toBe('4 undisturbed pairs of 5, and it takes 5');
    const slow = judge(pairsOf({ acked: [9, 13, 14, 13, 8] }), true).figures.find(({ figure }) => figure === 'p99');
    expect(slow?.disturbed.map(({ why }) => why)).toEqual(
      Array(5).fill(`the smallest handler's own p99 was 13 ms in the median, above ${calibration.ackedP99MaxMs}`),
    );
  });
});

const value = (max: number) => fc.double({ min: 0.5, max, noNaN: true });
const anyPairs = fc
  .integer({ min: 5, max: 10 })
  .chain((count) => {
    const list = (max: number) => fc.array(value(max), { minLength: count, maxLength: count });
    return fc.record({
      ours: list(80),
      acked: list(12),
      cpu: list(80),
      bare: list(20),
      k6: list(80),
      late: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
    });
  })
  .map(pairsOf);

/** A judgement resamples thousands of times. */
const RUNS = { numRuns: 30 };

const rank: Record<Outcome, number> = { pass: 0, inconclusive: 1, fail: 2 };

describe('whatever is measured, the judge', () => {
  it('never judges a slower ingest better', () => {
    fc.assert(
      fc.property(anyPairs, fc.double({ min: 1, max: 10, noNaN: true }), (pairs, factor) => {
        const slower = pairs.map((pair) => ({
          ...pair,
          ours: { ...pair.ours, p99Ms: pair.ours.p99Ms * factor },
          cpu: {
            ...pair.cpu,
            windows: pair.cpu.windows.map((window) => ({ ...window, oursMicros: window.oursMicros * factor })),
          },
        }));
        const [before, after] = [outcomesOf(pairs), outcomesOf(slower)];
        for (const [figure, outcome] of Object.entries(before.figures)) {
          expect(rank[after.figures[figure] as Outcome]).toBeGreaterThanOrEqual(rank[outcome]);
        }
        expect(rank[after.outcome]).toBeGreaterThanOrEqual(rank[before.outcome]);
      }),
      RUNS,
    );
  });

  it('judges by the pairs and not by their order', () => {
    fc.assert(
      fc.property(anyPairs, fc.integer(), (pairs, turn) => {
        const by = ((turn % pairs.length) + pairs.length) % pairs.length;
        expect(outcomesOf([...pairs.slice(by), ...pairs.slice(0, by)])).toEqual(outcomesOf(pairs));
      }),
      RUNS,
    );
  });

  it('fails a figure only when most of its undisturbed values are above the limit, and passes it only when most are not', () => {
    fc.assert(
      fc.property(anyPairs, (pairs) => {
        for (const { figure, outcome, values, limit } of judge(pairs, true).figures) {
          const above = values.filter((each) => each > limit).length;
          if (outcome === 'fail') expect(above * 2).toBeGreaterThan(values.length);
          if (outcome === 'pass') expect(above * 2).toBeLessThan(values.length);
          if (outcome !== 'inconclusive') expect(values.length).toBeGreaterThanOrEqual(figureLimits[figure].pairsMin);
        }
      }),
      RUNS,
    );
  });
});

describe('the interval of a median', () => {
  it('holds the median, within the values', () => {
    fc.assert(
      fc.property(fc.array(value(100), { minLength: 1, maxLength: 12 }), (values) => {
        const { median, low, high } = medianInterval(values, 0.8);
        expect(low).toBeLessThanOrEqual(median);
        expect(high).toBeGreaterThanOrEqual(median);
        expect(Math.min(...values)).toBeLessThanOrEqual(low);
        expect(Math.max(...values)).toBeGreaterThanOrEqual(high);
      }),
    );
  });

  it('of five values reaches from the second smallest to the second largest', () => {
    expect(medianInterval([5, 1, 4, 2, 3], 0.8)).toEqual({ median: 3, low: 2, high: 4 });
  });
});
