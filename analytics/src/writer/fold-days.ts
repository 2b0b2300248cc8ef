import type { TransactionalDatabase } from '../db.js';
import { binSql, dimensions, sumColumns, totalColumns } from '../rollup-columns.js';

/**
 * Folds a UTC day that is over: the sums of its minutes become one row of `outcome_day_totals`, those of its hours one row per value in
 * `outcome_days`. A day is folded while its row in `outcome_day_totals` is there.
 *
 * States of a day: open -> folded (this file) -> open (a writer stored a row of it: `daysUnfold` in rollup-sql.ts) -> folded anew ...
 *
 * Why no row can be missed. A writer's insert is one statement that also deletes from `outcome_day_totals`, so it holds ROW EXCLUSIVE on
 * that table until it has committed. A fold first takes SHARE ROW EXCLUSIVE on it, which conflicts:
 * - a writer that began before the fold is waited for, and the fold's sums, whose snapshots are taken after the lock, have its rows;
 * - a writer that begins later waits, or finds the fold done: either way its snapshot, taken after its locks, has the fold's row, and it
 *   deletes it if it stored a row of that day.
 * One lock on one table cannot deadlock with the writers' locks on the others, and readers are not disturbed.
 * Source: docs/adr/0010-folded-days.md.
 */

/** Lets outcomes that are on their way at midnight arrive before their day is folded; later ones only cost a second fold. */
export const FOLD_GRACE_MS = 3_600_000;
/** While the fold waits for its lock, writers that come later wait behind it: so it does not wait long. */
const LOCK_LIMIT_MS = 1000;
/** Advisory locks are numbers: this one says "maintenance of the outcomes", for folding and removing alike. */
export const MAINTENANCE_LOCK = 7_208_150_406;

/** Goes from one day that has minutes to the next by the key, never through all minutes. */
const openDaysStatement = {
  text: `with recursive days as (
      select (select ${binSql('24 hours', 'min(minute)')} from outcome_minutes) as day
      union all
      select (select ${binSql('24 hours', 'min(minute)')} from outcome_minutes where minute >= days.day + interval '24 hours')
      from days where days.day is not null
    )
    select to_char(day at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as day from days
    where day + interval '24 hours' <= $1::timestamptz
      and not exists (select from outcome_day_totals as folded where folded.day = days.day)
    order by days.day desc limit $2`,
};

const tryLock = { text: `select pg_try_advisory_xact_lock(${MAINTENANCE_LOCK}) as held` };
const limitWait = { text: `set local lock_timeout = ${LOCK_LIMIT_MS}` };
const stopWriters = { text: 'lock table outcome_day_totals in share row exclusive mode' };
const within = (column: string) => `${column} >= $1::timestamptz and ${column} < $1::timestamptz + interval '24 hours'`;
const everyDimension = `dimension in (${dimensions.map((dimension) => `'${dimension}'`).join(', ')})`;
const summed = (columns: readonly string[]) => columns.map((column) => `sum(${column})`).join(', ');
const replaceDay = [
  { text: `delete from outcome_days where ${everyDimension} and day = $1::timestamptz` },
  {
    text: `insert into outcome_days (dimension, day, value, ${sumColumns.join(', ')})
      select dimension, $1::timestamptz, value, ${summed(sumColumns)} from outcome_hours
      where ${everyDimension} and ${within('hour')} group by dimension, value`,
  },
  { text: `delete from outcome_day_totals where day = $1::timestamptz` },
  {
    text: `insert into outcome_day_totals (day, ${totalColumns.join(', ')})
      select $1::timestamptz, ${summed(totalColumns)} from outcome_minutes where ${within('minute')} having count(*) > 0`,
  },
];

/**
 * The newest `limit` days that are over, with a grace, and not folded, as ISO 8601 in UTC, newest first: those are asked for most.
 * Rejects with the driver's error.
 */
export async function openDays(database: TransactionalDatabase, nowUnixMs: number, limit: number): Promise<string[]> {
  const overBefore = new Date(nowUnixMs - FOLD_GRACE_MS).toISOString();
  const rows = await database.query<{ day: string }>(openDaysStatement, [overBefore, limit]);
  return rows.map(({ day }) => day);
}

/**
 * Folds the UTC day that begins at `day`, in one transaction; folding again changes nothing.
 * @returns false when another writer maintains the outcomes at the moment: then nothing was done.
 * Rejects with the driver's error; SQLSTATE 55P03 says that a writer's statement lasted longer than the fold waits.
 */
export function foldDay(database: TransactionalDatabase, day: string): Promise<boolean> {
  return database.transaction(async (query) => {
    const [lock] = await query<{ held: boolean }>(tryLock, []);
    if (lock?.held !== true) return false;
    await query(limitWait, []);
    await query(stopWriters, []);
    for (const statement of replaceDay) await query(statement, [day]);
    return true;
  });
}
