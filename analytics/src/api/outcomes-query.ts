import type { Statement } from '../db.js';
import type { Cursor, Position } from './cursor.js';
import { dimensionConditions, type DimensionFilters, dimensionFilterNames } from './dimension-filters.js';
import { outcomeColumns } from './outcome-rows.js';

/** A page of outcomes as one statement: filters, a position in the index, a limit. Never an OFFSET. Pure. */

export interface OutcomeFilters extends DimensionFilters {
  readonly win_status?: boolean;
  readonly user_id?: string;
  /** The range [since, until) of `timestamp`. */
  readonly since?: string;
  readonly until?: string;
}

export const filterNames = ['win_status', 'user_id', ...dimensionFilterNames, 'since', 'until'] as const;

/** The filters in one fixed order: what a cursor is bound to, and the query of links. */
export function filterParameters(filters: OutcomeFilters): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const name of filterNames) {
    const value = filters[name];
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters;
}

export interface PageQuery {
  readonly statement: Statement;
  readonly values: unknown[];
}

/**
 * Reads one row more than `limit`, which tells whether there is a further page. `newer` pages come in ascending order.
 * The limit stands in the text and the statement has no name, so that PostgreSQL plans for the values: a plan made for any limit sorts the table.
 */
export function pageQuery(filters: OutcomeFilters, cursor: Cursor | null, limit: number): PageQuery {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const add = (value: unknown): string => `$${values.push(value)}`;
  for (const name of ['win_status', 'user_id'] as const) {
    const value = filters[name];
    if (value !== undefined) conditions.push(`${name} = ${add(value)}`);
  }
  conditions.push(...dimensionConditions(filters, add));
  const { since, until } = boundsBeside(filters, cursor);
  if (since !== undefined) conditions.push(`"timestamp" >= ${add(since)}::timestamptz`);
  if (until !== undefined) conditions.push(`"timestamp" < ${add(until)}::timestamptz`);
  if (cursor !== null) {
    const sign = cursor.direction === 'older' ? '<' : '>';
    conditions.push(`("timestamp", bid_id) ${sign} (${add(cursor.timestamp)}::timestamptz, ${add(cursor.bidId)})`);
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const order = cursor?.direction === 'newer' ? 'asc' : 'desc';
  // The select list names a text column "timestamp" too: the order is by the table's own column.
  const text = `select ${outcomeColumns} from auction_outcomes as stored ${where} order by stored."timestamp" ${order}, stored.bid_id ${order} limit ${limit + 1}`;
  return { statement: { text }, values };
}

/**
 * The bounds of the range that the cursor leaves to be checked. Beside a cursor of older rows `until` says nothing more, and beside one of newer
 * rows `since`; PostgreSQL however would begin at that bound and walk to the cursor, so that each page cost more than the one before (30 days,
 * cursor 12 hours below `until`, ten million rows: 2,720 buffers read instead of 7).
 */
function boundsBeside({ since, until }: OutcomeFilters, cursor: Cursor | null): Pick<OutcomeFilters, 'since' | 'until'> {
  // Within one millisecond, which is all that Date.parse keeps, both stay.
  const passed = (bound: string | undefined): number =>
    cursor === null || bound === undefined ? 0 : Date.parse(bound) - Date.parse(cursor.timestamp);
  return {
    ...(since !== undefined && !(cursor?.direction === 'newer' && passed(since) < 0) ? { since } : {}),
    ...(until !== undefined && !(cursor?.direction === 'older' && passed(until) > 0) ? { until } : {}),
  };
}

export interface Page<Row> {
  /** Newest first. */
  readonly rows: Row[];
  /** Where the page of older rows begins; null when there is none. */
  readonly older: Cursor | null;
  readonly newer: Cursor | null;
  /** The page is empty because everything newer than the cursor is gone: begin again without a cursor. */
  readonly restart: boolean;
}

/** Puts what `pageQuery` read into a page with its neighbours. */
export function toPage<Row>(read: readonly Row[], cursor: Cursor | null, limit: number, positionOf: (row: Row) => Position): Page<Row> {
  const more = read.length > limit;
  const rows = read.slice(0, limit);
  if (cursor?.direction === 'newer') rows.reverse();
  const newest = rows[0];
  const oldest = rows.at(-1);
  if (newest === undefined || oldest === undefined) {
    // Rows leave the table at the end of their retention, also under a client that pages. The cursor's own timestamp begins the way back.
    const back: Cursor | null = cursor?.direction === 'older' ? { direction: 'newer', timestamp: cursor.timestamp, bidId: '' } : null;
    return { rows, older: null, newer: back, restart: cursor?.direction === 'newer' };
  }
  const hasOlder = cursor?.direction === 'newer' ? true : more;
  const hasNewer = cursor === null ? false : cursor.direction === 'older' ? true : more;
  return {
    rows,
    older: hasOlder ? { direction: 'older', ...positionOf(oldest) } : null,
    newer: hasNewer ? { direction: 'newer', ...positionOf(newest) } : null,
    restart: false,
  };
}
