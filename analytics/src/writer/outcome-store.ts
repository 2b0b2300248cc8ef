import type { DatabaseState } from '../database-state.js';
import type { Database } from '../db.js';
import { type DatabaseFault, databaseFault } from '../fault-class.js';
import { Backoff } from './backoff.js';
import { countConflicting, insertOutcomes } from './insert-outcomes.js';
import { type OutcomeBatch, sliceBatch } from './outcome-batch.js';

/**
 * Stores batches whatever happens: an outage is waited for, a batch with a bad row is halved until the row stands alone and is given up.
 *
 * Per batch: inserting -> stored | waiting (outage; back to inserting after a backoff) | halved (bad row; both halves begin anew).
 */

export interface StoreOptions {
  readonly database: Database;
  readonly state: DatabaseState;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface StoreSink {
  /** These rows of `batch` are new in the table: all of them, or those whose `bid_id` is in `ids`. */
  stored(batch: OutcomeBatch, ids: ReadonlySet<string> | null): void;
  /** So many were stored before: with the same outcome, and with another. */
  repeated(duplicate: number, conflicting: number): void;
  /** The only row of `batch` cannot be stored; resolves when it is safe elsewhere. */
  badRow(batch: OutcomeBatch, fault: DatabaseFault): Promise<void>;
}

export class OutcomeStore {
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** Resolves when each row of `batch` is stored, was stored before or was given to `sink.badRow`. Rejects when `signal` aborts. */
  async store(batch: OutcomeBatch, sink: StoreSink, signal: AbortSignal): Promise<void> {
    const pending = [batch];
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part.events.length === 0) continue;
      const rest = await this.#storePart(part, sink, signal);
      // The first half first: the order of keys is kept.
      for (const half of rest.toReversed()) pending.push(half);
    }
  }

  /** Stores one part, or returns the parts to be tried in its stead. */
  async #storePart(part: OutcomeBatch, sink: StoreSink, signal: AbortSignal): Promise<OutcomeBatch[]> {
    const count = part.events.length;
    const outcome = await this.#untilAnswered(() => insertOutcomes(this.#options.database, part), signal);
    if (!outcome.ok) {
      if (count === 1) {
        await sink.badRow(part, outcome.fault);
        return [];
      }
      const middle = Math.ceil(count / 2);
      return [sliceBatch(part, 0, middle), sliceBatch(part, middle, count)];
    }
    const { inserted, insertedIds } = outcome.value;
    if (inserted > 0) sink.stored(part, insertedIds);
    if (inserted < count) {
      // Only now: the comparison costs a look-up per row, and rows seldom repeat.
      const compared = await this.#untilAnswered(() => countConflicting(this.#options.database, part), signal);
      const conflicting = compared.ok ? compared.value : 0;
      sink.repeated(count - inserted - conflicting, conflicting);
    }
    return [];
  }

  /** Runs `statement` until the server says yes, or that a row is bad. Rejects only when `signal` aborts. */
  async #untilAnswered<T>(
    statement: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ ok: true; value: T } | { ok: false; fault: DatabaseFault }> {
    const { state, retryMinMs, retryMaxMs, random } = this.#options;
    const backoff = new Backoff(retryMinMs, retryMaxMs, random);
    for (;;) {
      signal.throwIfAborted();
      try {
        const value = await statement();
        state.succeeded();
        return { ok: true, value };
      } catch (error) {
        const fault = databaseFault(error);
        if (fault.faultClass === 'bad_row') {
          state.succeeded();
          return { ok: false, fault };
        }
        state.failed(fault);
      }
      await backoff.wait(signal);
    }
  }
}
