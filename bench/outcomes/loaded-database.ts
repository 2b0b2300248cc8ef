import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DatabaseConfig, databaseSettings } from '@helios/analytics/database-settings';
import { openDatabase, type TransactionalDatabase } from '@helios/analytics/db';
import { loadConfig } from '@helios/runtime/config';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { foldPastDays } from '@helios/scripts/made-outcomes/load';
import { runToEnd, startHelper } from '../processes.js';

/**
 * A PostgreSQL of the bench's own that holds made-up outcomes, with its data under `.helios/bench-outcomes-<rows>`: loaded when that is
 * absent or was not finished, and used again after that. Its settings are PostgreSQL's defaults (128 MB of shared buffers).
 */

const root = fileURLToPath(new URL('../../..', import.meta.url));
export const LOAD_DAYS = 30;
export const LOAD_SEED = 42;
const HOUR_MS = 3_600_000;
/** Counting ten million rows anew takes a while. */
const STATEMENT_TIMEOUT_MS = 1_800_000;

export interface LoadedDatabase {
  readonly rows: number;
  /** When the loaded outcomes begin and end, a full hour each, ISO 8601. */
  readonly since: string;
  readonly until: string;
  /** Where facts about the data may be kept as long as the data is. */
  readonly folder: string;
  /** The variables by which services reach it. */
  readonly env: Record<string, string>;
  /** Process id of the server. */
  readonly pid: number;
  /** A connection of the bench's own, with time for long statements. */
  readonly database: TransactionalDatabase;
  stop(): Promise<void>;
}

interface Loaded {
  readonly since: string;
  readonly until: string;
}

/** Starts the server with `rows` outcomes in it; migrations that came since the load are run. Progress goes to standard error. */
export async function startLoadedDatabase(rows: number): Promise<LoadedDatabase> {
  const folder = join(root, '.helios', `bench-outcomes-${rows}`);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755); // the server's own user passes through it
  const server = await startHelper('scripts/dist/database.js', ['--data', folder]);
  try {
    const { host, port, user, database: name, passwordFile, pid } = server.ready as Record<string, string | number>;
    const env = {
      DB_HOST: String(host),
      DB_PORT: String(port),
      DB_USER: String(user),
      DB_NAME: String(name),
      DB_PASSWORD: readFileSync(String(passwordFile), 'utf8').trim(),
    };
    await runToEnd('analytics/dist/main.js', ['migrate'], { ...env, LOG_LEVEL: 'error' });
    const database = openDatabase(configOf(env), {
      applicationName: 'helios-bench',
      poolSize: 1,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    const { since, until } = await loaded(folder, rows, env, database);
    // Days that ended since the load, as a writer would have done.
    await foldPastDays(database, Date.now());
    const stop = async (): Promise<void> => {
      await database.close();
      await server.stop();
    };
    return { rows, since, until, folder, env, pid: Number(pid), database, stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** What was loaded, loading it if need be. */
async function loaded(folder: string, rows: number, env: Record<string, string>, database: TransactionalDatabase): Promise<Loaded> {
  const mark = join(folder, 'loaded.json');
  if (!existsSync(mark)) {
    const beginning = join(folder, 'loading.json');
    // A load that was cut short goes on with the same rows.
    if (!existsSync(beginning)) writeFileSync(beginning, JSON.stringify({ until: new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS) }));
    const { until } = JSON.parse(readFileSync(beginning, 'utf8')) as { until: string };
    // With the default of 1 GB the load is a row of checkpoints, each of which writes every page anew into the log.
    await alterSystem(database, `set max_wal_size = '8GB'`);
    const args = ['--rows', String(rows), '--days', String(LOAD_DAYS), '--seed', String(LOAD_SEED), '--until', until];
    const line = await runToEnd('scripts/dist/load-outcomes.js', args, env);
    await alterSystem(database, 'reset max_wal_size');
    writeFileSync(`${mark}.tmp`, line);
    renameSync(`${mark}.tmp`, mark);
  }
  return JSON.parse(readFileSync(mark, 'utf8')) as Loaded;
}

async function alterSystem(database: TransactionalDatabase, what: string): Promise<void> {
  await database.query({ text: `alter system ${what}` }, []);
  await database.query({ text: 'select pg_reload_conf()' }, []);
}

function configOf(env: Record<string, string>): DatabaseConfig {
  return loadConfig({ service: 'bench', schema: databaseSettings, env, knownVariables });
}
