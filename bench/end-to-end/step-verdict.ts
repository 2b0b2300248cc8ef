/** Whether a rate was sustained, from what was seen at it. Pure. */

export interface StepSeen {
  readonly perSecond: number;
  /** Requests whose time came, those that found no connection included. */
  readonly sent: number;
  readonly accepted: number;
  /** Of `sent`: left more than 20 ms after their time, by the load's own fault. */
  readonly sentLate: number;
  /** Events that wait at the three hops together, oldest sample first. */
  readonly lagMessages: readonly number[];
  /** Mean time from acceptance to row in the first and in the second half of the step, in ms; null: no row came. */
  readonly acceptedToRowMeanMs: { readonly first: number | null; readonly second: number | null };
}

const ACCEPTED_SHARE_MIN = 0.999;
const LATE_SHARE_MAX = 0.05;
/** More than a second of requests waiting is a backlog, not work in progress. */
const LAG_MAX_SECONDS = 1;
/** Growth from one part of the step to the next, beyond what is noise at these rates. */
const GROWTH_MAX = 1.5;
const LAG_NOISE_SECONDS = 0.1;
const LATENCY_NOISE_MS = 50;

/** Why the rate did not hold, as sentences; empty: it held. */
export function notSustained(seen: StepSeen): string[] {
  const { perSecond, sent, accepted, sentLate, lagMessages } = seen;
  const why: string[] = [];
  if (sent === 0) return ['nothing was sent'];
  if (accepted < sent * ACCEPTED_SHARE_MIN) why.push(`${accepted} of ${sent} requests were answered 202`);
  if (sentLate > sent * LATE_SHARE_MAX) why.push(`the load itself sent ${sentLate} of ${sent} requests late`);
  if (lagMessages.length < 3) why.push('the lag was not seen');
  else {
    const third = Math.floor(lagMessages.length / 3);
    const last = mean(lagMessages.slice(-third));
    const before = mean(lagMessages.slice(-2 * third, -third));
    if (last > perSecond * LAG_MAX_SECONDS) why.push(`${Math.round(last)} events waited at the end`);
    else if (last > before * GROWTH_MAX + perSecond * LAG_NOISE_SECONDS)
      why.push(`the lag grew from ${Math.round(before)} to ${Math.round(last)} events`);
  }
  const { first, second } = seen.acceptedToRowMeanMs;
  if (first === null || second === null) why.push('no row came');
  else if (second > first * GROWTH_MAX + LATENCY_NOISE_MS)
    why.push(`accepted to row grew from ${Math.round(first)} to ${Math.round(second)} ms`);
  return why;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
