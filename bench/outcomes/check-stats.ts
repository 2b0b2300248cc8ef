import { type Dimension, dimensions, type RangeFacts, type Totals } from './stats-facts.js';

/** Whether an answer of the statistics says what the rows say (pure). Every function throws an Error that names what differs. */

type Json = Readonly<Record<string, unknown>>;

const HOUR_MS = 3_600_000;
export const BREAKDOWN_LIMIT = 10;

export function checkSummary(body: string, facts: RangeFacts): void {
  const summary = JSON.parse(body) as { current: Json; previous: Json };
  sameTotals('summary', summary.current, facts);
  for (const part of [summary.current, summary.previous])
    if (typeof part['bids'] !== 'number') throw new Error('summary: no count of bids');
}

/** @param pointWidthMs the width that `interval=auto` must have chosen. */
export function checkTimeseries(body: string, facts: RangeFacts, pointWidthMs: number): void {
  const { points } = JSON.parse(body) as { points: (Json & { time: string })[] };
  const [sinceUnixMs, untilUnixMs] = [Date.parse(facts.since), Date.parse(facts.until)];
  same('timeseries: points', points.length, (untilUnixMs - sinceUnixMs) / pointWidthMs);
  points.forEach((point, index) => same('timeseries: time', Date.parse(point.time), sinceUnixMs + index * pointWidthMs));
  const sum = (name: string): number => points.reduce((total, point) => total + Number(point[name]), 0);
  sameTotals('timeseries', { bids: sum('bids'), wins: sum('wins'), spend_usd: sum('spend_usd') }, facts);
}

export function checkBreakdown(body: string, facts: RangeFacts, dimension: Dimension): void {
  const answer = JSON.parse(body) as { total: Json; results: (Json & { value: string })[]; rest: (Json & { values: number }) | null };
  const expected = facts.by[dimension];
  const what = `breakdown by ${dimension}`;
  sameTotals(what, answer.total, facts);
  same(`${what}: results`, answer.results.length, Math.min(BREAKDOWN_LIMIT, expected.length));
  answer.results.forEach((result, index) => {
    const own = expected.find(({ value }) => value === result.value);
    if (own === undefined) throw new Error(`${what}: no row has the value ${result.value}`);
    sameTotals(`${what}, ${result.value}`, result, own);
    // Values with as many bids may stand in any order.
    same(`${what}: bids at ${index}`, result['bids'], expected[index]?.bids);
  });
  same(`${what}: values in the rest`, answer.rest?.values ?? 0, Math.max(0, expected.length - BREAKDOWN_LIMIT));
}

/** The path of the statistic over [since, until). */
export const statsPaths = {
  summary: (range: string): string => `/api/stats/summary/?${range}`,
  timeseries: (range: string): string => `/api/stats/timeseries/?${range}&interval=auto`,
  breakdown: (range: string, by: Dimension): string => `/api/stats/breakdown/?by=${by}&${range}&limit=${BREAKDOWN_LIMIT}`,
} as const;

/** What `interval=auto` chooses. */
export function autoWidthMs(hours: number): number {
  return hours <= 6 ? 60_000 : hours <= 48 ? 300_000 : HOUR_MS;
}

export { dimensions };

function sameTotals(what: string, found: Json, expected: Totals): void {
  same(`${what}: bids`, found['bids'], expected.bids);
  same(`${what}: wins`, found['wins'], expected.wins);
  const spend = Number(found['spend_usd']);
  if (Math.abs(spend - expected.spend_usd) > 1e-6 * Math.max(1, expected.spend_usd))
    throw new Error(`${what}: spend is ${spend}, the rows say ${expected.spend_usd}`);
}

function same(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what} is ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}
