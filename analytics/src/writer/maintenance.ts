import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@helios/runtime/log';
import type { DatabaseState } from '../database-state.js';
import type { TransactionalDatabase } from '../db.js';
import { databaseFault } from '../fault-class.js';
import { foldDay, openDays } from './fold-days.js';
import { removalBound, removeOutcomes } from './remove-outcomes.js';
import type { WriterMetrics } from './writer-metrics.js';

/**
 * The writer's work beside its batches, on a connection of its own: folds days that are over, then removes outcomes past the identity
 * window. Each step is one transaction and leaves everything consistent, so a pass may end between any two, and the next one goes on.
 *
 * States: resting -> folding -> removing -> resting. Any fault, and another writer at the same work, ends the pass. It waits for nothing
 * but its own statement, and what it does never fails a batch.
 */

const DAY_MS = 86_400_000;
/** Days folded in a pass; more are the next one's. After years without a fold a pass is still bounded. */
const FOLDS_PER_PASS = 100;
/** Rests between two steps: the writers' batches go first. */
const FOLD_PAUSE_MS = 50;
/** SQLSTATE of a lock that was not to be had in time: a busy writer, not a fault. */
const LOCK_NOT_AVAILABLE = '55P03';
/** How long a statement under way may take until `stop` no longer waits for it; without its connection the server rolls it back. */
const STOP_LIMIT_MS = 500;

export interface MaintenanceOptions {
  readonly database: TransactionalDatabase;
  readonly state: DatabaseState;
  readonly metrics: Pick<WriterMetrics, 'removed' | 'folded'>;
  readonly log: Logger;
  readonly retentionDays: number;
  readonly intervalMs: number;
  /** Most rows removed in one statement, and the rest after it. */
  readonly removeBatchRows: number;
  readonly removePauseMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface Maintenance {
  /** Ends it at once: between two steps, or after the statement under way, which is waited for with a bound. */
  stop(): Promise<void>;
}

/** Begins to pass through the work every `intervalMs`, give or take a quarter, so that several writers do not keep in step. */
export function startMaintenance(options: MaintenanceOptions): Maintenance {
  const ending = new AbortController();
  const running = passes(options, ending.signal);
  return {
    async stop() {
      ending.abort();
      await Promise.race([running, sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
    },
  };
}

async function passes(options: MaintenanceOptions, signal: AbortSignal): Promise<void> {
  while (await rested(options.intervalMs * (0.75 + options.random() / 2), signal)) await maintain(options, signal);
}

/**
 * One pass. Never rejects: a fault is reported to `state` and ends the pass.
 * @returns what it did before it ended.
 */
export async function maintain(options: MaintenanceOptions, signal: AbortSignal): Promise<{ folded: number; removed: number }> {
  const { metrics, log, retentionDays } = options;
  const done = { folded: 0, removed: 0 };
  const beforeUnixMs = removalBound(options.now(), retentionDays * DAY_MS);
  const startedMonoMs = performance.now();
  try {
    for await (const day of foldedDays(options, signal)) {
      done.folded++;
      metrics.folded++;
      log.debug({ day }, 'day folded');
    }
    for await (const rows of removedBatches(options, beforeUnixMs, signal)) {
      done.removed += rows;
      metrics.removed += rows;
    }
    options.state.succeeded();
  } catch (error) {
    const fault = databaseFault(error);
    if (fault.sqlstate !== LOCK_NOT_AVAILABLE) options.state.failed(fault);
  }
  const elapsedMs = Math.round(performance.now() - startedMonoMs);
  if (done.folded > 0) log.info({ days: done.folded, elapsedMs }, 'days folded');
  if (done.removed > 0)
    log.info({ rows: done.removed, before: new Date(beforeUnixMs).toISOString(), elapsedMs }, 'outcomes past their retention removed');
  return done;
}

/** Folds one day after the other, and says which. */
async function* foldedDays(options: MaintenanceOptions, signal: AbortSignal): AsyncGenerator<string> {
  for (const day of await openDays(options.database, options.now(), FOLDS_PER_PASS)) {
    if (signal.aborted || !(await foldDay(options.database, day))) return;
    yield day;
    await rested(FOLD_PAUSE_MS, signal);
  }
}

/** Removes one batch after the other until nothing older than `beforeUnixMs` is left, and says how many rows. */
async function* removedBatches(options: MaintenanceOptions, beforeUnixMs: number, signal: AbortSignal): AsyncGenerator<number> {
  const { database, removeBatchRows: batchRows, removePauseMs } = options;
  for (let from: string | null = null; !signal.aborted;) {
    const removed = await removeOutcomes(database, { beforeUnixMs, batchRows, from });
    if (removed.rows > 0) yield removed.rows;
    if (!removed.held || removed.rows < batchRows) return;
    from = removed.last;
    await rested(removePauseMs, signal);
  }
}

/** Whether the rest was had in full: false when `signal` ended it. */
async function rested(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal, ref: false });
    return !signal.aborted;
  } catch {
    return false;
  }
}
