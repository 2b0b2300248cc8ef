import { median } from '../result-file.js';
import { medianInterval } from './interval.js';
import { calibration, type FigureName, figureLimits, INTERVAL_SHARE } from './limits.js';

/**
 * What the gate's samples come to. Pure.
 *
 * Each figure is judged by its values over the undisturbed pairs, one a pair and of the CPU ratio one a window: their median and its bootstrap
 * interval. It fails when the whole interval is above the limit, passes when the whole interval is not, and is inconclusive when the limit lies
 * within or there are too few undisturbed pairs. The gate fails when a figure fails, is inconclusive when none fails and one is inconclusive, and
 * passes otherwise. So one bad pair decides nothing, and noise that hits the handlers of calibration too is not held against ingest, nor counted
 * in its favour.
 */
export type Outcome = 'pass' | 'fail' | 'inconclusive';

/** One handler under the open-loop sender, in one pair. */
export interface LatencySample {
  readonly requests: number;
  readonly p99Ms: number;
  /** Why the sender did not keep its schedule; null: it did. */
  readonly scheduleFault: string | null;
  /** Requests that were not answered 202. */
  readonly failed: number;
  /** Answers of status 202 that were not the right one, with the first of them. */
  readonly wrong: number;
  readonly firstWrong: string | null;
}

/** CPU microseconds a request of both handlers at saturation, one window right after the other. */
export interface CpuWindow {
  readonly oursMicros: number;
  readonly bareMicros: number;
}

export interface CpuSample {
  readonly windows: readonly CpuWindow[];
  /** Share of ingest's answers that were not the right 202. */
  readonly oursFailedShare: number;
}

/** The steady scenario of one k6 run against ingest. */
export interface K6Sample {
  readonly requests: number;
  readonly p99Ms: number;
  readonly droppedIterations: number;
  readonly failedShare: number;
  readonly checksShare: number;
  /** Thresholds that k6 found crossed. */
  readonly crossed: readonly string[];
}

/** Where the time of all cores went during a pair. */
export interface MachineSample {
  /** To processes that are none of the gate's, and to other machines on the same hardware. */
  readonly othersShare: number;
  readonly idleShare: number;
}

export interface PairSample {
  /** Null where the system does not tell. */
  readonly machine: MachineSample | null;
  readonly ours: LatencySample;
  readonly acked: LatencySample;
  readonly cpu: CpuSample;
  /** Null: k6 had no turn in this pair. */
  readonly k6: K6Sample | null;
}

export interface FigureVerdict {
  readonly figure: FigureName;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly limit: number;
  readonly median: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Of undisturbed pairs, in their order. */
  readonly values: readonly number[];
  /** Pairs (from 1) that do not count for this figure, and why. */
  readonly disturbed: readonly { readonly pair: number; readonly why: string }[];
}

export interface Judgement {
  readonly outcome: Outcome;
  readonly figures: readonly FigureVerdict[];
}

/** Judges all pairs so far. @param withK6 whether k6 takes part; without it its figure is left out, which is for the caller to say. */
export function judge(pairs: readonly PairSample[], withK6: boolean): Judgement {
  const ackedMedianMs = pairs.length === 0 ? 0 : median(pairs.map(({ acked }) => acked.p99Ms));
  const bareMedianMicros = pairs.length === 0 ? 0 : median(pairs.map(({ cpu }) => bareMicrosOf(cpu)));
  const latency = (pair: PairSample): string | null => latencyDisturbed(pair, ackedMedianMs);
  const cpu = (pair: PairSample): string | null => machineDisturbed(pair.machine) ?? cpuDisturbed(pair.cpu, bareMedianMicros);
  const figures = [
    answersVerdict(pairs),
    figureVerdict('p99', pairs, latency, ({ ours }) => [ours.p99Ms]),
    figureVerdict('p99 ratio', pairs, latency, ({ ours, acked }) => [ours.p99Ms / acked.p99Ms]),
    figureVerdict('cpu ratio', pairs, cpu, (pair) => pair.cpu.windows.map(({ oursMicros, bareMicros }) => oursMicros / bareMicros)),
  ];
  if (withK6) {
    figures.push(
      figureVerdict(
        'p99 by k6',
        pairs,
        // Not what hit the sender: k6 has a turn and a schedule of its own.
        ({ machine, k6 }) => machineDisturbed(machine) ?? tooBusy(ackedMedianMs) ?? k6Disturbed(k6),
        ({ k6 }) => (k6 === null ? [] : [k6.p99Ms]),
      ),
    );
  }
  return { outcome: worst(figures.map(({ outcome }) => outcome)), figures };
}

function worst(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes('fail')) return 'fail';
  return outcomes.includes('inconclusive') ? 'inconclusive' : 'pass';
}

function machineDisturbed(machine: MachineSample | null): string | null {
  if (machine === null || machine.othersShare <= calibration.othersShareMax || machine.idleShare >= calibration.idleShareEnough)
    return null;
  return `other processes took ${(machine.othersShare * 100).toFixed(0)} % of the machine`;
}

