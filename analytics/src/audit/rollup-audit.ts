/**
 * Compares the rollups with what they were counted from: minutes and hours with the rows, folded days with their minutes and hours; every
 * total, every latency bucket, every dimension, in SQL. The sums are written anew here and not taken from the writer, so that a fault in
 * the writer's statement shows too. Source: spec section 2.6.
 */
import type { Database, Statement } from '../db.js';
import { latencyEdgesMs } from '../rollup-columns.js';

/** One column of a rollup row; null where the row is not there at all. Numbers as text: they may exceed what a float holds. */
export interface Difference {
  readonly column: string;
  readonly stored: string | null;
  readonly recomputed: string | null;
}

export interface DifferingRollup {
  /** The minute, hour or start of the day, ISO 8601 in UTC. */
  readonly at: string;
  /** Both null for a minute and for the totals of a day. */
  readonly dimension: string | null;
  readonly value: string | null;
  readonly differences: readonly Difference[];
}

export interface TableAudit {
  /** Rollup rows that were compared, those that are missing on one side included. */
  readonly compared: number;
  readonly differing: number;
  /** The first 100 of those that differ. */
  readonly rows: readonly DifferingRollup[];
}

export interface RollupAudit {
  readonly holds: boolean;
  readonly minutes: TableAudit;
  readonly hours: TableAudit;
  /** Days that are folded: their totals, and their sums by dimension. */
  readonly dayTotals: TableAudit;
  readonly days: TableAudit;
}

/** Bounds in time; they are widened to full hours, for folded days to full days. Absent: no bound. */
export interface AuditRange {
  readonly since?: Date;
  readonly until?: Date;
}

const ROWS_SHOWN = 100;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/**
 * From when on rows and rollups can be compared: rows past their retention leave, an hour after they are past it, and their rollups stay.
 * Without rows that old the bound changes nothing.
 */
export function auditableSince(retentionDays: number, nowUnixMs: number): Date {
  return new Date(Math.ceil((nowUnixMs - retentionDays * DAY_MS) / HOUR_MS) * HOUR_MS);
}

type Column = readonly [name: string, type: string, sql: string];

const sums: readonly Column[] = [
  ['bids', 'bigint', `count(*)`],
  ['wins', 'bigint', `sum(case when win_status then 1 else 0 end)`],
  ['bid_price_sum', 'numeric(30, 6)', `sum(bid_price)`],
  ['win_price_sum', 'numeric(30, 6)', `sum(case when win_status then win_price else 0 end)`],
  ['market_price_sum', 'numeric(30, 6)', `sum(market_price)`],
];
/** Milliseconds from acceptance to outcome, not below 0; null when it is not known when the request was accepted. */
const latencySql = `greatest(0, extract(epoch from "timestamp") - extract(epoch from accepted_at)) * 1000`;
const minuteColumns: readonly Column[] = [
  ...sums,
  ['enriched', 'bigint', `sum(case when enriched then 1 else 0 end)`],
  ['latency_count', 'bigint', `count(accepted_at)`],
  ['latency_sum_ms', 'double precision', `coalesce(sum(case when accepted_at is not null then ${latencySql} end), 0)`],
  ...latencyEdgesMs.map((edgeMs): Column => [
    `latency_le_${edgeMs}_ms`,
    'bigint',
    `sum(case when accepted_at is not null and ${latencySql} <= ${edgeMs} then 1 else 0 end)`,
  ]),
];

const minutesStatement = comparison({
  table: 'outcome_minutes',
  time: 'minute',
  unit: 'hour',
  counted: { from: 'auction_outcomes where not test', time: '"timestamp"' },
  keys: ['minute'],
  columns: minuteColumns,
  recomputed: `select date_trunc('minute', "timestamp", 'UTC') as minute, ${selected(minuteColumns)} from counted group by 1`,
});

const hoursStatement = comparison({
  table: 'outcome_hours',
  time: 'hour',
  unit: 'hour',
  counted: { from: 'auction_outcomes where not test', time: '"timestamp"' },
  keys: ['dimension', 'hour', 'value'],
  columns: sums,
  // One pass over the rows for all dimensions.
  recomputed: `select
      case when grouping(site) = 0 then 'site' when grouping(interest) = 0 then 'interest' when grouping(tier) = 0 then 'price_tier'
        when grouping(size) = 0 then 'creative_size' else 'enriched' end as dimension,
      hour, coalesce(site, interest, tier, size, known) as value, ${selected(sums)}
    from (select *, date_trunc('hour', "timestamp", 'UTC') as hour, site_domain as site,
        case when top_interest is null then '' else top_interest end as interest,
        case when bid_price >= 0.1 then '0.10-and-up' when bid_price >= 0.05 then '0.05-to-0.10' else 'under-0.05' end as tier,
        format('%sx%s', creative_w, creative_h) as size, enriched::text as known
      from counted) as valued
    group by grouping sets ((hour, site), (hour, interest), (hour, tier), (hour, size), (hour, known))`,
});

