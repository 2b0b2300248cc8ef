import type { Options, Scenario } from 'k6/options';

/**
 * What the scripts share: three scenarios at arrival rates, so that a slow server is not asked less often. `warmup` has a tag of its own and
 * no threshold; `steady` is what p99 is judged by; `ramp` goes up to a higher rate and is judged by its answers, and by `dropped_iterations`,
 * which says that k6 found no virtual user free: a stalled server would look fast without that threshold.
 *
 * Settings come from the environment (`k6 run -e NAME=...`): RATE, WARMUP_SECONDS, STEADY_SECONDS, RAMP_RATE, RAMP_SECONDS (0: no ramp), P99_MS,
 * ABORT_P99_MS, SUMMARY_FILE.
 */
export interface Defaults {
  readonly rate: number;
  readonly rampRate: number;
  /** The threshold on p99 of `steady`, in ms. */
  readonly p99Ms: number;
}

/** Latency that the number of prepared virtual users is good for at the highest rate: beyond it iterations are dropped, and counted. */
const PREPARED_FOR_SECONDS = 0.25;
const VUS_MIN = 50;
const VUS_MAX = 2000;

/** The value of a setting that is a number, or its default. @throws Error when it is no number in 0..1e6. */
export function numberOf(name: string, fallback: number): number {
  const text = __ENV[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!(value >= 0 && value <= 1e6)) throw new Error(`${name} is ${JSON.stringify(text)}: it accepts a number from 0 to 1000000.`);
  return value;
}

/** The address of the target without a trailing slash. @throws Error unless it is http on this machine. */
export function targetOf(name: string, fallback: string): string {
  const url = (__ENV[name] ?? fallback).replace(/\/+$/, '');
  if (!/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$)/.test(url)) {
    throw new Error(`${name} is ${JSON.stringify(url)}: load goes to this machine only (http://127.0.0.1, localhost or [::1]).`);
  }
  return url;
}

export function steadySeconds(): number {
  return numberOf('STEADY_SECONDS', 20);
}

export function optionsOf(defaults: Defaults): Options {
  const rate = numberOf('RATE', defaults.rate);
  const warmupSeconds = numberOf('WARMUP_SECONDS', 5);
  const rampSeconds = numberOf('RAMP_SECONDS', 10);
  const rampRate = numberOf('RAMP_RATE', defaults.rampRate);
  const p99Ms = numberOf('P99_MS', defaults.p99Ms);
  const abortP99Ms = numberOf('ABORT_P99_MS', p99Ms * 40);
  const constant = (atRate: number, seconds: number, startSeconds: number): Scenario => ({
    executor: 'constant-arrival-rate',
    rate: atRate,
    timeUnit: '1s',
    duration: `${seconds}s`,
    startTime: `${startSeconds}s`,
    gracefulStop: '5s',
    ...virtualUsers(atRate),
  });
  const scenarios: Record<string, Scenario> = { steady: constant(rate, steadySeconds(), warmupSeconds) };
  if (warmupSeconds > 0) scenarios['warmup'] = constant(rate, warmupSeconds, 0);
  if (rampSeconds > 0) {
    scenarios['ramp'] = {
      executor: 'ramping-arrival-rate',
      startRate: rate,
      timeUnit: '1s',
      startTime: `${warmupSeconds + steadySeconds()}s`,
      gracefulStop: '5s',
      stages: [
        { target: rampRate, duration: `${rampSeconds * 0.5}s` },
        { target: rampRate, duration: `${rampSeconds * 0.25}s` },
        { target: rate, duration: `${rampSeconds * 0.25}s` },
      ],
      ...virtualUsers(rampRate),
    };
  }
  const judged = rampSeconds > 0 ? ['steady', 'ramp'] : ['steady'];
  return {
    scenarios,
    summaryTrendStats: ['count', 'min', 'med', 'p(95)', 'p(99)', 'p(99.9)', 'max'],
    thresholds: {
      'http_req_duration{scenario:steady}': [
        `p(99)<${p99Ms}`,
        { threshold: `p(99)<${abortP99Ms}`, abortOnFail: true, delayAbortEval: '5s' },
      ],
      ...Object.fromEntries(
        judged.flatMap((scenario) => [
          [`http_req_failed{scenario:${scenario}}`, ['rate<0.001']],
          [`checks{scenario:${scenario}}`, ['rate>0.999']],
          [`dropped_iterations{scenario:${scenario}}`, ['count==0']],
        ]),
      ),
      // Always holds: k6 puts a metric of one scenario into the summary only when a threshold names it.
      'http_req_blocked{scenario:steady}': ['max>=0'],
    },
  };
}

function virtualUsers(rate: number): { preAllocatedVUs: number; maxVUs: number } {
  const count = Math.min(VUS_MAX, Math.max(VUS_MIN, Math.ceil(rate * PREPARED_FOR_SECONDS)));
  return { preAllocatedVUs: count, maxVUs: count };
}
