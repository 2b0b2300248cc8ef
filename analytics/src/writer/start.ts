import { eventFaultCodes } from '@helios/proto/events';
import { BatchConsumer, type ConsumerOptions } from '@helios/runtime/kafka/consumer';
import { DeadLetters } from '@helios/runtime/kafka/dead-letters';
import { EventProducer } from '@helios/runtime/kafka/producer';
import { LogSampler } from '@helios/runtime/log';
import type { RunningService, ServiceHost } from '@helios/runtime/service';
import { DatabaseMetrics } from '../database-metrics.js';
import { DatabaseState, watchDatabase } from '../database-state.js';
import { openDatabase } from '../db.js';
import { startMaintenance } from './maintenance.js';
import { OutcomeStore } from './outcome-store.js';
import { OutcomeWriter } from './outcome-writer.js';
import type { WriterConfig } from './settings.js';
import { WriterMetrics } from './writer-metrics.js';

const WATCH_INTERVAL_MS = 5000;
const CLOSE_TIMEOUT_MS = 3000;

/** What the writer is built on; the fault tests put a faulty part in its place. */
export interface WriterParts {
  readonly openDatabase: typeof openDatabase;
  readonly startConsumer: (options: ConsumerOptions) => Promise<Pick<BatchConsumer, 'stop'>>;
}

export const writerParts: WriterParts = { openDatabase, startConsumer: (options) => BatchConsumer.start(options) };

/** Starts `analytics writer`. It is ready once it has joined its group; the database may come later: batches wait for it. */
export async function startWriter(host: ServiceHost<WriterConfig>, parts: WriterParts = writerParts): Promise<RunningService> {
  const { config, log, metrics, health, fail } = host;
  const databaseMetrics = new DatabaseMetrics(metrics);
  // One connection a batch, one for the watch and one for the maintenance.
  const poolSize = config.maxBatchesInFlight + 2;
  const database = parts.openDatabase(config, {
    applicationName: 'helios-writer',
    poolSize,
    statementTimeoutMs: config.statementTimeoutMs,
    statementEnded: databaseMetrics.statementEnded,
  });
  databaseMetrics.watchPool(metrics, database, poolSize);
  const state = new DatabaseState(log, metrics);
  const stopWatching = watchDatabase(database, state, WATCH_INTERVAL_MS);
  const producer = EventProducer.start({
    kafka: config,
    log,
    metrics,
    clientId: 'helios-writer',
    messageTimeoutMs: config.deadLetterTimeoutMs,
    onFatal: fail,
  });
  const sampler = new LogSampler(config.logSampleRate, config.logMaxPerSecond, Date.now, ['outcome_stored']);
  metrics.counter(
    'helios_log_lines_left_out_total',
    'Sampled log lines left out by rate or cap, by event.',
    () => sampler.leftOut,
    'event',
  );
  const writerMetrics = new WriterMetrics(metrics);
  const writer = new OutcomeWriter({
    store: new OutcomeStore({ database, state, retryMinMs: config.retryMinMs, retryMaxMs: config.retryMaxMs, random: Math.random }),
    deadLetters: new DeadLetters({
      producer,
      topic: config.deadLettersTopic,
      stage: 'writer',
      codes: [...eventFaultCodes, 'bad_row'],
      log,
      metrics,
    }),
    retentionDays: config.retentionDays,
    metrics: writerMetrics,
    log,
    sampler,
  });
  const consumer = await parts.startConsumer({
    kafka: config,
    groupId: config.groupId,
    topic: config.auctionOutcomesTopic,
    batchMaxMessages: config.batchMaxMessages,
    maxBatchesInFlight: config.maxBatchesInFlight,
    lingerMs: config.batchLingerMs,
    handle: (batch, signal) => writer.handle(batch, signal),
    log,
    metrics,
    health,
    fail,
  });
  const maintenance = startMaintenance({
    database,
    state,
    metrics: writerMetrics,
    log,
    retentionDays: config.retentionDays,
    intervalMs: config.maintenanceIntervalMs,
    removeBatchRows: config.removeBatchRows,
    removePauseMs: config.removePauseMs,
    now: Date.now,
    random: Math.random,
  });
  return {
    async stop() {
      await Promise.all([maintenance.stop(), consumer.stop()]);
      await producer.close(CLOSE_TIMEOUT_MS);
      stopWatching();
      await database.close();
    },
  };
}
