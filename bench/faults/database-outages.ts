import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@helios/analytics/db';
import { sumOf } from '@helios/scripts/metrics-text';
import { until } from '../processes.js';
import { databaseConfig } from './accounted-load.js';
import type { DatabaseFault } from './database-faults.js';
import type { ApiAnswer, DatabaseWatch, LagSample } from './database-watch.js';
import type { AccountedLoad, RunContext } from './row.js';
import type { Stack } from './stack.js';

/** Outages of PostgreSQL under a load, and what is promised while they last and after: lag, 202s, the API's answers, sessions. */

const RECOVERY_LIMIT_MS = 90_000;
const API_BACK_LIMIT_MS = 15_000;
/** While the writer catches up: then its lag can be seen to be 0. */
const TRICKLE_PER_SECOND = 10;
/** From here on an outage is long enough for lag to be seen. */
const SEEN_OUTAGE_MS = 1500;
/** A request that waits for a connection or an answer in vain: DB_CONNECT_TIMEOUT_MS or the statement's limit (2 s), and what a busy machine adds. */
const API_ANSWER_MAX_MS = 3500;
/** Once PostgreSQL is known to be away, requests do not wait: most answers come at once. */
const API_MEDIAN_MAX_MS = 1000;
/** An outage that lasts so long has been known for most of its time. */
const API_KNOWN_OUTAGE_MS = 6000;
/** ANALYTICS_POOL_SIZE; WRITER_MAX_BATCHES_IN_FLIGHT and one for the watch. */
const SESSIONS_MAX: Readonly<Record<string, number>> = { 'helios-api': 8, 'helios-writer': 3 };
/** 202s go on: what a busy machine may cost. */
const ACCEPTED_SHARE_LOST_MAX = 0.02;

/** The outages of one run, and what they came to. */
export class DatabaseOutages {
  readonly recoveriesMs: number[] = [];
  readonly figures: Record<string, number> = { lagPeakMessages: 0, slowest503Ms: 0, apiBackMs: 0, rebalances: 0 };
  readonly broken: string[] = [];
  readonly #context: RunContext;
  readonly #load: AccountedLoad;
  readonly #watch: DatabaseWatch;

  constructor(context: RunContext, load: AccountedLoad, watch: DatabaseWatch) {
    this.#context = context;
    this.#load = load;
    this.#watch = watch;
  }

  /** One fault that lasts so long, its end, and the way back. */
  async one(fault: DatabaseFault, lastsMs: number): Promise<void> {
    const { stack, say, halfCapacityPerSecond } = this.#context;
    const { bids } = this.#load;
    say(`${fault.name}, ${(lastsMs / 1000).toFixed(1)} s`);
    const rebalances = async () => sumOf([await stack.metrics('writer')], 'helios_rebalances_total');
    const rebalancesBefore = await rebalances();
    const calm = await this.#watch.nextLag();
    const sentBefore = bids.sent;
    await sleep(1000);
    const sentBegin = bids.sent;
    const beginMonoMs = performance.now();
    const end = await fault.begin(stack);
    const inForceMonoMs = performance.now();
    let endMonoMs: number;
    let late: LagSample;
    try {
      await sleep(lastsMs);
      late = await this.#watch.nextLag();
    } finally {
      endMonoMs = performance.now();
      await end();
    }
    const sentEnd = bids.sent;
    bids.perSecond = TRICKLE_PER_SECOND;
    const peak = await this.#awaitNoLag(fault, beginMonoMs, endMonoMs);
    const apiBackMs = await this.#awaitApi(fault, endMonoMs);
    bids.perSecond = halfCapacityPerSecond;
    this.#judgeAnswers(fault, sentBefore, sentBegin, sentEnd);
    this.#judgeApi(fault, this.#watch.answersTo(inForceMonoMs, endMonoMs), endMonoMs, lastsMs);
    if (fault.stops !== 'some' && lastsMs >= SEEN_OUTAGE_MS) this.#judgeLag(fault, calm, late, peak, lastsMs);
    this.#most('lagPeakMessages', peak.left);
    this.#most('apiBackMs', apiBackMs);
    this.#most('rebalances', (await rebalances()) - rebalancesBefore);
  }

  /** Nothing may be left behind by what failed: connections of the services are no more than their pools have. */
  async judgeSessions(): Promise<void> {
    const { stack } = this.#context;
    for (const [application, count] of await sessionsOf(stack)) {
      const most = SESSIONS_MAX[application] ?? Number.POSITIVE_INFINITY;
      if (count > most) this.broken.push(`${application} has ${count} sessions on PostgreSQL, its pool ${most}`);
    }
    const waiting = sumOf([await stack.metrics('api')], 'helios_api_database_waiting');
    if (waiting > TRICKLE_PER_SECOND) this.broken.push(`${waiting} requests of the API still wait for a connection`);
  }

