import { traceIdOf } from '@helios/proto/traceparent';
import type { ConsumedMessage } from '@helios/runtime/kafka/consumer';
import { sendLetters } from '@helios/runtime/kafka/dead-letters';
import { headerText } from '@helios/runtime/kafka/headers';
import type { Logger, LogSampler } from '@helios/runtime/log';
import type { DatabaseFault } from '../fault-class.js';
import { type OutcomeBatch, readOutcomes } from './outcome-batch.js';
import type { OutcomeStore, StoreSink } from './outcome-store.js';
import type { WriterMetrics } from './writer-metrics.js';

/**
 * The last hop: topic `auction_outcomes` -> PostgreSQL.
 *
 * Reads AuctionOutcome events, writes rows and rollups. Invariant: a batch is finished (and its offsets committed) only when each message
 * is a row, repeats a row, is older than the identity window, or is acknowledged in `dead_letters`. It never changes a row that is
 * stored, and it never gives a message up because the database is away.
 */

const DAY_MS = 86_400_000;

export interface LetterBox {
  /** Resolves when the message is safe in the dead-letter topic. */
  send(message: ConsumedMessage, errorCode: string, errorText: string): Promise<void>;
}

export interface OutcomeWriterOptions {
  readonly store: OutcomeStore;
  readonly deadLetters: LetterBox;
  readonly retentionDays: number;
  readonly metrics: WriterMetrics;
  readonly log: Logger;
  readonly sampler: LogSampler;
}

export class OutcomeWriter {
  readonly #options: OutcomeWriterOptions;

  constructor(options: OutcomeWriterOptions) {
    this.#options = options;
  }

  /** Brings one batch to its end. Rejects when `signal` aborts or a dead letter was not acknowledged; the same batch may then be given again. */
  async handle(messages: readonly ConsumedMessage[], signal: AbortSignal): Promise<void> {
    const { store, retentionDays, metrics } = this.#options;
    const startedMonoMs = performance.now();
    const read = readOutcomes(messages, { nowUnixMs: Date.now(), retentionMs: retentionDays * DAY_MS, header: headerText });
    await sendLetters({ send: (message, code, text) => this.#giveUp(message, code, text) }, read.unreadable);
    const readMonoMs = performance.now();
    metrics.stages.read.observe((readMonoMs - startedMonoMs) / 1000);
    await store.store(read.batch, this.#sink(), signal);
    metrics.rows.expired += read.expired;
    metrics.rows.duplicate += read.duplicate;
    metrics.rows.conflicting += read.conflicting;
    const storedMonoMs = performance.now();
    metrics.stages.store.observe((storedMonoMs - readMonoMs) / 1000);
    metrics.batchDuration.observe((storedMonoMs - startedMonoMs) / 1000);
  }

  async #giveUp(message: ConsumedMessage, code: string, text: string): Promise<void> {
    await this.#options.deadLetters.send(message, code, text);
    this.#options.metrics.rows.dead_lettered++;
  }

  #sink(): StoreSink {
    const { metrics } = this.#options;
    return {
      stored: (batch, ids) => this.#stored(batch, ids),
      repeated: (duplicate, conflicting) => {
        metrics.rows.duplicate += duplicate;
        metrics.rows.conflicting += conflicting;
      },
      badRow: async (batch: OutcomeBatch, fault: DatabaseFault) => {
        const [message] = batch.sources;
        if (message === undefined) throw new Error('a bad row without its message');
        await this.#giveUp(message, 'bad_row', `SQLSTATE ${fault.sqlstate}: ${fault.message}`);
      },
    };
  }

  #stored(batch: OutcomeBatch, ids: ReadonlySet<string> | null): void {
    const { metrics, log, sampler } = this.#options;
    const nowUnixMs = Date.now();
    for (const [index, event] of batch.events.entries()) {
      if (ids !== null && !ids.has(event.bid_id)) continue;
      metrics.stored(batch, index, nowUnixMs);
      if (!sampler.shouldLog('outcome_stored', event.bid_request_id, batch.traceparents[index])) continue;
      const acceptedAtUnixMs = batch.acceptedAtUnixMs[index] ?? Number.NaN;
      log.info(
        {
          request_id: event.bid_request_id,
          trace_id: traceIdOf(batch.traceparents[index]) ?? undefined,
          bid_id: event.bid_id,
          win_status: event.win_status,
          win_price: event.win_price,
          enriched: event.enriched,
          test: event.test,
          ...(Number.isNaN(acceptedAtUnixMs) ? {} : { acceptedToRowMs: nowUnixMs - acceptedAtUnixMs }),
        },
        'auction outcome stored',
      );
    }
  }
}
