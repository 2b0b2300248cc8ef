import { bucketsOf, type Scrape, sumOf } from './metrics-text.js';

/** The launcher's one live line: what the pipeline does right now, from the services' own metrics. Pure. */

/** Totals of all services at one moment. */
export interface Totals {
  readonly atMonoMs: number;
  readonly accepted: number;
  readonly won: number;
  readonly outcomes: number;
  readonly lost: number;
  /** Cumulative counts of accepted-to-row by upper edge in seconds. */
  readonly acceptedToRow: ReadonlyMap<number, number>;
}

export interface Figures {
  readonly acceptedPerSecond: number;
  readonly outcomesPerSecond: number;
  /** Of the outcomes in the window, from 0 to 1; null when there were none. */
  readonly winRate: number | null;
  /** Upper edge of the bucket that holds the 99th percentile, in seconds; null without rows, Infinity above the last edge. */
  readonly p99Seconds: number | null;
  /** Events that a broker dropped before they were read, since the start. */
  readonly lost: number;
}

export function totalsOf(scrapes: readonly Scrape[], atMonoMs: number): Totals {
  const won = sumOf(scrapes, 'helios_outcomes_total', { win: 'true' });
  return {
    atMonoMs,
    accepted: sumOf(scrapes, 'bid_requests_total', { outcome: 'accepted' }),
    won,
    outcomes: won + sumOf(scrapes, 'helios_outcomes_total', { win: 'false' }),
    lost: sumOf(scrapes, 'helios_events_lost_total'),
    acceptedToRow: bucketsOf(scrapes, 'helios_accepted_to_row_seconds'),
  };
}

/** What happened between two moments. A service that started again counts from zero: such a step shows as zero, not as a negative rate. */
export function figuresBetween(before: Totals, now: Totals): Figures {
  const seconds = Math.max((now.atMonoMs - before.atMonoMs) / 1000, 0.001);
  const outcomes = Math.max(0, now.outcomes - before.outcomes);
  const won = Math.max(0, now.won - before.won);
  return {
    acceptedPerSecond: Math.max(0, now.accepted - before.accepted) / seconds,
    outcomesPerSecond: outcomes / seconds,
    winRate: outcomes === 0 ? null : Math.min(1, won / outcomes),
    p99Seconds: quantile(before.acceptedToRow, now.acceptedToRow, 0.99),
    lost: now.lost,
  };
}

/** For example `accepted 20/s · outcomes 41/s · won 58 % · accepted to row p99 <= 50 ms · lost 0`. */
export function liveLine(figures: Figures): string {
  const { winRate, p99Seconds } = figures;
  return [
    `accepted ${rate(figures.acceptedPerSecond)}/s`,
    `outcomes ${rate(figures.outcomesPerSecond)}/s`,
    `won ${winRate === null ? '-' : `${Math.round(winRate * 100)} %`}`,
    `accepted to row p99 ${p99Seconds === null ? '-' : duration(p99Seconds)}`,
    `lost ${figures.lost}`,
  ].join(' · ');
}

function quantile(before: ReadonlyMap<number, number>, now: ReadonlyMap<number, number>, q: number): number | null {
  const steps = [...now].map(([edge, count]) => [edge, count - (before.get(edge) ?? 0)] as const);
  const total = steps.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  return steps.find(([, count]) => count >= q * total)?.[0] ?? Number.POSITIVE_INFINITY;
}

function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

function duration(seconds: number): string {
  if (seconds === Number.POSITIVE_INFINITY) return '> 60 s';
  return seconds < 1 ? `<= ${Number((seconds * 1000).toFixed(1))} ms` : `<= ${seconds} s`;
}
