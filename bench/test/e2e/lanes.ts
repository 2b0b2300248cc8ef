import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DatabaseConfig } from '@helios/analytics/database-settings';
import { type Database, openDatabase } from '@helios/analytics/db';
import { freePort, type Measured, startHelper, startService } from '@helios/bench/processes';
import { groupDefaults, topicDefaults } from '@helios/proto/topics';
import { loadRdkafka } from '@helios/runtime/kafka/client';
import { plainEnvironment } from './processes.js';

/**
 * Pipelines beside each other on one embedded broker and one PostgreSQL. A lane has groups and a database of its own, and reads the topics of
 * another lane down to where it branches off: services under test and real ones then see the same events, and neither touches the other.
 */

type TopicVariable = keyof typeof topicDefaults;
type Topics = Record<TopicVariable, string>;
type Groups = Record<keyof typeof groupDefaults, string>;
type Environment = Readonly<Record<string, string>>;

/** The services that read, in the order of the bids, and what they read. */
const path = [
  ['bidder', 'KAFKA_TOPIC_BID_REQUESTS'],
  ['auction', 'KAFKA_TOPIC_BID_RESPONSES'],
  ['writer', 'KAFKA_TOPIC_AUCTION_OUTCOMES'],
] as const satisfies readonly (readonly [keyof Groups, TopicVariable])[];

export type Reader = keyof Groups;
export type Role = 'ingest' | Reader;

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** What runs in a role: a file relative to the repository, and its arguments. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

export const realPrograms: Readonly<Record<Role, Program>> = {
  ingest: { file: 'engine/dist/main.js', args: ['ingest'] },
  bidder: { file: 'engine/dist/main.js', args: ['bidder'] },
  auction: { file: 'engine/dist/main.js', args: ['auction'] },
  writer: { file: 'analytics/dist/main.js', args: ['writer'] },
};

/** A service with its one defect planted. Source: bench/faults/defects. */
export function defect(name: string): Program {
  return { file: `bench/dist/faults/defects/${name}.js`, args: [] };
}

/** A started service; `bidUrl` is where ingest takes requests. */
export interface Running extends Measured {
  readonly bidUrl: string;
}

/** Broker and database that the lanes share. */
export class SharedServers {
  readonly bootstrap: string;
  readonly #folder: string;
  readonly #helpers: readonly { stop(): Promise<void> }[];
  readonly #databaseEnv: Environment;
  readonly #admin: Database;
  readonly #lanes: Lane[] = [];

