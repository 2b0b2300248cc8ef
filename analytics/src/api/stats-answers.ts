import { addSums, bucketQuantileMs, type Figures, figuresOf, meanPrice, noSums, roundedMs, type Sums } from './figures.js';
import { bucketColumns } from './stats-query.js';
import type { SeriesPlan, TimeRange } from './stats-range.js';

/** From the sums that PostgreSQL returned to what the statistics answer. Pure. */

/** A range as it is shown. */
export function shownRange({ sinceUnixMs, untilUnixMs }: TimeRange): { since: string; until: string } {
  return { since: iso(sinceUnixMs), until: iso(untilUnixMs) };
}

export interface Latency {
  readonly count: number;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
}

export type PeriodRow = Sums & { readonly period: string };
/** With the latency columns of `outcome_minutes` as text. */
export type TotalsRow = PeriodRow & Readonly<Record<string, string>>;
/** With exact quantiles. */
export type RowTotals = PeriodRow & { readonly latency_count: string; readonly p50_ms: number | null; readonly p99_ms: number | null };

export function minuteLatency(row: TotalsRow | undefined): Latency {
  const count = Number(row?.['latency_count'] ?? 0);
  const cumulative = bucketColumns.map((column) => Number(row?.[column] ?? 0));
  return { count, p50_ms: bucketQuantileMs(0.5, cumulative, count), p99_ms: bucketQuantileMs(0.99, cumulative, count) };
}

export function rowLatency(row: RowTotals | undefined): Latency {
  const shown = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : roundedMs(ms));
  return { count: Number(row?.latency_count ?? 0), p50_ms: shown(row?.p50_ms), p99_ms: shown(row?.p99_ms) };
}

/** The current and the previous period; a period without a row has no bids. */
export function summaryOf<Row extends PeriodRow>(rows: readonly Row[], latencyOf: (row: Row | undefined) => Latency | null) {
  const of = (period: string) => {
    const row = rows.find((each) => each.period === period);
    return { ...figuresOf(row ?? noSums), accepted_to_outcome: latencyOf(row) };
  };
  return { current: of('current'), previous: of('previous') };
}

export interface Point extends Figures {
  readonly time: string;
  readonly avg_market_price: number | null;
}

/** The sums of one bin, by its place among the bins. */
export type PointRow = Sums & { readonly bin: number; readonly market_price_sum: string };

/** Every bin of the plan, those without bids too. */
export function pointsOf(plan: SeriesPlan, rows: readonly PointRow[]): Point[] {
  const byBin = new Map(rows.map((row) => [row.bin, row]));
  return plan.starts.map((startUnixMs, bin) => {
    const sums = byBin.get(bin) ?? { ...noSums, market_price_sum: '0' };
    return { time: iso(startUnixMs), ...figuresOf(sums), avg_market_price: meanPrice(sums.market_price_sum, sums.bids) };
  });
}

/** The value null is the sum of all values that are not shown themselves. */
export type RankedRow = Sums & { readonly value: string | null; readonly values: number };

export interface Breakdown {
  readonly total: Figures;
  readonly results: (Figures & { value: string })[];
  readonly rest: (Figures & { values: number }) | null;
}

export function breakdownOf(rows: readonly RankedRow[]): Breakdown {
  const rest = rows.find(({ value }) => value === null);
  return {
    total: figuresOf(addSums(rows)),
    results: rows.flatMap((row) => (row.value === null ? [] : [{ value: row.value, ...figuresOf(row) }])),
    rest: rest === undefined ? null : { values: rest.values, ...figuresOf(rest) },
  };
}

function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
