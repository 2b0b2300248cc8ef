import { type Dimension, dimensionSql, latencyBucketColumns, latencySql, sumColumns, sumSql, totalColumns } from '../rollup-columns.js';
import { dimensionConditions, type DimensionFilters } from './dimension-filters.js';
import { DAY_MS, type TimeRange } from './stats-range.js';

/**
 * The sums of outcomes as SQL, each answer in one statement, so that it is one snapshot. Pure.
 *
 * Whole UTC days that are folded come from the day tables; the rest of a range, its edges and days that are not folded (any more), from
 * minutes or hours. Whether a day is folded is looked up in the statement itself. Spans are passed as arrays: the planner knows how many
 * there are. Nothing has a name: PostgreSQL plans for the values of each call. Source: docs/adr/0010-folded-days.md.
 */

export interface StatsQuery {
  readonly statement: { readonly text: string };
  readonly values: unknown[];
}

/** Periods by name. */
export type Periods = Readonly<Record<string, TimeRange>>;

/** One dimension, and one of its values if only that counts. */
export interface HoursOf {
  readonly dimension: Dimension;
  readonly value: string | null;
}

const texts = (columns: readonly string[]) => columns.map((column) => `coalesce(sum(${column}), 0)::text as ${column}`).join(', ');
const qualified = (relation: string, columns: readonly string[]) => columns.map((column) => `${relation}.${column}`).join(', ');

/** Sums of everything per period, from minutes and folded days: one row for each, with the columns of `outcome_minutes` as text. */
export function totalsQuery(periods: Periods): StatsQuery {
  const counted = totalColumns.map((column) => `sum(${column}) as ${column}`).join(', ');
  const either = totalColumns.map((column) => `coalesce(sum(coalesce(folded.${column}, counted.${column})), 0)::text as ${column}`);
  const text = `with ${SPANS}
    select period, ${either.join(', ')}
    from spans left join outcome_day_totals as folded using (day)
    left join lateral (
      select ${counted} from outcome_minutes where folded.day is null and minute >= spans.since and minute < spans.until
    ) as counted on true
    group by period`;
  return { statement: { text }, values: spanValues(periods) };
}

/** Sums of one value of a dimension per period, from hours and folded days: no row for a period that has none. */
export function valueQuery(periods: Periods, of: HoursOf): StatsQuery {
  const { parts, values } = hourParts(periods, of);
  return { statement: { text: `${parts} select period, ${texts(sumColumns)} from parts group by period` }, values };
}

/** Sums per value of a dimension, the greatest first: rows of `ranked`. */
export function breakdownQuery(range: TimeRange, of: HoursOf, sort: Sort, limit: number): StatsQuery {
  const { parts, values } = hourParts({ range }, of);
  return { statement: { text: `${parts}, ${ranked('parts', sort, limit)}` }, values };
}

/** The same from the outcomes themselves. */
export function rowsBreakdownQuery(range: TimeRange, by: Dimension, filters: DimensionFilters, sort: Sort, limit: number): StatsQuery {
  const { where, values } = rowsOf(range, filters);
  const counted = sumSql.map((sql, index) => `${sql} as ${sumColumns[index]}`).join(', ');
  const parts = `with parts as (select ${dimensionSql[by]} as value, ${counted} from auction_outcomes where ${where} group by 1)`;
  return { statement: { text: `${parts}, ${ranked('parts', sort, limit)}` }, values };
}

export type Sort = 'bids' | 'wins' | 'spend_usd';
const sortColumn = { bids: 'bids', wins: 'wins', spend_usd: 'win_price_sum' } as const;

/** One row for each of the first `limit` values, in order, and, with the value null, one for all others together if there are any. */
function ranked(parts: string, sort: Sort, limit: number): string {
  const summed = sumColumns.map((column) => `sum(${column}) as ${column}`).join(', ');
  return `summed as (
      select value, ${summed} from ${parts} group by value
    ), ranked as (
      select *, least(row_number() over (order by ${sortColumn[sort]} desc, value), ${limit + 1}) as place from summed
    )
    select case when place <= ${limit} then min(value) end as value, count(*)::float8 as "values", ${texts(sumColumns)}
    from ranked group by place order by place`;
}

/** Sums per bin of a time series: rows with `bin` (from 0) for bins that have outcomes. */
export function minuteSeriesQuery(range: TimeRange, starts: readonly number[]): StatsQuery {
  const text = `select width_bucket(minute, $3::timestamptz[]) - 1 as bin, ${texts(sumColumns)} from outcome_minutes
    where minute >= $1::timestamptz and minute < $2::timestamptz group by 1`;
  return { statement: { text }, values: [...bounds(range), starts.map(iso)] };
}

