import { execFile, type ExecFileException } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { allocatorEnv, heapOptions } from '@helios/scripts/service-memory';
import { parseMetrics, type Scrape } from '@helios/scripts/metrics-text';
import { freePort } from '../processes.js';
import { ManagedProcess, type ProcessEnd } from './managed-process.js';
import { FaultProxies } from './proxy/fault-proxy.js';

/**
 * Real servers and every Helios service as processes of this machine, with fault proxies between them: what the rows put under faults.
 * Clients reach Kafka, Redis, profile-svc and PostgreSQL through proxies where the shape says so; the checker always goes around them.
 */

export type Proxied = 'kafka' | 'redis' | 'profiles' | 'database';
export const serviceNames = ['ingest', 'bidder', 'auction', 'writer', 'api', 'profile-svc'] as const;
export type ServiceName = (typeof serviceNames)[number];
/** Groups and topics of the services that read one, in the order of the bid's path. */
export const consumerNames = ['bidder', 'auction', 'writer'] as const;
export type ConsumerName = (typeof consumerNames)[number];

export interface StackShape {
  readonly name: string;
  readonly brokers: 1 | 3;
  readonly proxied: readonly Proxied[];
  /** Settings of all services, beyond the stack's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The usual shapes: rows that share one share the running servers. */
export const oneBroker: StackShape = { name: 'one broker', brokers: 1, proxied: ['redis', 'profiles', 'database'] };
export const threeBrokers: StackShape = { name: 'three brokers', brokers: 3, proxied: ['kafka'] };

export interface DatabaseAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly name: string;
  readonly password: string;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Users that have a profile; generated bids are for these and as many others. */
export const SEEDED_PROFILES = 1000;

export class Stack {
  readonly shape: StackShape;
  readonly folder: string;
  readonly logFolder: string;
  readonly proxies: FaultProxies;
  readonly #processes = new Map<string, ManagedProcess>();
  #ports: Record<string, number> = {};
  #bootstrap = '';
  #direct = '';
  #database: DatabaseAccess | undefined;
  #consumersAdded = 0;

