import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child, type ChildEnd, describeEnd, type ChildEvents, EXIT_CONFIG } from './child.js';
import { ChildLog } from './child-log.js';
import { readAdmin, untilReady } from './readiness.js';
import { removeRunFile, writeRunFile } from './run-file.js';
import { migrateEnv, type Parts, type Role, type ServiceSpec, serviceTable } from './services.js';
import type { StartOptions } from './start-options.js';
import type { StopRequest } from './stop-request.js';

const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_500;

export interface DatabaseFacts {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly passwordFile: string;
  readonly dataFolder: string;
  readonly movedBecause: string | null;
}

/**
 * All processes of one `npm start`: the embedded parts, then the services. Keeps `.helios/run.json` true and turns an end that cannot be
 * mended (the broker's, a wrong configuration) into a request to stop.
 */
export class Pipeline implements ChildEvents {
  readonly #options: StartOptions;
  readonly #root: string;
  readonly #stop: StopRequest;
  readonly #say: (text: string) => void;
  readonly #children = new Map<string, Child>();
  readonly #startedAt = new Date().toISOString();
  #services: ServiceSpec[] = [];
  #parts: Parts = { bootstrap: null, database: null };
  #passwordFile: string | null = null;

  constructor(options: StartOptions, root: string, stop: StopRequest, say: (text: string) => void) {
    this.#options = options;
    this.#root = root;
    this.#stop = stop;
    this.#say = say;
  }

  get services(): readonly ServiceSpec[] {
    return this.#services;
  }