export function hourSeriesQuery(range: TimeRange, starts: readonly number[], of: HoursOf): StatsQuery {
  const text = `select width_bucket(hour, $3::timestamptz[]) - 1 as bin, ${texts(sumColumns)} from outcome_hours
    where dimension = $4 and hour >= $1::timestamptz and hour < $2::timestamptz ${of.value === null ? '' : 'and value = $5'} group by 1`;
  return { statement: { text }, values: [...bounds(range), starts.map(iso), of.dimension, ...(of.value === null ? [] : [of.value])] };
}

export function rowSeriesQuery(range: TimeRange, starts: readonly number[], filters: DimensionFilters): StatsQuery {
  const { where, values } = rowsOf(range, filters);
  const counted = sumSql.map((sql, index) => `(${sql})::text as ${sumColumns[index]}`).join(', ');
  const text = `select width_bucket("timestamp", $${values.push(starts.map(iso))}::timestamptz[]) - 1 as bin, ${counted}
    from auction_outcomes where ${where} group by 1`;
  return { statement: { text }, values };
}

/** Sums and exact latency quantiles of the outcomes in a range: one row with `p50_ms` and `p99_ms`, null without latencies. */
export function rowTotalsQuery(periods: Periods, filters: DimensionFilters): StatsQuery {
  const values: unknown[] = [];
  const parts = Object.entries(periods).map(([period, range]) => {
    const { where } = rowsOf(range, filters, values);
    const counted = sumSql.map((sql, index) => `coalesce(${sql}, 0)::text as ${sumColumns[index]}`).join(', ');
    return `select '${period}' as period, ${counted}, count(latency_ms)::text as latency_count,
        percentile_cont(0.5) within group (order by latency_ms) as p50_ms, percentile_cont(0.99) within group (order by latency_ms) as p99_ms
      from (select *, ${latencySql} as latency_ms from auction_outcomes where ${where}) as timed`;
  });
  return { statement: { text: parts.join(' union all ') }, values };
}

const SPANS = `spans as (
      select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[]) as span (period, since, until, day)
    )`;

/** A relation `parts` (period, value, sums) of one dimension: folded days from `outcome_days`, everything else from `outcome_hours`. */
function hourParts(periods: Periods, { dimension, value }: HoursOf): { parts: string; values: unknown[] } {
  const only = (relation: string) => (value === null ? '' : `and ${relation}.value = $6`);
  const parts = `with ${SPANS}, marked as (
      select spans.*, folded.day is not null as is_folded from spans left join outcome_day_totals as folded using (day)
    ), parts as (
      select period, days.value, ${qualified('days', sumColumns)}
      from marked join outcome_days as days on days.dimension = $5 and days.day = marked.day ${only('days')}
      where is_folded
      union all
      select period, hours.value, ${qualified('hours', sumColumns)}
      from marked join outcome_hours as hours on hours.dimension = $5 and hour >= marked.since and hour < marked.until ${only('hours')}
      where not is_folded
    )`;
  return { parts, values: [...spanValues(periods), dimension, ...(value === null ? [] : [value])] };
}

/** The periods cut at the starts of UTC days, as four arrays: period, since, until, and the day if it is whole. */
function spanValues(periods: Periods): unknown[] {
  const [names, sinces, untils, days]: [string[], string[], string[], (string | null)[]] = [[], [], [], []];
  for (const [name, { sinceUnixMs, untilUnixMs }] of Object.entries(periods)) {
    for (let from = sinceUnixMs; from < untilUnixMs;) {
      const dayStart = Math.floor(from / DAY_MS) * DAY_MS;
      const to = Math.min(dayStart + DAY_MS, untilUnixMs);
      names.push(name);
      sinces.push(iso(from));
      untils.push(iso(to));
      days.push(to - from === DAY_MS ? iso(from) : null);
      from = to;
    }
  }
  return [names, sinces, untils, days];
}

/** The outcomes of a range that pass the filters, test bids left out as in the rollups; `values` are added to. */
function rowsOf(range: TimeRange, filters: DimensionFilters, values: unknown[] = []): { where: string; values: unknown[] } {
  const add = (value: unknown): string => `$${values.push(value)}`;
  const [since, until] = bounds(range);
  const conditions = [`not test`, `"timestamp" >= ${add(since)}::timestamptz`, `"timestamp" < ${add(until)}::timestamptz`];
  return { where: [...conditions, ...dimensionConditions(filters, add)].join(' and '), values };
}

function bounds({ sinceUnixMs, untilUnixMs }: TimeRange): [string, string] {
  return [iso(sinceUnixMs), iso(untilUnixMs)];
}

function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** The columns of `totalsQuery` that `bucketQuantileMs` takes, in its order. */
export const bucketColumns = latencyBucketColumns;