  /** Starts the servers, the topics, the tables, the profiles and all services, and waits until they are ready. */
  static async start(shape: StackShape, logFolder: string, say: (text: string) => void): Promise<Stack> {
    const folder = mkdtempSync(join(tmpdir(), 'helios-faults-'));
    chmodSync(folder, 0o755); // the database's own user passes through it
    const stack = new Stack(shape, folder, logFolder, await FaultProxies.start());
    try {
      say(`starting ${shape.brokers === 1 ? 'a Kafka broker' : `${shape.brokers} Kafka brokers`}, Redis and PostgreSQL`);
      await stack.#startServers();
      say('creating topics, tables and profiles; starting the services');
      await stack.#prepare();
      await stack.#startServices();
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  private constructor(shape: StackShape, folder: string, logFolder: string, proxies: FaultProxies) {
    this.shape = shape;
    this.folder = folder;
    this.logFolder = logFolder;
    this.proxies = proxies;
    mkdirSync(logFolder, { recursive: true });
  }

  /** Port of POST /bid. */
  get ingestPort(): number {
    return this.#port('ingest');
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#port('api')}`;
  }

  /** Ports as by name: `ingest`, `api`, `profiles`, `redis`, `database` (the real servers', not the proxies'). */
  port(name: string): number {
    return this.#port(name);
  }

  /** Environment of a tool that reaches Kafka around the proxies. */
  get kafkaEnv(): Record<string, string> {
    return { KAFKA_BROKERS: this.#direct };
  }

  /** Environment of a client of Kafka through the proxies, as services have it. */
  get clientKafkaEnv(): Record<string, string> {
    return { KAFKA_BROKERS: this.#bootstrap };
  }

  /** The database around the proxy. */
  get database(): DatabaseAccess {
    if (this.#database === undefined) throw new Error('the database does not run yet');
    return this.#database;
  }

  service(name: ServiceName): ManagedProcess {
    return this.process(name);
  }

  /** `kafka-1`..`kafka-3`, `redis`, `database`, or a service. */
  process(name: string): ManagedProcess {
    const found = this.#processes.get(name);
    if (found === undefined) throw new Error(`there is no process ${name} in this stack`);
    return found;
  }

  get processes(): readonly ManagedProcess[] {
    return [...this.#processes.values()];
  }

  get brokers(): readonly ManagedProcess[] {
    return this.processes.filter((process) => process.name.startsWith('kafka-'));
  }

  /** Ends of processes since this was last asked, with whose they are. */
  takeEnds(): (ProcessEnd & { readonly name: string; readonly logFile: string })[] {
    return this.processes.flatMap((process) =>
      process.ends.splice(0).map((end) => ({ ...end, name: process.name, logFile: process.spec.logFile })),
    );
  }

  /** Waits until all services are ready again; those that are held down are passed over by name. */
  async untilReady(limitMs = 60_000, except: readonly string[] = []): Promise<void> {
    await Promise.all(serviceNames.filter((name) => !except.includes(name)).map((name) => this.service(name).ready(limitMs)));
  }

  /** The metrics of a process that has them, of those only whose name begins with `nameStart`. */
  async metrics(name: string, nameStart = ''): Promise<Scrape> {
    const response = await fetch(`http://127.0.0.1:${this.process(name).spec.adminPort}/metrics`, {
      // A kept connection may be closed by the service just when it is used again, which would look like a service that is down.
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(5000),
    });
    if (!response.ok) throw new Error(`/metrics of ${name} answered ${response.status}`);
    return parseMetrics(await response.text(), nameStart);
  }

  /** One more member of a consumer's group; ready, and stopped with the rest. */
  async addConsumer(name: ConsumerName): Promise<ManagedProcess> {
    const like = this.service(name).spec;
    const added = `${name}-${++this.#consumersAdded}`;
    const adminPort = await freePort();
    const env = { ...like.env, ADMIN_PORT: String(adminPort) };
    const process = new ManagedProcess({ ...like, name: added, env, adminPort, logFile: join(this.logFolder, `${added}.log`) });
    this.#processes.set(added, process);
    await process.start();
    return process;
  }

  /** One more ingest on a port of its own, with settings of its own; ready, and stopped with the rest. */
  async addIngest(env: Readonly<Record<string, string>>): Promise<{ process: ManagedProcess; port: number }> {
    const port = await freePort();
    const process = this.#add(
      `ingest-at-${port}`,
      ['engine/dist/main.js', 'ingest'],
      { ...this.#serviceEnv(), ...env, INGEST_PORT: String(port) },
      await freePort(),
    );
    await process.start();
    return { process, port };
  }

  /** Forgets a process that was added, after its stop. */
  forget(process: ManagedProcess): void {
    this.#processes.delete(process.name);
  }

  /** Stops services in the order of the bid's path, then the servers, and removes all data; logs stay. */
  async stop(): Promise<void> {
    const services = this.processes.filter((process) => process.spec.adminPort !== null);
    await Promise.all(services.map((process) => process.stop()));
    // Brokers that stop together lose their majority half-way and would wait for it; what they hold is thrown away.
    const brokers = this.brokers.filter((broker) => broker.pid !== null);
    await Promise.all(brokers.map((broker) => broker.stop('SIGKILL')));
    await Promise.all(this.processes.filter((process) => process.spec.adminPort === null).map((process) => process.stop()));
    await this.proxies.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startServers(): Promise<void> {
    const { brokers, proxied } = this.shape;
    const nodes = [];
    for (let node = 1; node <= brokers; node++) {
      const [client, direct, controller] = [await freePort(), await freePort(), await freePort()];
      const advertised = proxied.includes('kafka') ? await this.proxies.open(`kafka-${node}`, client) : client;
      nodes.push({ client, advertised, direct, controller });
    }
    for (let node = 1; node <= brokers; node++) {
      const args = ['--data', join(this.folder, 'kafka'), '--node', String(node), '--nodes', JSON.stringify(nodes)];
      this.#add(`kafka-${node}`, ['scripts/dist/kafka.js', ...args], serverEnv(), null);
    }
    this.#bootstrap = nodes.map((node) => `127.0.0.1:${node.advertised}`).join(',');
    this.#direct = nodes.map((node) => `127.0.0.1:${node.direct}`).join(',');
    this.#ports['redis'] = await freePort();
    this.#ports['database'] = await freePort();
    this.#add(
      'redis',
      ['scripts/dist/redis.js', '--data', join(this.folder, 'redis'), '--port', String(this.#port('redis'))],
      serverEnv(),
      null,
    );
    this.#add(
      'database',
      ['scripts/dist/database.js', '--data', join(this.folder, 'database'), '--port', String(this.#port('database'))],
      serverEnv(),
      null,
    );
    await Promise.all(this.processes.map((process) => process.start()));
    const facts = await this.process('database').facts;
    this.#database = {
      host: '127.0.0.1',
      port: this.#port('database'),
      user: String(facts['user']),
      name: String(facts['database']),
      password: readFileSync(String(facts['passwordFile']), 'utf8').trim(),
    };
  }

  /** Topics, tables and profiles: by the programs that a deployment uses, all at once. */
  async #prepare(): Promise<void> {
    const { brokers } = this.shape;
    const replication = brokers === 1 ? {} : { KAFKA_TOPIC_REPLICATION: String(brokers), KAFKA_TOPIC_MIN_INSYNC: '2' };
    const topics = { ...this.kafkaEnv, KAFKA_TOPIC_PARTITIONS: '6', ...replication };
    const redis = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(this.#port('redis')) };
    await Promise.all([
      runOnce(['engine/dist/main.js', 'topics'], topics),
      runOnce(['analytics/dist/main.js', 'migrate'], databaseEnv(this.database, this.database.port)),
      runOnce(['profile-svc/dist/seed.js', '--count', String(SEEDED_PROFILES)], redis),
    ]);
  }

  async #startServices(): Promise<void> {
    for (const name of ['ingest', 'api', 'profiles']) this.#ports[name] = await freePort();
    const reach = async (part: Proxied, port: number) => (this.shape.proxied.includes(part) ? await this.proxies.open(part, port) : port);
    const redisPort = await reach('redis', this.#port('redis'));
    const databasePort = await reach('database', this.database.port);
    this.#ports['profiles-proxy'] = await reach('profiles', this.#port('profiles'));
    const database = databaseEnv(this.database, databasePort);
    const specs: [ServiceName, string[], Record<string, string>][] = [
      ['ingest', ['engine/dist/main.js', 'ingest'], { INGEST_PORT: String(this.#port('ingest')) }],
      ['bidder', ['engine/dist/main.js', 'bidder'], this.#profileEnv()],
      ['auction', ['engine/dist/main.js', 'auction'], {}],
      ['writer', ['analytics/dist/main.js', 'writer'], database],
      ['api', ['analytics/dist/main.js', 'api'], { ...database, ANALYTICS_PORT: String(this.#port('api')) }],
      [
        'profile-svc',
        ['profile-svc/dist/main.js'],
        { PROFILE_PORT: String(this.#port('profiles')), REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redisPort) },
      ],
    ];
    for (const [name, args, env] of specs) this.#add(name, args, { ...this.#serviceEnv(), ...env }, await freePort());
    await Promise.all(serviceNames.map((name) => this.service(name).start()));
  }

  /** A poll interval and a session short enough that a row can outlast them. */
  #serviceEnv(): Record<string, string> {
    return {
      ...allocatorEnv,
      ...this.clientKafkaEnv,
      KAFKA_SESSION_TIMEOUT_MS: '6000',
      KAFKA_MAX_POLL_INTERVAL_MS: '10000',
      LOG_SAMPLE_RATE: '0.001',
      ...this.shape.env,
    };
  }

  #profileEnv(): Record<string, string> {
    return { USER_PROFILE_SVC_ADDR: `127.0.0.1:${this.#port('profiles-proxy')}` };
  }

  #add(name: string, args: readonly string[], env: Readonly<Record<string, string>>, adminPort: number | null): ManagedProcess {
    const [file = '', ...rest] = args;
    const process = new ManagedProcess({
      name,
      args: [...(adminPort === null ? [] : heapOptions), join(root, file), ...rest],
      env: adminPort === null ? env : { ...env, ADMIN_PORT: String(adminPort) },
      logFile: join(this.logFolder, `${name}.log`),
      adminPort,
    });
    this.#processes.set(name, process);
    return process;
  }

  #port(name: string): number {
    const port = this.#ports[name];
    if (port === undefined) throw new Error(`no port is known for ${name}`);
    return port;
  }
}

function databaseEnv(access: DatabaseAccess, port: number): Record<string, string> {
  return { DB_HOST: access.host, DB_PORT: String(port), DB_NAME: access.name, DB_USER: access.user, DB_PASSWORD: access.password };
}

/** What a server's supervisor needs of the environment, and nothing that could be a setting of Helios'. */
function serverEnv(): Record<string, string> {
  const names = ['PATH', 'HOME', 'JAVA_HOME', 'TMPDIR', 'LANG', 'M2_HOME', 'MAVEN_OPTS'];
  const entries = names.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** @throws Error with what it printed when the program does not end with 0. */
async function runOnce(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const [file = '', ...rest] = args;
  const options = { env: { ...serverEnv(), ...env }, timeout: 120_000 };
  try {
    await promisify(execFile)(process.execPath, [join(root, file), ...rest], options);
  } catch (error) {
    const { code, signal, stdout, stderr } = error as ExecFileException & { stdout: string; stderr: string };
    throw new Error(`${args.join(' ')} failed (${code ?? signal}):\n${stdout}${stderr}`, { cause: error });
  }
}