  static async start(): Promise<SharedServers> {
    const folder = mkdtempSync(join(tmpdir(), 'helios-lanes-'));
    chmodSync(folder, 0o755); // the database's own user passes through it
    const helpers: { ready: Record<string, unknown>; stop(): Promise<void> }[] = [];
    try {
      helpers.push(await startHelper('scripts/dist/broker.js', []));
      helpers.push(await startHelper('scripts/dist/database.js', ['--data', folder]));
      const [broker, database] = helpers;
      return new SharedServers(folder, String(broker?.ready['bootstrap']), helpers, migrated(database?.ready ?? {}));
    } catch (error) {
      await Promise.all(helpers.map((helper) => helper.stop()));
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(folder: string, bootstrap: string, helpers: readonly { stop(): Promise<void> }[], databaseEnv: Environment) {
    this.bootstrap = bootstrap;
    this.#folder = folder;
    this.#helpers = helpers;
    this.#databaseEnv = databaseEnv;
    this.#admin = open(this.#configOf('postgres'));
  }

  /**
   * @param name in lower case: of its database, groups and topics.
   * @param branch what this lane has in common with another one: the services before `at`, whose events it reads.
   */
  async lane(name: string, branch?: { readonly from: Lane; readonly at: Reader }): Promise<Lane> {
    const topics = mapValues(topicDefaults, (topic) => `${name}-${topic}`);
    const groups = mapValues(groupDefaults, (group) => `${name}-${group}`);
    if (branch !== undefined) {
      for (const [role, topic] of path) {
        topics[topic] = branch.from.topics[topic];
        if (role === branch.at) break;
        groups[role] = branch.from.groups[role];
      }
    }
    await this.#createTopics(Object.values(topics));
    await this.#admin.query({ text: `create database "${name}" template "${this.#databaseEnv['DB_NAME']}"` }, []);
    const lane = new Lane(
      name,
      topics,
      groups,
      { ...this.#databaseEnv, DB_NAME: name, KAFKA_BROKERS: this.bootstrap },
      this.#configOf(name),
    );
    this.#lanes.push(lane);
    return lane;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
    await this.#admin.close();
    await Promise.all(this.#helpers.map((helper) => helper.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #configOf(name: string): DatabaseConfig {
    const { DB_HOST = '', DB_PORT = '', DB_USER = '', DB_PASSWORD = '' } = this.#databaseEnv;
    const place = { dbHost: DB_HOST, dbPort: Number(DB_PORT), dbName: name, dbUser: DB_USER, dbPassword: DB_PASSWORD };
    return { ...place, dbTls: 'off', dbTlsCa: '', dbConnectTimeoutMs: 30_000 };
  }

  /** The mock cluster makes a topic when a producer asks for it. */
  async #createTopics(names: readonly string[]): Promise<void> {
    const client = new (loadRdkafka().Producer)({ 'metadata.broker.list': this.bootstrap, 'enable.metrics.push': false }, {});
    await settled((done) => client.connect({ allTopics: false, timeout: 10_000 }, done));
    for (const topic of names) await settled((done) => client.getMetadata({ topic, timeout: 10_000 }, done));
    await new Promise<void>((resolve) => client.disconnect(1000, () => resolve()));
  }
}

/** Settings of all services of all lanes. */
const commonEnv = {
  // Outages are part of the scenarios.
  LOG_LEVEL: 'fatal',
  LOG_SAMPLE_RATE: '0',
  KAFKA_FETCH_WAIT_MAX_MS: '20',
  KAFKA_SESSION_TIMEOUT_MS: '3000',
  WRITER_RETRY_MAX_MS: '200',
  // Bids go out unenriched, which decides nothing here: floors are below or above every price.
  USER_PROFILE_SVC_ADDR: '127.0.0.1:1',
  BIDDER_THREADS: '0',
};

export class Lane {
  readonly name: string;
  readonly topics: Readonly<Topics>;
  readonly groups: Readonly<Groups>;
  /** Where everything of this lane is, by the services' own variables. */
  readonly env: Environment;
  readonly databaseConfig: DatabaseConfig;
  readonly database: Database;
  readonly #running = new Set<Running>();

  constructor(name: string, topics: Readonly<Topics>, groups: Readonly<Groups>, env: Environment, databaseConfig: DatabaseConfig) {
    this.name = name;
    this.topics = topics;
    this.groups = groups;
    this.env = { ...env, ...topics };
    this.databaseConfig = databaseConfig;
    this.database = open(databaseConfig);
  }

  /** Starts a service, the real one unless told otherwise, and waits until it is ready. */
  async start(role: Role, program: Program = realPrograms[role], env: Environment = {}): Promise<Running> {
    const own = role === 'ingest' ? { INGEST_PORT: String(await freePort()) } : { KAFKA_GROUP_ID: this.groups[role] };
    const settings = { ...commonEnv, ...this.env, ...own, ...env };
    const service = await startService(program.file, program.args, settings);
    const running = { ...service, bidUrl: 'INGEST_PORT' in own ? `http://127.0.0.1:${own.INGEST_PORT}/bid` : '' };
    this.#running.add(running);
    return running;
  }

  /** Stops what still runs. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop()));
    await this.database.close();
  }
}

/** Ends a service as the kernel would, or by SIGTERM, and resolves with its exit code (null: killed) when it is gone. */
export function end(service: Measured, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const { exitCode } = service.process;
    if (exitCode !== null) return reject(new Error(`the service had ended by itself, with exit code ${exitCode}`));
    service.process.once('exit', resolve);
    service.process.kill(signal);
  });
}

/** Makes the tables, in the database of which every lane gets a copy. @returns where it is, by the services' own variables. */
function migrated(ready: Readonly<Record<string, unknown>>): Environment {
  const { host, port, user, database, passwordFile } = ready;
  const env = {
    DB_HOST: String(host),
    DB_PORT: String(port),
    DB_USER: String(user),
    DB_PASSWORD: readFileSync(String(passwordFile), 'utf8').trim(),
    DB_NAME: String(database),
  };
  const { status } = spawnSync(process.execPath, [join(root, 'analytics/dist/main.js'), 'migrate'], {
    env: { ...plainEnvironment(), ...env, LOG_LEVEL: 'error' },
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the migrations failed');
  return env;
}

function open(config: DatabaseConfig): Database {
  return openDatabase(config, { applicationName: 'helios-lanes', poolSize: 1, statementTimeoutMs: 20_000 });
}

function settled(call: (done: (error: { message: string } | null | undefined) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(new Error(error.message)) : resolve()));
  });
}

function mapValues<Key extends string>(record: Readonly<Record<Key, string>>, change: (value: string) => string): Record<Key, string> {
  return Object.fromEntries(Object.entries<string>(record).map(([key, value]) => [key, change(value)])) as Record<Key, string>;
}
