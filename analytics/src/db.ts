import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HeliosError, messageOf } from '@helios/runtime/errors';
import pgPromise from 'pg-promise';
import type { DatabaseConfig } from './database-settings.js';
import { databaseFault } from './fault-class.js';

/** The way to PostgreSQL, and the only file that knows the driver. A pool of bounded size; nothing here retries. */

/**
 * Extra time that the client grants a statement after the server's own limit, before it gives the connection up: the server's word for it
 * needs no more, and while a connection hangs somebody waits for this.
 */
const CLIENT_GRACE_MS = 250;
const IDLE_TIMEOUT_MS = 30_000;
const CLOSE_LIMIT_MS = 1000;

const begin = { text: 'begin isolation level read committed' };
const commit = { text: 'commit' };
const rollback = { text: 'rollback' };

export interface Statement {
  /** With a name the server plans the text once per connection; without one it plans for the values of each call. */
  readonly name?: string;
  readonly text: string;
}

export interface DatabaseOptions {
  readonly applicationName: string;
  /** Most connections at once. */
  readonly poolSize: number;
  /** The server ends a statement that runs longer. */
  readonly statementTimeoutMs: number;
  /** Told of every statement how long it took, from given to its connection to answered or failed. */
  readonly statementEnded?: (seconds: number) => void;
}

export interface Database {
  /** Runs one statement and returns its rows. Rejects with the driver's error: `databaseFault` says what it means. */
  query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  /** Connections open and callers that wait for one. */
  pool(): { open: number; idle: number; waiting: number };
  close(): Promise<void>;
}

export interface TransactionalDatabase extends Database {
  /**
   * Runs `work` in one transaction (read committed: each statement sees what was committed when it began, its own transaction's work
   * included) on one connection: committed when `work` resolves, rolled back when it rejects. Rejects as `query` does, or with the error
   * of `work`.
   */
  transaction<T>(work: (query: Database['query']) => Promise<T>): Promise<T>;
}

/**
 * Opens a pool; connections are made when they are needed, so a server that is down does not stop the start.
 * @throws HeliosError CONFIG_INVALID when the certificate authority's file cannot be read.
 */
export function openDatabase(config: DatabaseConfig, options: DatabaseOptions): TransactionalDatabase {
  const pgp = pgPromise({ noWarnings: true });
  const db = pgp({ ...connectionSettings(config), ...poolSettings(config, options) });
  // A connection that ends while nobody uses it, or while it is being closed, says so by an event, and one without a listener ends the
  // process. Whoever waits for an answer learns of the fault by its promise.
  db.$pool.on('connect', (client) => client.on('error', () => undefined));
  // The library listens to the pool itself, but stops when the pool ends, while its connections still close.
  db.$pool.on('error', () => undefined);
  const prepared = new WeakMap<Statement, pgPromise.PreparedStatement | pgPromise.ParameterizedQuery>();
  const prepare = (statement: Statement): pgPromise.PreparedStatement | pgPromise.ParameterizedQuery => {
    let query = prepared.get(statement);
    if (query === undefined) {
      const { name, text } = statement;
      query = name === undefined ? new pgp.ParameterizedQuery({ text }) : new pgp.PreparedStatement({ name, text });
      prepared.set(statement, query);
    }
    return query;
  };
  const { statementEnded = () => undefined } = options;
  const timed = async <Row>(statement: Promise<Row[]>): Promise<Row[]> => {
    const startedMonoMs = performance.now();
    try {
      return await statement;
    } finally {
      statementEnded((performance.now() - startedMonoMs) / 1000);
    }
  };
  const onConnection = async <T>(work: (query: Database['query']) => Promise<T>): Promise<T> => {
    const connection = await db.connect();
    let broken = true;
    try {
      const done = await work((statement, values) => timed(connection.any(prepare(statement), [...values])));
      broken = false;
      return done;
    } catch (error) {
      // A statement that the client gave up may still run on its connection: only an answer of the server leaves it usable.
      broken = databaseFault(error).sqlstate === null;
      throw error;
    } finally {
      await connection.done(broken);
    }
  };
  return {
    query: (statement, values) => onConnection((query) => query(statement, values)),
    transaction: (work) =>
      onConnection(async (query) => {
        await query(begin, []);
        try {
          const done = await work(query);
          await query(commit, []);
          return done;
        } catch (error) {
          // Otherwise the connection is given up, and the server rolls back when it notices. The first error says why.
          if (databaseFault(error).sqlstate !== null) await query(rollback, []);
          throw error;
        }
      }),
    pool: () => ({ open: db.$pool.totalCount, idle: db.$pool.idleCount, waiting: db.$pool.waitingCount }),
    async close() {
      // A statement that still runs keeps its connection: the process is about to end, so it is not waited for without a bound.
      await Promise.race([db.$pool.end(), sleep(CLOSE_LIMIT_MS, undefined, { ref: false })]);
    },
  };
}

/** The driver's client; the types that come with pg-promise leave these two out. */
interface DriverClient extends EventEmitter {
  connect(): Promise<void>;
  end(): Promise<void>;
}

/**
 * Runs `work` on one connection of its own and closes it before this settles. For a library that wants the driver's client: one that it
 * made itself would end the process when the server ends the connection, and would still be closing when the library says it is done.
 */
export async function withConnection<T>(
  config: DatabaseConfig,
  settings: { readonly application_name: string; readonly lock_timeout: number },
  work: (client: unknown) => Promise<T>,
): Promise<T> {
  const { Client } = pgPromise({ noWarnings: true }).pg;
  const client = new Client({ ...connectionSettings(config), ...settings }) as unknown as DriverClient;
  // Whoever waits for an answer learns of the connection's end by the promise.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await Promise.race([client.end(), sleep(CLOSE_LIMIT_MS, undefined, { ref: false })]);
  }
}

/** What the driver needs to reach the server. */
function connectionSettings(config: DatabaseConfig) {
  return {
    host: config.dbHost,
    port: config.dbPort,
    database: config.dbName,
    user: config.dbUser,
    ...(config.dbPassword === '' ? {} : { password: config.dbPassword }),
    ...(config.dbTls === 'off' ? {} : { ssl: tlsSettings(config) }),
    connectionTimeoutMillis: config.dbConnectTimeoutMs,
    keepAlive: true,
  };
}

function poolSettings(config: DatabaseConfig, options: DatabaseOptions) {
  return {
    application_name: options.applicationName,
    max: options.poolSize,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    connectionTimeoutMillis: config.dbConnectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + CLIENT_GRACE_MS,
  };
}

function tlsSettings(config: DatabaseConfig): { rejectUnauthorized: boolean; host?: string; ca?: string } {
  if (config.dbTls === 'require') return { rejectUnauthorized: false };
  // Without it Node compares the certificate with "localhost" where DB_HOST is an address: the driver passes on names only.
  const verified = { rejectUnauthorized: true, host: config.dbHost };
  if (config.dbTlsCa === '') return verified;
  try {
    return { ...verified, ca: readFileSync(config.dbTlsCa, 'utf8') };
  } catch (error) {
    throw new HeliosError('CONFIG_INVALID', `DB_TLS_CA: the file cannot be read (${messageOf(error)}).`, { variable: 'DB_TLS_CA' }, error);
  }
}