  get children(): readonly Child[] {
    return [...this.#children.values()];
  }

  /** Address of the embedded broker; null when Kafka is external. */
  get bootstrap(): string | null {
    return this.#parts.bootstrap;
  }

  /** Starts the broker and the database where they are not external, both at once. */
  async startParts(): Promise<DatabaseFacts | null> {
    const { external, stateFolder } = this.#options;
    const env = { ...this.#options.env, HELIOS_EXIT_WITH_PARENT: '1' };
    const broker = external.kafka
      ? null
      : this.#add('broker', () => [this.#file('scripts/dist/broker.js')], env, true, 'stop everything').start();
    let port = 0;
    const databaseArgs = () => [this.#file('scripts/dist/database.js'), '--data', stateFolder, '--port', String(port)];
    const database = external.database ? null : this.#add('database', databaseArgs, env, true, 'restart').start();
    const [brokerFacts, databaseFacts] = await Promise.all([broker, database as Promise<DatabaseFacts> | null]);
    if (databaseFacts !== null) port = databaseFacts.port; // services keep this address: a restart listens on it again
    this.#passwordFile = databaseFacts?.passwordFile ?? null;
    this.#parts = {
      bootstrap: brokerFacts === null ? null : String(brokerFacts['bootstrap']),
      database:
        databaseFacts === null
          ? null
          : { ...databaseFacts, name: databaseFacts.database, password: readFileSync(databaseFacts.passwordFile, 'utf8').trim() },
    };
    this.#services = serviceTable(this.#options, this.#parts);
    this.#writeRunFile();
    return databaseFacts;
  }

  /** Brings the database's tables up to date. @throws Error with what the migration said. */
  async migrate(): Promise<void> {
    const log = this.#log('migrate');
    const fd = log.open();
    const child = spawn(process.execPath, [this.#file('analytics/dist/main.js'), 'migrate'], {
      env: migrateEnv(this.#options, this.#parts),
      stdio: ['ignore', fd, fd],
      signal: this.#stop.signal,
    });
    closeSync(fd);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code !== 0) throw new Error(`The database could not be migrated (exit code ${code}; log: ${log.path}):\n${log.sentences()}`);
  }

  /** Starts every service and waits until all of them are ready. */
  async startServices(): Promise<void> {
    for (const service of this.#services) {
      const [file = '', ...args] = service.args;
      void this.#add(service.name, () => [this.#file(file), ...args], service.env, false, 'restart').start();
    }
    const awaited = this.#services.map((service) => ({
      name: service.name,
      adminUrl: this.adminUrl(service),
      deaths: () => this.#children.get(service.name)?.deaths ?? 0,
      said: () => this.#children.get(service.name)?.log.sentences() ?? '',
    }));
    await untilReady(awaited, READY_LIMIT_MS);
  }

  adminUrl(service: ServiceSpec): string {
    return `http://${this.#options.localHost}:${service.adminPort}`;
  }

  /** The metrics of a service as text; null when it does not answer now. */
  async metricsOf(service: ServiceSpec): Promise<string | null> {
    const answer = await readAdmin(`${this.adminUrl(service)}/metrics`);
    return answer?.status === 200 ? answer.text : null;
  }

  /** Stops the services of some roles, or children by name, all at once. */
  async stop(which: readonly (Role | 'broker' | 'database')[], limitMs = STOP_LIMIT_MS): Promise<void> {
    const names = new Set<string>(which);
    for (const service of this.#services) if (names.has(service.role)) names.add(service.name);
    await Promise.all(this.children.filter((child) => names.has(child.spec.name)).map((child) => child.stop(limitMs)));
  }

  killAll(): void {
    for (const child of this.children) child.kill();
  }

  /** Forgets what ran: after the last stop. */
  close(): void {
    removeRunFile(this.#runFile);
  }

  changed(): void {
    this.#writeRunFile();
  }

  died(child: Child, end: ChildEnd, restartInMs: number | null): void {
    const { name } = child.spec;
    if (restartInMs !== null)
      return this.#say(`${name} ended (${describeEnd(end)}); it starts again in ${restartInMs / 1000} s. Its log: ${child.log.path}`);
    const sentences = child.log.sentences();
    const said = sentences === '' ? '' : `\n${sentences}`;
    if (end.exitCode === EXIT_CONFIG) return this.#stop.request(EXIT_CONFIG, `${name} cannot run:${said}`);
    this.#stop.request(
      1,
      `The embedded ${name} ended (${describeEnd(end)}). It keeps events in memory only: what no service had read yet is lost. Start again, or run on a real Kafka with KAFKA_BROKERS.${said}`,
    );
  }

  #add(
    name: string,
    args: () => readonly string[],
    env: Readonly<Record<string, string>>,
    reportsReady: boolean,
    onDeath: 'restart' | 'stop everything',
  ): Child {
    const child = new Child({ name, args, env, reportsReady, onDeath }, this.#log(name), this);
    this.#children.set(name, child);
    return child;
  }

  #log(name: string): ChildLog {
    return new ChildLog(join(this.#options.stateFolder, 'logs', `${name}.log`));
  }

  #file(path: string): string {
    return join(this.#root, path);
  }

  get #runFile(): string {
    return join(this.#options.stateFolder, 'run.json');
  }

  #writeRunFile(): void {
    const { localHost, ports, env } = this.#options;
    const { database, bootstrap } = this.#parts;
    const adminPorts = new Map(this.#services.map((service) => [service.name, service.adminPort]));
    writeRunFile(this.#runFile, {
      pid: process.pid,
      startedAt: this.#startedAt,
      kafkaBrokers: bootstrap ?? env['KAFKA_BROKERS'] ?? '',
      database:
        database === null
          ? null
          : { host: database.host, port: database.port, user: database.user, name: database.name, passwordFile: this.#passwordFile },
      addresses: {
        bid: `http://${localHost}:${ports.ingest}/bid`,
        api: `http://${localHost}:${ports.api}`,
        dashboard: `http://${localHost}:${ports.dashboard}`,
        profiles: `${localHost}:${ports.profile}`,
      },
      children: this.children.map((child) => ({
        name: child.spec.name,
        pid: child.pid,
        adminPort: adminPorts.get(child.spec.name) ?? null,
        deaths: child.deaths,
      })),
    });
  }
}
