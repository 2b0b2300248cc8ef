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

/** One value of a dimension. */
export interface DimensionValue {
  readonly dimension: Dimension;
  readonly value: string;
}

/** What summaries and breakdowns need; a time series shows market prices too. */
const figureColumns = ['bids', 'wins', 'bid_price_sum', 'win_price_sum'] as const;

const texts = (columns: readonly string[]) => columns.map((column) => `coalesce(sum(${column}), 0)::text as ${column}`).join(', ');
const sums = (columns: readonly string[]) => columns.map((column) => `sum(${column}) as ${column}`).join(', ');
const qualified = (relation: string) => figureColumns.map((column) => `${relation}.${column}`).join(', ');

/** Sums of everything per period, from minutes and folded days: one row for each, with the columns of `outcome_minutes` as text. */
export function totalsQuery(periods: Periods): StatsQuery {
  const either = totalColumns.map((column) => `coalesce(sum(coalesce(folded.${column}, counted.${column})), 0)::text as ${column}`);
  const text = `with ${SPANS}
    select period, ${either.join(', ')}
    from spans left join outcome_day_totals as folded using (day)
    left join lateral (
      select ${sums(totalColumns)} from outcome_minutes where folded.day is null and minute >= spans.since and minute < spans.until
    ) as counted on true
    group by period`;
  return { statement: { text }, values: spanValues(periods) };
}

/** Sums of one value of a dimension per period, from hours and folded days: no row for a period that has none. */
export function valueQuery(periods: Periods, { dimension, value }: DimensionValue): StatsQuery {
  const text = `with ${SPANS}, ${MARKED}, parts as (
      select period, ${qualified('days')} from marked join outcome_days as days using (day)
      where is_folded and days.dimension = $5 and days.value = $6
      union all
      select period, ${qualified('hours')} from marked join outcome_hours as hours on hour >= marked.since and hour < marked.until
      where not is_folded and hours.dimension = $5 and hours.value = $6
    )
    select period, ${texts(figureColumns)} from parts group by period`;
  return { statement: { text }, values: [...spanValues(periods), dimension, value] };
}

/**
 * Sums per value of a dimension, or of one value, the greatest first: rows as those of `ranked`. Every value is summed by what it is sorted
 * by only, the greatest are then looked up with all of their sums, and the others are what the total leaves: with 1,000 sites over 30 days
 * that took half of the CPU of summing everything (22 instead of 43 ms). The total is that of the dimension with the fewest rows: each bid
 * has one value of each.
 */
export function breakdownQuery(range: TimeRange, by: Dimension, value: string | null, sort: Sort, limit: number): StatsQuery {
  const { ctes, partsOf, values } = holdsWholeDay(range) ? daysAndHours(range) : hoursOnly(range);
  const add = (parameter: string): string => `$${values.push(parameter)}`;
  const dimension = `dimension = ${add(by)}`;
  const only = value === null ? '' : `and value = ${add(value)}`;
  const less = figureColumns.map((name) => `totals.${name} - (select sum(${name}) from shown) as ${name}`).join(', ');
  const asText = figureColumns.map((name) => `${name}::text as ${name}`).join(', ');
  const text = `with ${ctes} keyed as (
      select value, sum(sorted) as sorted from (${partsOf([`value`, `${sortColumn[sort]} as sorted`], `${dimension} ${only}`)}) as parts group by value
    ), first as (
      select value, row_number() over (order by sorted desc, value) as place
      from (select * from keyed order by sorted desc, value limit ${limit}) as greatest
    ), shown as (
      select place, first.value, ${sums(figureColumns)}
      from first cross join lateral (${partsOf(figureColumns, `${dimension} and value = first.value`)}) as parts group by place, first.value
    ), totals as (
      select ${sums(figureColumns)} from (${partsOf(figureColumns, `dimension = 'enriched'`)}) as parts
    ), others as (
      select (select count(*) from keyed) - ${limit} as "values", ${less} from totals
    )
    select place, value, 1::float8 as "values", ${asText} from shown
    union all select null, null, "values"::float8, ${asText} from others where "values" > 0
    order by place`;
  return { statement: { text }, values };
}

/** Where the rows of a range are: a select of `columns` of those that `where` takes, with what that needs before it. */
interface RollupParts {
  readonly ctes: string;
  readonly partsOf: (columns: readonly string[], where: string) => string;
  readonly values: unknown[];
}

/** A range without a whole day has nothing folded: looking for it would double the time of 24 hours. */
function hoursOnly(range: TimeRange): RollupParts {
  const within = 'hour >= $1::timestamptz and hour < $2::timestamptz';
  return {
    ctes: '',
    partsOf: (columns, where) => `select ${columns.join(', ')} from outcome_hours where ${within} and ${where}`,
    values: bounds(range),
  };
}

/**
 * The rows of folded days and, for the rest of the spans, of hours. `offset 0` keeps the look-up per span: the planner takes half of the spans
 * to be open, and would read the hours of all time once instead.
 */
function daysAndHours(range: TimeRange): RollupParts {
  return {
    ctes: `${SPANS}, ${MARKED},`,
    partsOf: (columns, where) => {
      const list = columns.join(', ');
      return `select ${list} from outcome_days where day = any (array(select day from marked where is_folded)) and ${where}
        union all select hours.* from marked cross join lateral (
          select ${list} from outcome_hours where hour >= marked.since and hour < marked.until and ${where} offset 0
        ) as hours where not is_folded`;
    },
    values: spanValues({ range }),
  };
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
  return `summed as (
      select value, ${sums(figureColumns)} from ${parts} group by value
    ), ranked as (
      select *, least(row_number() over (order by ${sortColumn[sort]} desc, value), ${limit + 1}) as place from summed
    )
    select case when place <= ${limit} then min(value) end as value, count(*)::float8 as "values", ${texts(figureColumns)}
    from ranked group by place order by place`;
}

/** Sums per bin of a time series: rows with `bin` (from 0) for bins that have outcomes. */
export function minuteSeriesQuery(range: TimeRange, starts: readonly number[]): StatsQuery {
  const text = `select width_bucket(minute, $3::timestamptz[]) - 1 as bin, ${texts(sumColumns)} from outcome_minutes
    where minute >= $1::timestamptz and minute < $2::timestamptz group by 1`;
  return { statement: { text }, values: [...bounds(range), starts.map(iso)] };
}

/** Of one value of a dimension, or without it of everything: each bid has one value of each dimension, and this one has two. */
export function hourSeriesQuery(range: TimeRange, starts: readonly number[], of: DimensionValue | undefined): StatsQuery {
  const text = `select width_bucket(hour, $3::timestamptz[]) - 1 as bin, ${texts(sumColumns)} from outcome_hours
    where dimension = $4 and hour >= $1::timestamptz and hour < $2::timestamptz ${of === undefined ? '' : 'and value = $5'} group by 1`;
  const key = of === undefined ? ['enriched'] : [of.dimension, of.value];
  return { statement: { text }, values: [...bounds(range), starts.map(iso), ...key] };
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

const MARKED = `marked as (
      select spans.*, folded.day is not null as is_folded from spans left join outcome_day_totals as folded using (day)
    )`;

/** Whether a UTC day lies in the range from its start to its end. */
function holdsWholeDay({ sinceUnixMs, untilUnixMs }: TimeRange): boolean {
  return Math.ceil(sinceUnixMs / DAY_MS) * DAY_MS + DAY_MS <= untilUnixMs;
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
