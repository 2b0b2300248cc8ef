import type { Database, TransactionalDatabase } from '@helios/analytics/db';
import { foldDay, openDays } from '@helios/analytics/writer/fold-days';
import { type LoadChunk, hourPlan } from './hour-plan.js';
import { idPrefix, madeOutcomesStatement } from './outcome-sql.js';

/** Stores made-up outcomes chunk by chunk; each chunk is one transaction, rollups included, so that a load may end between any two. */

export interface LoadOptions {
  readonly database: Database;
  readonly rows: number;
  readonly seed: number;
  readonly sinceUnixMs: number;
  readonly untilUnixMs: number;
  /** Statements at once, each on a connection of its own. */
  readonly connections: number;
  /** No further chunk begins when it aborts. */
  readonly signal: AbortSignal;
  /** Told after every chunk. */
  readonly progress: (passed: LoadProgress) => void;
}

export interface LoadProgress {
  /** Rows whose chunk is stored. */
  readonly rows: number;
  /** Rows of these that were not there before. */
  readonly inserted: number;
}

const tables = ['auction_outcomes', 'outcome_minutes', 'outcome_hours', 'outcome_day_totals', 'outcome_days'] as const;
/** Days folded before they are counted anew. */
const FOLDS_PER_LOOK = 100;

/** Whether the tables that a load fills are there. @throws the driver's error. */
export async function isMigrated(database: Database): Promise<boolean> {
  const [row] = await database.query<{ migrated: boolean }>(
    { text: `select bool_and(to_regclass(name) is not null) as migrated from unnest($1::text[]) as name` },
    [tables],
  );
  return row?.migrated === true;
}

/**
 * Loads until all rows are stored or `signal` aborts; the same seed, rows and times give the same rows, and rows that are stored already
 * change nothing. An hour belongs to one connection: two of them never count up the same rollup row.
 * @throws the driver's error; then what is stored is whole chunks.
 */
export async function loadOutcomes(options: LoadOptions): Promise<LoadProgress> {
  const { database, rows, seed, sinceUnixMs, untilUnixMs, signal, progress } = options;
  const hours = hourPlan(rows, sinceUnixMs, untilUnixMs).values();
  const passed = { rows: 0, inserted: 0 };
  let failed = false;
  const store = async (chunk: LoadChunk): Promise<void> => {
    const values = [chunk.firstRow, chunk.endRow, chunk.startUnixMs, chunk.endUnixMs, seed, idPrefix(seed)];
    const [row] = await database.query<{ inserted: number }>(madeOutcomesStatement, values);
    passed.rows += chunk.endRow - chunk.firstRow;
    passed.inserted += row?.inserted ?? 0;
    progress({ ...passed });
  };
  const work = async (): Promise<void> => {
    try {
      for (const hour of hours) {
        for (const chunk of hour) {
          if (signal.aborted || failed) return;
          await store(chunk);
        }
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: options.connections }, work));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return passed;
}

/**
 * Folds every day that is over, as the writer's maintenance would in a while; a writer at the same work is left to it.
 * @throws the driver's error.
 */
export async function foldPastDays(database: TransactionalDatabase, nowUnixMs: number): Promise<void> {
  for (;;) {
    const days = await openDays(database, nowUnixMs, FOLDS_PER_LOOK);
    if (days.length === 0) return;
    for (const day of days) if (!(await foldDay(database, day))) return;
  }
}

/** Brings the planner's statistics and the visibility map up to date, as autovacuum would in a while. @throws the driver's error. */
export async function settleTables(database: Database): Promise<void> {
  for (const table of tables) await database.query({ text: `vacuum (analyze) ${table}` }, []);
}