const dayOf = (time: string) => `date_trunc('day', ${time}, 'UTC')`;
const isFolded = (time: string) => `exists (select from outcome_day_totals as folded where folded.day = ${dayOf(time)})`;
const added = (columns: readonly Column[]) => selected(columns.map(([name, type]): Column => [name, type, `sum(${name})`]));

const dayTotalsStatement = comparison({
  table: 'outcome_day_totals',
  time: 'day',
  unit: 'day',
  counted: { from: `outcome_minutes where ${isFolded('minute')}`, time: 'minute' },
  keys: ['day'],
  columns: minuteColumns,
  recomputed: `select ${dayOf('minute')} as day, ${added(minuteColumns)} from counted group by 1`,
});

const daysStatement = comparison({
  // What the table has of days that are not folded is read by nobody.
  table: `(select * from outcome_days where ${isFolded('outcome_days.day')}) as folded_days`,
  time: 'day',
  unit: 'day',
  counted: { from: `outcome_hours where ${isFolded('hour')}`, time: 'hour' },
  keys: ['dimension', 'day', 'value'],
  columns: sums,
  recomputed: `select dimension, ${dayOf('hour')} as day, value, ${added(sums)} from counted group by 1, 2, 3`,
});

/**
 * Recomputes the rollups from the rows and compares them with what is stored; each table in one statement, so that a writer at work
 * disturbs nothing. Whole tables take a pass over all rows: give the database's statements the time for it.
 * @throws the driver's error.
 */
export async function auditRollups(database: Database, range: AuditRange = {}): Promise<RollupAudit> {
  const bounds = [range.since?.toISOString() ?? null, range.until?.toISOString() ?? null];
  const minutes = await audited(database, minutesStatement, bounds);
  const hours = await audited(database, hoursStatement, bounds);
  const dayTotals = await audited(database, dayTotalsStatement, bounds);
  const days = await audited(database, daysStatement, bounds);
  const holds = [minutes, hours, dayTotals, days].every(({ differing }) => differing === 0);
  return { holds, minutes, hours, dayTotals, days };
}

async function audited(database: Database, statement: Statement, bounds: (string | null)[]): Promise<TableAudit> {
  const [audit] = await database.query<TableAudit>(statement, bounds);
  if (audit === undefined) throw new Error('the audit returned no row');
  return audit;
}

function selected(columns: readonly Column[]): string {
  return columns.map(([name, type, sql]) => `(${sql})::${type} as ${name}`).join(', ');
}

function comparison(parts: {
  readonly table: string;
  readonly time: string;
  /** What the bounds are widened to. */
  readonly unit: 'hour' | 'day';
  /** What the rollups are counted from, with a condition, and its time. */
  readonly counted: { readonly from: string; readonly time: string };
  readonly keys: readonly string[];
  readonly columns: readonly Column[];
  readonly recomputed: string;
}): Statement {
  const { table, time, unit, counted, keys, columns, recomputed } = parts;
  const width = unit === 'hour' ? '1 hour' : '24 hours';
  const within = (instant: string) =>
    `($1::timestamptz is null or ${instant} >= date_trunc('${unit}', $1::timestamptz, 'UTC'))
      and ($2::timestamptz is null or ${instant} < date_trunc('${unit}', $2::timestamptz + interval '${width}' - interval '1 microsecond', 'UTC'))`;
  const values = columns.map(([name, type]) => `('${name}', stored.${name}::text, recomputed.${name}::text, ${differs(name, type)})`);
  const key = (name: string) => (keys.includes(name) ? name : 'null');
  return {
    text: `with counted as (
      select * from ${counted.from} and ${within(counted.time)}
    ), recomputed as (
      ${recomputed}
    ), stored as (
      select * from ${table} where ${within(time)}
    ), compared as (
      select ${keys.join(', ')}, differences.list
      from stored full join recomputed using (${keys.join(', ')})
      cross join lateral (
        select jsonb_agg(jsonb_build_object('column', name, 'stored', was, 'recomputed', becomes)) filter (where differs) as list
        from (values ${values.join(', ')}) as each (name, was, becomes, differs)
      ) as differences
    )
    select (select count(*) from compared)::float8 as compared,
      (select count(*) from compared where list is not null)::float8 as differing,
      (select coalesce(jsonb_agg(jsonb_build_object('at', to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          'dimension', ${key('dimension')}, 'value', ${key('value')}, 'differences', list)), '[]')
        from (select * from compared where list is not null order by ${keys.join(', ')} limit ${ROWS_SHOWN}) as first) as rows`,
  };
}

/** Sums of floats depend on the order of the rows: those differ when they do so by more than that can do. */
function differs(name: string, type: string): string {
  const [stored, recomputed] = [`stored.${name}`, `recomputed.${name}`];
  if (type !== 'double precision') return `${stored} is distinct from ${recomputed}`;
  return `coalesce(abs(${stored} - ${recomputed}) > 0.001 + abs(${recomputed}) * 1e-9, ${stored} is distinct from ${recomputed})`;
}
