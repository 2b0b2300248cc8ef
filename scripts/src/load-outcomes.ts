/**
 * `npm run -s load-outcomes`: fills a migrated database with made-up outcomes, through the statement that the writer uses, so that the
 * rollups are those of the rows. For measuring and for trying out the API and the dashboard on much data.
 */
import { databaseFaults, databaseSettings, type DatabaseConfig } from '@helios/analytics/database-settings';
import { openDatabase } from '@helios/analytics/db';
import { loadConfig } from '@helios/runtime/config';
import { messageOf } from '@helios/runtime/errors';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { isInstant } from '@helios/proto/instant';
import { readFlags, runProgram, UsageError, wholeNumber } from './cli.js';
import { databaseVariables } from './database-url.js';
import { foldPastDays, isMigrated, loadOutcomes, settleTables } from './made-outcomes/load.js';
import { Terminal } from './terminal.js';

const HELP = `Usage: npm run -s load-outcomes -- --rows N [--days N] [--seed S] [--until INSTANT] [--database URL] [--connections N]

Stores made-up auction outcomes in PostgreSQL, rollups included, and prints what it did as one JSON line.

  --rows N          how many outcomes (1000000)
  --days N          over how many days before --until (30)
  --seed S          the same seed, rows, days and --until give the same outcomes (42)
  --until INSTANT   when they end, RFC 3339 (now)
  --database URL    postgres://user:password@host:port/name; without it DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, DB_TLS say which
  --connections N   statements at once (2)

About 1,000 sites and 200,000 users by power laws, half of the users with profiles; prices, market and clearing as in the pipeline; a rhythm of days and
weeks. Their ids begin with load-SEED-: loading them again changes nothing. Ctrl-C ends it between two statements; the same command goes on.
`;

const DAY_MS = 86_400_000;
/** The last step reads the whole table. */
const STATEMENT_TIMEOUT_MS = 3_600_000;
const EXIT_INTERRUPTED = 130;

await runProgram('load-outcomes', async (args) => {
  const { values, positionals } = readFlags(args, {
    rows: { type: 'string' },
    days: { type: 'string' },
    seed: { type: 'string' },
    until: { type: 'string' },
    database: { type: 'string' },
    connections: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  const rows = wholeNumber('--rows', values.rows, 1_000_000, 1, 1_000_000_000);
  const days = wholeNumber('--days', values.days, 30, 1, 3650);
  const seed = wholeNumber('--seed', values.seed, 42, 0, 2 ** 47);
  const connections = wholeNumber('--connections', values.connections, 2, 1, 16);
  const untilUnixMs = instant('--until', values.until);
  const config = databaseConfig(values.database);
  const repeat = `--rows ${rows} --days ${days} --seed ${seed} --until ${new Date(untilUnixMs).toISOString()}`;
  return load(config, { rows, seed, connections, sinceUnixMs: untilUnixMs - days * DAY_MS, untilUnixMs }, repeat);
});

interface Load {
  readonly rows: number;
  readonly seed: number;
  readonly connections: number;
  readonly sinceUnixMs: number;
  readonly untilUnixMs: number;
}

/** Loads and returns the exit code. */
async function load(config: DatabaseConfig, options: Load, repeat: string): Promise<number> {
  const name = `the database ${config.dbName} at ${config.dbHost}:${config.dbPort}`;
  const database = openDatabase(config, {
    applicationName: 'helios-load-outcomes',
    poolSize: options.connections,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const terminal = new Terminal(process.stderr);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const migrated = await isMigrated(database).catch((error: unknown) => {
      throw new Error(`${name} does not answer: ${messageOf(error)}`);
    });
    if (!migrated) throw new Error(`${name} is not migrated: run node analytics/dist/main.js migrate with the same DB_ variables first.`);
    const startedMonoMs = performance.now();
    const passed = await loadOutcomes({
      ...options,
      database,
      signal: stop.signal,
      progress: ({ rows }) => terminal.live(progressLine(rows, options.rows, (performance.now() - startedMonoMs) / 1000)),
    });
    terminal.endLive();
    if (passed.rows < options.rows) {
      terminal.say(
        `Stopped after ${counted(passed.rows)} of ${counted(options.rows)} rows. To go on: npm run -s load-outcomes -- ${repeat}`,
      );
      return EXIT_INTERRUPTED;
    }
    const seconds = (performance.now() - startedMonoMs) / 1000;
    terminal.say('Stored; folding the days that are over and bringing the statistics up to date ...');
    await foldPastDays(database, Date.now());
    await settleTables(database);
    const { seed, sinceUnixMs, untilUnixMs } = options;
    const done = {
      rows: passed.rows,
      inserted: passed.inserted,
      seed,
      since: new Date(sinceUnixMs).toISOString(),
      until: new Date(untilUnixMs).toISOString(),
      seconds: Number(seconds.toFixed(1)),
      rowsPerSecond: Math.round(passed.rows / seconds),
    };
    process.stdout.write(`${JSON.stringify(done)}\n`);
    return 0;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await database.close();
  }
}

/** For example `1,230,000 of 10,000,000 rows · 21,300 rows/s · 6 min 52 s remain`. */
function progressLine(rows: number, of: number, seconds: number): string {
  const perSecond = rows / Math.max(seconds, 0.001);
  const remainSeconds = Math.round((of - rows) / perSecond);
  return `${counted(rows)} of ${counted(of)} rows · ${counted(Math.round(perSecond))} rows/s · ${Math.floor(remainSeconds / 60)} min ${remainSeconds % 60} s remain`;
}

function counted(number: number): string {
  return number.toLocaleString('en-US');
}

function instant(flag: string, value: string | undefined): number {
  if (value === undefined) return Date.now();
  if (!isInstant(value)) throw new UsageError(`${flag} is ${JSON.stringify(value)}: it accepts an instant such as 2026-01-31T23:59:59Z.`);
  return Date.parse(value);
}

/** @throws HeliosError CONFIG_INVALID, or UsageError for an address that is none. */
function databaseConfig(url: string | undefined): DatabaseConfig {
  const own = url === undefined ? {} : databaseVariables('--database', url);
  return loadConfig({
    service: 'load-outcomes',
    schema: databaseSettings,
    env: { ...process.env, ...own },
    knownVariables,
    check: databaseFaults,
  });
}
