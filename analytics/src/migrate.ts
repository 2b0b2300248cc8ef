import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { integer } from '@helios/runtime/config';
import { HeliosError, messageOf } from '@helios/runtime/errors';
import type { Logger } from '@helios/runtime/log';
import { serviceSettings } from '@helios/runtime/settings';
import { runner } from 'node-pg-migrate';
import { type DatabaseConfig, databaseSettings } from './database-settings.js';
import { withConnection } from './db.js';
import { databaseFault, isTlsFault } from './fault-class.js';

/**
 * Brings the database's tables up to date: runs the files of `analytics/migrations/` that have not run yet, all in one transaction.
 * Any number of instances may do so at once: one works, the others wait for its lock and then find nothing left to do.
 */

const MIGRATIONS_TABLE = 'helios_migrations';
const RETRY_MS = 500;

export const migrateSettings = {
  logLevel: serviceSettings(9106).logLevel,
  ...databaseSettings,
  migrateWaitMs: integer({
    env: 'ANALYTICS_MIGRATE_WAIT_MS',
    default: 30_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    effect: 'how long `migrate` waits for the server to answer, and for another instance that migrates',
  }),
} as const;

export type MigrateConfig = DatabaseConfig & { readonly migrateWaitMs: number };

/**
 * Migrates to the newest version and returns the names of the migrations that ran now.
 * @throws HeliosError DATABASE_UNAVAILABLE when the server or the lock could not be had within `migrateWaitMs`, or at once when TLS fails; a
 * migration's own error as it is.
 */
export async function migrate(config: MigrateConfig, log: Logger): Promise<string[]> {
  const deadlineMonoMs = performance.now() + config.migrateWaitMs;
  let announced = false;
  for (;;) {
    try {
      return await migrateOnce(config, log);
    } catch (error) {
      const fault = databaseFault(error);
      if (isTlsFault(error)) throw new HeliosError('DATABASE_UNAVAILABLE', `The database was not migrated: ${fault.message}`, {}, error);
      const lockTaken = fault.sqlstate === '55P03';
      if (fault.faultClass !== 'outage' && !lockTaken) throw error;
      if (lockTaken || performance.now() + RETRY_MS > deadlineMonoMs) throw unavailable(config, lockTaken, error);
      if (!announced) log.warn({ err: messageOf(error), waitMs: config.migrateWaitMs }, 'waiting for the database');
      announced = true;
      await sleep(RETRY_MS);
    }
  }
}

function migrateOnce(config: MigrateConfig, log: Logger): Promise<string[]> {
  // The library can wait for its lock, but without a bound: the server's lock_timeout is one (0 would mean none).
  const settings = { application_name: 'helios-migrate', lock_timeout: Math.max(1, config.migrateWaitMs) };
  return withConnection(config, settings, async (client) => {
    const done = await runner({
      dbClient: client as never,
      dir: fileURLToPath(new URL('../migrations', import.meta.url)),
      direction: 'up',
      migrationsTable: MIGRATIONS_TABLE,
      advisoryLockMode: 'wait',
      singleTransaction: true,
      checkOrder: true,
      logger: libraryLog(log),
    });
    return done.map(({ name }) => name);
  });
}

/** The library reports in prose: a statement that failed is worth a line, a connection that failed is the caller's to judge. */
function libraryLog(log: Logger) {
  return {
    info: (text: string): void => log.debug({ text }, 'migration step'),
    warn: (text: string): void => log.warn({ text }, 'migration warned'),
    error: (text: string): void =>
      text.startsWith('Error executing') ? log.error({ text }, 'migration statement failed') : log.debug({ text }, 'migration step'),
  };
}

function unavailable(config: MigrateConfig, lockTaken: boolean, cause: unknown): HeliosError {
  const why = lockTaken
    ? 'another instance has been migrating for longer'
    : `PostgreSQL at ${config.dbHost}:${config.dbPort} does not answer (${messageOf(cause)})`;
  return new HeliosError(
    'DATABASE_UNAVAILABLE',
    `The database was not migrated within ${config.migrateWaitMs} ms: ${why}.`,
    { host: config.dbHost, port: config.dbPort },
    cause,
  );
}