  /** @returns the highest lag since the fault began. */
  async #awaitNoLag(fault: DatabaseFault, beginMonoMs: number, endMonoMs: number): Promise<LagSample> {
    for (;;) {
      const { left } = await this.#watch.nextLag();
      const recoveryMs = performance.now() - endMonoMs;
      if (left === 0) {
        this.recoveriesMs.push(recoveryMs);
        this.#context.say(`lag 0 after ${Math.round(recoveryMs)} ms`);
        break;
      }
      if (recoveryMs > RECOVERY_LIMIT_MS) {
        this.broken.push(`${fault.name}: ${left} outcomes are still not stored ${RECOVERY_LIMIT_MS / 1000} s after it`);
        break;
      }
    }
    const since = this.#watch.lags.filter((sample) => sample.atMonoMs >= beginMonoMs);
    const [first] = since;
    if (first === undefined) throw new Error('no lag was seen');
    return since.reduce((highest, sample) => (sample.left > highest.left ? sample : highest), first);
  }

  /** @returns from the end of the fault to the first answer of the API with data. */
  async #awaitApi(fault: DatabaseFault, endMonoMs: number): Promise<number> {
    const back = () => this.#watch.answersTo(endMonoMs, Number.POSITIVE_INFINITY).find((answer) => answer.status === 200);
    try {
      await until(async () => back() !== undefined, API_BACK_LIMIT_MS);
    } catch {
      this.broken.push(`${fault.name}: the API does not answer ${API_BACK_LIMIT_MS / 1000} s after it`);
    }
    const answer = back();
    return answer === undefined ? performance.now() - endMonoMs : answer.startedMonoMs + answer.tookMs - endMonoMs;
  }

  #judgeAnswers(fault: DatabaseFault, sentBefore: number, sentBegin: number, sentEnd: number): void {
    const { bids } = this.#load;
    // What found no free connection of the load's never came to ingest.
    const share = (from: number, to: number) => {
      const { 'not sent': notSent = 0, '202': accepted = 0 } = bids.answersBetween(from, to);
      return accepted / Math.max(1, to - from - notSent);
    };
    const [before, during] = [share(sentBefore, sentBegin), share(sentBegin, sentEnd)];
    this.figures['acceptedShare'] = Math.min(this.figures['acceptedShare'] ?? 1, Math.round(during * 1000) / 1000);
    if (during < before - ACCEPTED_SHARE_LOST_MAX)
      this.broken.push(
        `${fault.name}: ${(during * 100).toFixed(1)} % of the requests were answered 202, ${(before * 100).toFixed(1)} % before it: ${JSON.stringify(bids.answersBetween(sentBegin, sentEnd))}`,
      );
  }

  #judgeApi(fault: DatabaseFault, answers: readonly ApiAnswer[], endMonoMs: number, lastsMs: number): void {
    const within = answers.filter((answer) => answer.startedMonoMs + answer.tookMs < endMonoMs);
    const wrong = within.filter((answer) => !(isProblem503(answer) || (fault.stops !== 'all' && answer.status === 200)));
    if (wrong[0] !== undefined)
      this.broken.push(
        `${fault.name}: ${wrong.length} of ${within.length} answers of the API were no 503 with a problem, the first ${JSON.stringify(wrong[0])}`,
      );
    const unavailable = answers.filter(isProblem503);
    const slowestMs = Math.max(0, ...answers.map((answer) => answer.tookMs));
    this.#most('slowest503Ms', Math.max(0, ...unavailable.map((answer) => answer.tookMs)));
    this.#context.say(
      `the API answered ${unavailable.length} of ${answers.length} requests 503, the slowest after ${Math.round(slowestMs)} ms`,
    );
    const took = unavailable.map((answer) => answer.tookMs).toSorted((a, b) => a - b);
    const medianMs = took[took.length >> 1] ?? 0;
    this.#most('median503Ms', medianMs);
    if (fault.stops === 'all' && lastsMs >= API_KNOWN_OUTAGE_MS && medianMs > API_MEDIAN_MAX_MS)
      this.broken.push(`${fault.name}: half of the API's 503s took longer than ${Math.round(medianMs)} ms`);
    if (slowestMs > API_ANSWER_MAX_MS)
      this.broken.push(`${fault.name}: the API took ${Math.round(slowestMs)} ms to answer, ${API_ANSWER_MAX_MS} ms are allowed`);
  }

  /** `calm`: before the fault; `late`: at its end; `peak`: the highest since it began. */
  #judgeLag(fault: DatabaseFault, calm: LagSample, late: LagSample, peak: LagSample, lastsMs: number): void {
    // A request is at least one outcome for the most part; a third leaves room for batches that were under way.
    const least = calm.left + (this.#context.halfCapacityPerSecond * lastsMs) / 3000;
    if (peak.left < least)
      this.broken.push(`${fault.name}: the writer's lag was ${peak.left} at most, at least ${Math.round(least)} were expected`);
    this.#context.say(`lag ${late.left} at the end of the outage, ${late.told} by the writer's metrics`);
    const toldShare = Math.round((100 * (late.told ?? 0)) / Math.max(1, late.left)) / 100;
    this.figures['lagToldShare'] = Math.min(this.figures['lagToldShare'] ?? toldShare, toldShare);
  }

  #most(name: string, value: number): void {
    this.figures[name] = Math.round(Math.max(this.figures[name] ?? 0, value));
  }
}

function isProblem503({ status, contentType }: ApiAnswer): boolean {
  return status === 503 && contentType.startsWith('application/problem+json');
}

async function sessionsOf(stack: Stack): Promise<Map<string, number>> {
  const database = openDatabase(databaseConfig(stack), { applicationName: 'faults', poolSize: 1, statementTimeoutMs: 5000 });
  try {
    const text = 'select application_name as name, count(*)::int as count from pg_stat_activity where backend_type = $1 group by 1';
    const rows = await database.query<{ name: string; count: number }>({ text }, ['client backend']);
    return new Map(rows.map(({ name, count }) => [name, count]));
  } finally {
    await database.close();
  }
}
