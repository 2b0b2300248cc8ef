import type { BodyShape } from './bid-bodies.js';
import { merged, type Percentiles, percentilesOf } from './latency-histogram.js';
import { rounded } from '../result-file.js';

/** What an open-loop load is asked for, what each of its processes hands back, and what these come to together. Pure. */

export interface LoadRun {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Requests a second of all processes together. */
  readonly perSecond: number;
  /** At the same rate before the seconds that count. */
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** Bound of connections of all processes together; a request that finds none free waits for one, and its latency with it. */
  readonly connectionsMax: number;
  /** Use all connections in turn, and not as few as do. */
  readonly spread: boolean;
  readonly answerTimeoutMs: number;
  /** Request n has the id `<idPrefix><n>`. */
  readonly idPrefix: string;
  /** Of the bodies. */
  readonly seed: number;
  readonly shape: BodyShape;
  /** What a right answer is: 202 with the id that was sent, or 202 with the number of bytes of the body (handlers that do not parse). */
  readonly expects: 'id' | 'bytes';
}

/** What one process counted after the warm-up. Histograms are encoded. */
export interface ShareResult {
  readonly requests: number;
  /** Answers by status; `none`: no answer in time, or the connection broke; `not sent`: too many waited for a connection. */
  readonly answers: Readonly<Record<string, number>>;
  /** Answers of status 202 that were not what was expected, and the first of them. */
  readonly wrong: number;
  readonly firstWrong: string | null;
  /** Requests that waited for a connection: the server's lateness, not the sender's. */
  readonly waited: number;
  /** Requests that this process came to more than 1 ms and more than 5 ms after their time. */
  readonly lateOver1Ms: number;
  readonly lateOver5Ms: number;
  /** How long after the end of the schedule the last request was sent. */
  readonly overrunMs: number;
  /** From the intended time of leaving to the answer, or to when the request was given up. */
  readonly latency: string;
  /** From the writing of the request to its answer. */
  readonly service: string;
  /** From the intended time of leaving to when this process came to the request. */
  readonly lateness: string;
}

/** One stretch of load: a run, or one of several that are counted together. */
export interface Slice {
  readonly run: Pick<LoadRun, 'perSecond' | 'seconds'>;
  readonly shares: readonly ShareResult[];
}

export interface Schedule {
  /** Whether the sender itself did what it was asked to; where it did not, latencies say as much about the sender as about the server. */
  readonly kept: boolean;
  /** Why not. */
  readonly reason: string | null;
  readonly intendedPerSecond: number;
  readonly achievedPerSecond: number;
  readonly lateOver1MsShare: number;
  readonly lateOver5MsShare: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly latency: Percentiles;
  readonly service: Percentiles;
  readonly schedule: Schedule;
  readonly answers: Readonly<Record<string, number>>;
  readonly wrong: number;
  readonly firstWrong: string | null;
  readonly waitedForConnection: number;
}

/** Half of the one percent that p99 leaves out: with more, p99 could be the sender's own doing. */
const LATE_SHARE_MAX = 0.005;
const ACHIEVED_SHARE_MIN = 0.995;

/** Adds up what the processes counted over one or several slices of one rate. */
export function loadResult(slices: readonly Slice[]): LoadResult {
  const shares = slices.flatMap((slice) => slice.shares);
  const sum = (of: (share: ShareResult) => number): number => shares.reduce((total, share) => total + of(share), 0);
  const requests = sum((share) => share.requests);
  const answers: Record<string, number> = {};
  for (const share of shares) for (const [name, count] of Object.entries(share.answers)) answers[name] = (answers[name] ?? 0) + count;
  return {
    requests,
    latency: percentilesOf(merged(shares.map((share) => share.latency))),
    service: percentilesOf(merged(shares.map((share) => share.service))),
    schedule: scheduleOf(slices, requests - (answers['not sent'] ?? 0)),
    answers,
    wrong: sum((share) => share.wrong),
    firstWrong: shares.find((share) => share.firstWrong !== null)?.firstWrong ?? null,
    waitedForConnection: sum((share) => share.waited),
  };
}

function scheduleOf(slices: readonly Slice[], sent: number): Schedule {
  const shares = slices.flatMap((slice) => slice.shares);
  const requests = Math.max(
    1,
    shares.reduce((total, share) => total + share.requests, 0),
  );
  const seconds = slices.reduce((total, slice) => total + slice.run.seconds, 0);
  const overrunMs = slices.reduce((total, slice) => total + Math.max(0, ...slice.shares.map((share) => share.overrunMs)), 0);
  const lateness = percentilesOf(merged(shares.map((share) => share.lateness)));
  const lateShare = (of: (share: ShareResult) => number): number =>
    rounded(shares.reduce((total, share) => total + of(share), 0) / requests, 5);
  const facts = {
    intendedPerSecond: rounded(slices.reduce((total, { run }) => total + run.perSecond * run.seconds, 0) / seconds),
    achievedPerSecond: rounded(sent / (seconds + overrunMs / 1000)),
    lateOver1MsShare: lateShare((share) => share.lateOver1Ms),
    lateOver5MsShare: lateShare((share) => share.lateOver5Ms),
    latenessP99Ms: lateness.p99Ms,
    latenessMaxMs: lateness.maxMs,
  };
  const reason = whyNotKept(facts);
  return { kept: reason === null, reason, ...facts };
}

function whyNotKept(facts: Omit<Schedule, 'kept' | 'reason'>): string | null {
  const { lateOver5MsShare, latenessMaxMs, achievedPerSecond, intendedPerSecond } = facts;
  if (lateOver5MsShare > LATE_SHARE_MAX) {
    return `${(lateOver5MsShare * 100).toFixed(2)} % of the requests were sent more than 5 ms late (at most ${LATE_SHARE_MAX * 100} %), the worst by ${latenessMaxMs} ms`;
  }
  if (achievedPerSecond < intendedPerSecond * ACHIEVED_SHARE_MIN) {
    return `${achievedPerSecond} requests a second were sent instead of ${intendedPerSecond}`;
  }
  return null;
}
