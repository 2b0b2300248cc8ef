import type { ConfigOf } from '@helios/runtime/config';
import { integer } from '@helios/runtime/config';
import { groupSetting, kafkaFaults, kafkaSettings, retentionDaysSetting, serviceSettings } from '@helios/runtime/settings';
import { databaseFaults, databaseSettings } from '../database-settings.js';

/** The environment of `analytics writer`. */
export const writerSettings = {
  ...serviceSettings(9105),
  ...kafkaSettings,
  groupId: groupSetting('writer'),
  ...databaseSettings,
  retentionDays: retentionDaysSetting,
  batchMaxMessages: integer({
    env: 'WRITER_BATCH_MAX_MESSAGES',
    default: 1000,
    min: 1,
    max: 10_000,
    unit: 'messages',
    effect: 'most outcomes in one statement',
  }),
  maxBatchesInFlight: integer({
    env: 'WRITER_MAX_BATCHES_IN_FLIGHT',
    default: 2,
    min: 1,
    max: 8,
    unit: 'batches',
    effect: 'statements at once, each on a connection of its own; they share the rollup rows, so few are enough',
  }),
  batchLingerMs: integer({
    env: 'WRITER_LINGER_MS',
    default: 20,
    min: 0,
    max: 5000,
    unit: 'ms',
    effect: 'how long to wait for a batch to fill: a longer wait means fewer statements and later rows',
  }),
  statementTimeoutMs: integer({
    env: 'WRITER_STATEMENT_TIMEOUT_MS',
    default: 30_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    effect: 'the server ends an insert that runs longer; it is tried again',
  }),
  retryMinMs: integer({
    env: 'WRITER_RETRY_MIN_MS',
    default: 100,
    min: 1,
    max: 60_000,
    unit: 'ms',
    effect: 'wait before the first retry while PostgreSQL is away; doubled each time, with jitter',
  }),
  retryMaxMs: integer({
    env: 'WRITER_RETRY_MAX_MS',
    default: 5000,
    min: 1,
    max: 600_000,
    unit: 'ms',
    effect: 'longest wait between two retries',
  }),
  deadLetterTimeoutMs: integer({
    env: 'WRITER_DEAD_LETTER_TIMEOUT_MS',
    default: 10_000,
    min: 100,
    max: 300_000,
    unit: 'ms',
    effect: 'a dead letter without an acknowledgement for this long is sent again; nothing is committed before',
  }),
  maintenanceIntervalMs: integer({
    env: 'WRITER_MAINTENANCE_INTERVAL_MS',
    default: 60_000,
    min: 100,
    max: 86_400_000,
    unit: 'ms',
    effect:
      'how often a writer folds the rollups of days that are over and removes outcomes past RETENTION_DAYS; one writer at a time does so',
  }),
  removeBatchRows: integer({
    env: 'WRITER_REMOVE_BATCH_ROWS',
    default: 2000,
    min: 1,
    max: 50_000,
    unit: 'rows',
    effect: 'most outcomes past RETENTION_DAYS that are removed in one statement',
  }),
  removePauseMs: integer({
    env: 'WRITER_REMOVE_PAUSE_MS',
    default: 100,
    min: 0,
    max: 60_000,
    unit: 'ms',
    effect: 'rest between two such statements: at most WRITER_REMOVE_BATCH_ROWS leave in this time, so it bounds what removal costs',
  }),
} as const;

export type WriterConfig = ConfigOf<typeof writerSettings>;

/** Combinations that cannot work, as sentences. */
export function writerFaults(config: WriterConfig): string[] {
  const faults = [...kafkaFaults(config), ...databaseFaults(config)];
  if (config.retryMinMs > config.retryMaxMs) {
    faults.push(`WRITER_RETRY_MIN_MS is ${config.retryMinMs}: it must not be above WRITER_RETRY_MAX_MS (${config.retryMaxMs}).`);
  }
  return faults;
}
