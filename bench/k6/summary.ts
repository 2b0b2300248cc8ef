import { steadySeconds } from './scenario-set.ts';

/** What the scripts print and write at the end of a run. */

/** As k6 hands it to `handleSummary`, as much of it as is read here. */
export interface SummaryData {
  readonly metrics: Readonly<
    Record<
      string,
      {
        readonly values: Readonly<Record<string, number>>;
        readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
      }
    >
  >;
}

/** The figures of the steady scenario; times in ms. `bench/gate` reads this. */
export interface SteadySummary {
  readonly script: string;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Of waiting for a connection, which k6 does not count as duration. */
  readonly blockedMaxMs: number;
  readonly failedShare: number;
  readonly checksShare: number;
  readonly droppedIterations: number;
  /** Thresholds that did not hold, as `metric: threshold`. */
  readonly crossed: readonly string[];
}

/** Text on standard output, and JSON into the file that SUMMARY_FILE names. */
export function writeSummary(script: string, data: SummaryData): Record<string, string> {
  const summary = steadySummary(script, data);
  const text =
    `${script}, steady: N ${summary.requests} at ${summary.perSecond.toFixed(0)}/s: p50 ${ms(summary.p50Ms)}, p95 ${ms(summary.p95Ms)}, ` +
    `p99 ${ms(summary.p99Ms)}, p99.9 ${ms(summary.p999Ms)}, max ${ms(summary.maxMs)}; blocked at most ${ms(summary.blockedMaxMs)}; ` +
    `failed ${(summary.failedShare * 100).toFixed(3)} %, checks ${(summary.checksShare * 100).toFixed(3)} %, dropped ${summary.droppedIterations}\n` +
    (summary.crossed.length === 0 ? 'every threshold held\n' : `crossed: ${summary.crossed.join('; ')}\n`);
  const file = __ENV['SUMMARY_FILE'];
  return file === undefined || file === '' ? { stdout: text } : { stdout: text, [file]: `${JSON.stringify(summary, null, 2)}\n` };
}

export function steadySummary(script: string, { metrics }: SummaryData): SteadySummary {
  const value = (metric: string, statistic: string): number => metrics[`${metric}{scenario:steady}`]?.values[statistic] ?? 0;
  const time = (statistic: string): number => value('http_req_duration', statistic);
  return {
    script,
    requests: time('count'),
    perSecond: time('count') / steadySeconds(),
    p50Ms: time('med'),
    p95Ms: time('p(95)'),
    p99Ms: time('p(99)'),
    p999Ms: time('p(99.9)'),
    maxMs: time('max'),
    blockedMaxMs: value('http_req_blocked', 'max'),
    failedShare: value('http_req_failed', 'rate'),
    checksShare: value('checks', 'rate'),
    droppedIterations: value('dropped_iterations', 'count'),
    crossed: Object.entries(metrics).flatMap(([metric, { thresholds = {} }]) =>
      Object.entries(thresholds).flatMap(([threshold, { ok }]) => (ok ? [] : [`${metric}: ${threshold}`])),
    ),
  };
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}
