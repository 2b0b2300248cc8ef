import { traceIdOf } from '@helios/proto/traceparent';
import type { Database } from '../db.js';
import { booleanArray, numberArray, textArray } from './array-literal.js';
import type { OutcomeBatch } from './outcome-batch.js';
import { daysUnfold, hoursUpsert, minutesUpsert } from './rollup-sql.js';

/**
 * One batch into PostgreSQL: one statement, so one transaction and one round trip. The rollups are computed from the rows that the
 * insert returned, never from the batch: a redelivered batch inserts nothing and counts nothing. Source: spec section 2.6.
 *
 * A row of a day that is folded already unfolds it (docs/adr/0010-folded-days.md). The statement holds a lock on outcome_day_totals from
 * its start to its end, which a fold waits for; it begins after a fold with a snapshot that sees the fold's row. Both rest on PostgreSQL's
 * default isolation, read committed: a statement takes its locks first and its snapshot then.
 */

/** Column, type of the array parameter, SQL of the value (`$` stands for the parameter's column). */
const columns: readonly (readonly [name: string, type: string, sql?: string])[] = [
  ['bid_id', 'text'],
  ['bid_request_id', 'text'],
  ['slot_id', 'text'],
  ['user_id', 'text'],
  ['site_domain', 'text'],
  ['bid_price', 'numeric'],
  ['floor', 'numeric'],
  ['auction_type', 'int2'],
  ['test', 'bool'],
  ['win_status', 'bool'],
  ['win_price', 'numeric'],
  ['market_price', 'numeric'],
  ['enriched', 'bool'],
  ['top_interest', 'text'],
  ['top_score', 'float8'],
  ['strategy', 'text'],
  ['creative_id', 'text'],
  ['creative_w', 'int4'],
  ['creative_h', 'int4'],
  ['trace_id', 'text'],
  ['bid_at', 'timestamptz'],
  ['accepted_at', 'float8', 'to_timestamp(accepted_at / 1000)'],
  ['"timestamp"', 'timestamptz'],
];

const names = columns.map(([name]) => name).join(', ');
const parameters = columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');
const values = columns.map(([name, , sql]) => sql ?? name).join(', ');

/** The table's columns, in the order in which `storeSql` takes their values. */
export const outcomeColumnNames: readonly string[] = columns.map(([name]) => name);

/**
 * The one statement that stores outcomes and counts those that are new in the rollups.
 * @param rows a query that gives the values of `outcomeColumnNames`.
 * @param result the select list of what the statement returns; it may read the relation `inserted`, the rows that were new.
 */
export function storeSql(rows: string, result: string): string {
  return `with inserted as (
    insert into auction_outcomes (${names})
    ${rows}
    on conflict (bid_id) do nothing
    returning bid_id, site_domain, bid_price, test, win_status, win_price, market_price, enriched, top_interest, creative_w, creative_h, accepted_at, "timestamp"
  ), minutes as (
    ${minutesUpsert('inserted')}
  ), hours as (
    ${hoursUpsert('inserted')}
  ), unfolded as (
    ${daysUnfold('minutes')}
  )
  select ${result}`;
}

/**
 * Returns one row: how many were inserted and, only when that is fewer than were sent, which. The count of what was sent is the last
 * parameter; while they agree PostgreSQL does not even build the list.
 */
const insertStatement = {
  name: 'insert-outcomes',
  text: storeSql(
    `select ${values} from unnest(${parameters}) as incoming (${names})`,
    `(select count(*) from inserted)::int4 as inserted,
    (select array_agg(bid_id) from inserted where (select count(*) from inserted) < $${columns.length + 1}::int4) as inserted_ids`,
  ),
};

/** How many of the given bids are stored with another outcome than the given one. */
const conflictStatement = {
  name: 'conflicting-outcomes',
  text: `select count(*)::int4 as conflicting
    from unnest($1::text[], $2::bool[], $3::numeric[], $4::numeric[], $5::numeric[]) as incoming (bid_id, win_status, win_price, bid_price, market_price)
    join auction_outcomes as stored using (bid_id)
    where (stored.win_status, stored.win_price, stored.bid_price, stored.market_price) is distinct from
      (incoming.win_status, incoming.win_price::numeric(16, 6), incoming.bid_price::numeric(16, 6), incoming.market_price::numeric(16, 6))`,
};

export interface Inserted {
  readonly inserted: number;
  /** The bids inserted when some were not; null when all were. */
  readonly insertedIds: ReadonlySet<string> | null;
}

/** Stores the batch's outcomes that are not stored yet, and counts them in the rollups. Rejects with the driver's error; then nothing is stored. */
export async function insertOutcomes(database: Database, batch: OutcomeBatch): Promise<Inserted> {
  const count = batch.events.length;
  const [row] = await database.query<{ inserted: number; inserted_ids: string[] | null }>(insertStatement, [...toColumns(batch), count]);
  if (row === undefined) throw new Error('the insert statement returned no row');
  return { inserted: row.inserted, insertedIds: row.inserted === count ? null : new Set(row.inserted_ids) };
}

/** Counts the batch's outcomes that differ from what is stored under their `bid_id`: those that came first stay. */
export async function countConflicting(database: Database, batch: OutcomeBatch): Promise<number> {
  const { events } = batch;
  const count = events.length;
  const at = eventAt(events);
  const [row] = await database.query<{ conflicting: number }>(conflictStatement, [
    textArray(count, (i) => at(i).bid_id),
    booleanArray(count, (i) => at(i).win_status),
    numberArray(count, (i) => at(i).win_price),
    numberArray(count, (i) => at(i).bid_price),
    numberArray(count, (i) => at(i).market_price),
  ]);
  return row?.conflicting ?? 0;
}

/** The batch as array literals, in the order of `columns`. */
function toColumns(batch: OutcomeBatch): string[] {
  const { events, acceptedAtUnixMs, traceparents } = batch;
  const count = events.length;
  const at = eventAt(events);
  return [
    textArray(count, (i) => at(i).bid_id),
    textArray(count, (i) => at(i).bid_request_id),
    textArray(count, (i) => at(i).slot_id),
    textArray(count, (i) => at(i).user_id),
    textArray(count, (i) => at(i).site_domain),
    numberArray(count, (i) => at(i).bid_price),
    numberArray(count, (i) => at(i).floor),
    numberArray(count, (i) => at(i).auction_type),
    booleanArray(count, (i) => at(i).test),
    booleanArray(count, (i) => at(i).win_status),
    numberArray(count, (i) => at(i).win_price),
    numberArray(count, (i) => at(i).market_price),
    booleanArray(count, (i) => at(i).enriched),
    textArray(count, (i) => at(i).top_interest?.category ?? null),
    numberArray(count, (i) => at(i).top_interest?.score ?? null),
    textArray(count, (i) => at(i).strategy),
    textArray(count, (i) => at(i).creative.id),
    numberArray(count, (i) => at(i).creative.w),
    numberArray(count, (i) => at(i).creative.h),
    textArray(count, (i) => traceIdOf(traceparents[i])),
    textArray(count, (i) => at(i).bid_at),
    numberArray(count, (i) => acceptedAtUnixMs[i] ?? null),
    textArray(count, (i) => at(i).timestamp),
  ];
}

function eventAt(events: OutcomeBatch['events']): (index: number) => OutcomeBatch['events'][number] {
  return (index) => {
    const event = events[index];
    if (event === undefined) throw new RangeError(`row ${index} of ${events.length}`);
    return event;
  };
}
