import type { Database } from '../db.js';
import { MAINTENANCE_LOCK } from './fold-days.js';

/**
 * Removes outcomes past the identity window, the oldest first, a bounded number in a statement. Rollups stay: they are the memory of what
 * was removed. An outcome that is delivered again afterwards is older than the window, so the writer drops it. Source: spec section 2.6.
 */

/**
 * A row stays this much longer than an outcome of its age would be taken. A batch that was read while its outcome was just young enough may
 * be stored later, when the database answers again, and clocks of machines differ: it must still find the row.
 */
export const REMOVAL_GRACE_MS = 3_600_000;

/**
 * Rows are never updated, so their places (`ctid`) hold between the look-up and the deletion. `$3` is where the last statement ended: the
 * index still has the entries of rows just removed, and going through them again and again would cost more with every statement.
 */
const removeStatement = {
  text: `with one_at_a_time as materialized (
      select pg_try_advisory_xact_lock(${MAINTENANCE_LOCK}) as held
    ), removed as (
      delete from auction_outcomes where ctid = any (array(
        select ctid from auction_outcomes
        where "timestamp" < $1::timestamptz and "timestamp" >= $3::timestamptz and (select held from one_at_a_time)
        order by "timestamp" limit $2))
      returning "timestamp"
    )
    select (select held from one_at_a_time) as held, count(*)::int4 as rows,
      to_char(max("timestamp") at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as last
    from removed`,
};

const BEGINNING = '-infinity';

export interface Removal {
  /** Outcomes decided before this instant go; Unix milliseconds. */
  readonly beforeUnixMs: number;
  /** Most rows in the statement. */
  readonly batchRows: number;
  /** `last` of the statement before, or null in the first one. */
  readonly from: string | null;
}

export interface Removed {
  /** False when another writer maintains the outcomes at the moment: then nothing was done. */
  readonly held: boolean;
  readonly rows: number;
  /** Timestamp of the newest row removed, ISO 8601 with microseconds; null when none was. */
  readonly last: string | null;
}

/** What `now` and the window say must go. */
export function removalBound(nowUnixMs: number, retentionMs: number): number {
  return nowUnixMs - retentionMs - REMOVAL_GRACE_MS;
}

/** Removes at most `batchRows` outcomes. Rejects with the driver's error; then none was removed. */
export async function removeOutcomes(database: Database, removal: Removal): Promise<Removed> {
  const { beforeUnixMs, batchRows, from } = removal;
  const before = new Date(beforeUnixMs).toISOString();
  const [removed] = await database.query<Removed>(removeStatement, [before, batchRows, from ?? BEGINNING]);
  if (removed === undefined) throw new Error('the removing statement returned no row');
  return removed;
}