function latencyDisturbed({ machine, ours, acked }: PairSample, ackedMedianMs: number): string | null {
  const busy = machineDisturbed(machine) ?? tooBusy(ackedMedianMs);
  if (busy !== null) return busy;
  if (ours.scheduleFault !== null) return `before ingest the sender did not keep its schedule: ${ours.scheduleFault}`;
  if (acked.scheduleFault !== null) return `before the smallest handler the sender did not keep its schedule: ${acked.scheduleFault}`;
  if (acked.failed > 0) return `the smallest handler did not answer ${acked.failed} requests with 202`;
  if (acked.p99Ms > ackedMedianMs * calibration.ackedP99SpreadMax) {
    return `the smallest handler's p99 was ${acked.p99Ms} ms, more than ${calibration.ackedP99SpreadMax} times its median of ${ackedMedianMs}`;
  }
  return null;
}

function tooBusy(ackedMedianMs: number): string | null {
  if (ackedMedianMs <= calibration.ackedP99MaxMs) return null;
  return `the smallest handler's own p99 was ${ackedMedianMs} ms in the median, above ${calibration.ackedP99MaxMs}`;
}

/** Over the windows of a pair: one alone is at the mercy of what else runs on its core. */
function bareMicrosOf({ windows }: CpuSample): number {
  return median(windows.map(({ bareMicros }) => bareMicros));
}

function cpuDisturbed(cpu: CpuSample, bareMedianMicros: number): string | null {
  const bareMicros = bareMicrosOf(cpu);
  const spread = Math.max(bareMicros / bareMedianMicros, bareMedianMicros / bareMicros);
  if (spread <= calibration.bareCpuSpreadMax) return null;
  return `the bare handler took ${bareMicros} us a request, which is ${spread.toFixed(2)} times off its median of ${bareMedianMicros}`;
}

function k6Disturbed(k6: K6Sample | null): string | null {
  if (k6 === null || k6.droppedIterations === 0) return null;
  return `k6 did not keep its rate: ${k6.droppedIterations} iterations dropped`;
}

/** An answer that is not the right one is never noise; one that is missing may be. */
function answersVerdict(pairs: readonly PairSample[]): FigureVerdict {
  const disturbed = ({ acked }: PairSample): string | null =>
    acked.failed > 0 ? `the smallest handler did not answer ${acked.failed} requests with 202 either` : null;
  const verdict = figureVerdict('answers', pairs, disturbed, ({ ours, cpu, k6 }) => [
    Math.max(ours.failed / Math.max(1, ours.requests), cpu.oursFailedShare, k6?.failedShare ?? 0, k6 === null ? 0 : 1 - k6.checksShare),
  ]);
  const wrong = pairs.find(({ ours }) => ours.wrong > 0);
  if (wrong === undefined) return verdict;
  const count = pairs.reduce((sum, { ours }) => sum + ours.wrong, 0);
  return { ...verdict, outcome: 'fail', reason: `${count} answers of status 202 were not the right one; ${wrong.ours.firstWrong}` };
}

/** @param valuesOf a pair's values; none: it had no turn, and is not missed. */
function figureVerdict(
  figure: FigureName,
  pairs: readonly PairSample[],
  disturbedBy: (pair: PairSample) => string | null,
  valuesOf: (pair: PairSample) => readonly number[],
): FigureVerdict {
  const { limit, unit, pairsMin } = figureLimits[figure];
  const values: number[] = [];
  const disturbed: { pair: number; why: string }[] = [];
  let undisturbed = 0;
  for (const [index, pair] of pairs.entries()) {
    const own = valuesOf(pair);
    if (own.length === 0) continue;
    const why = disturbedBy(pair);
    if (why === null) {
      undisturbed++;
      values.push(...own);
    } else disturbed.push({ pair: index + 1, why });
  }
  const facts = { figure, limit, values, disturbed };
  if (undisturbed < pairsMin) {
    const reason = `${undisturbed} undisturbed pairs of ${undisturbed + disturbed.length}, and it takes ${pairsMin}`;
    return { ...facts, outcome: 'inconclusive', reason, median: null, low: null, high: null };
  }
  const interval = medianInterval(values, INTERVAL_SHARE);
  const shown = `median ${show(interval.median)} ${unit}, interval ${show(interval.low)} to ${show(interval.high)}, limit ${limit}`;
  if (interval.low > limit) return { ...facts, ...interval, outcome: 'fail', reason: `${shown}: above the limit` };
  if (interval.high <= limit) return { ...facts, ...interval, outcome: 'pass', reason: shown };
  return { ...facts, ...interval, outcome: 'inconclusive', reason: `${shown}: the limit lies within the interval` };
}

function show(value: number): string {
  return value.toFixed(value < 10 ? 3 : 1);
}
