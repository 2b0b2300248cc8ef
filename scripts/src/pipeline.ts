import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { Child, type ChildEnd, describeEnd, type ChildEvents, EXIT_CONFIG } from './child.js';
import { ChildLog } from './child-log.js';
import { readAdmin, untilReady } from './readiness.js';
import { removeRunFile, writeRunFile } from './run-file.js';
import { type Foundation, noParts, type Parts, type Preparation, type ReadyFacts, type ServerSpec } from './foundation.js';
import { type Role, type ServiceSpec, serviceTable } from './services.js';
import { heapOptions } from './service-memory.js';
import type { StartOptions } from './start-options.js';
import type { StopRequest } from './stop-request.js';

const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_500;

/**
 * All processes of one start: the servers, what prepares them, then the services. Keeps `run.json` in the data folder true and turns an end
 * that cannot be mended (the embedded broker's, a wrong configuration) into a request to stop.
 */
export class Pipeline implements ChildEvents {
  readonly #options: StartOptions;
  readonly #foundation: Foundation;
  readonly #root: string;
  readonly #stop: StopRequest;
  readonly #say: (text: string) => void;
  readonly #children = new Map<string, Child>();
  readonly #startedAt = new Date().toISOString();
  #services: ServiceSpec[] = [];
  #parts: Parts = noParts;
  #passwordFile: string | null = null;

  constructor(options: StartOptions, foundation: Foundation, root: string, stop: StopRequest, say: (text: string) => void) {
    this.#options = options;
    this.#foundation = foundation;
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

  /** Address of the brokers that were started; null when Kafka is external, or not there yet. */
  get bootstrap(): string | null {
    return this.#parts.kafka['KAFKA_BROKERS'] ?? null;
  }

  /** What a server reported when it last was ready. @throws Error when it is not. */
  factsOf(server: string): ReadyFacts {
    const facts = this.#children.get(server)?.ready;
    if (facts === null || facts === undefined) throw new Error(`${server} is not ready`);
    return facts;
  }

  /** Starts the servers, all at once, and waits until every one of them takes connections. */
  async startServers(): Promise<void> {
    const env = { ...this.#options.env, HELIOS_EXIT_WITH_PARENT: '1' };
    await Promise.all(this.#foundation.servers.map((server) => this.#startServer(server, env)));
    this.#parts = this.#foundation.partsOf((name) => this.factsOf(name));
    const passwordFile = this.#children.get('database')?.ready?.['passwordFile'];
    this.#passwordFile = typeof passwordFile === 'string' ? passwordFile : null;
    this.#services = serviceTable(this.#options, this.#parts);
    this.#writeRunFile();
  }

  /** Runs the programs that must have ended well before the services start. @throws Error with what the first that failed said. */
  async prepare(): Promise<void> {
    for (const preparation of this.#foundation.preparations(this.#parts)) await this.#runOnce(preparation);
  }

  /** Starts every service and waits until all of them are ready. */
  async startServices(): Promise<void> {
    for (const service of this.#services) {
      const [file = '', ...args] = service.args;
      void this.#add(service.name, () => [...heapOptions, this.#file(file), ...args], service.env, false, 'restart').start();
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

  /** Stops the services of some roles, all at once. */
  async stop(roles: readonly Role[], limitMs = STOP_LIMIT_MS): Promise<void> {
    const names = this.#services.filter((service) => roles.includes(service.role)).map((service) => service.name);
    await Promise.all(this.children.filter((child) => names.includes(child.spec.name)).map((child) => child.stop(limitMs)));
  }

  /** Stops the servers, all at once: after the services. */
  async stopServers(): Promise<void> {
    const limits = new Map(this.#foundation.servers.map((server) => [server.name, server.stopLimitMs]));
    const servers = this.children.filter((child) => limits.has(child.spec.name));
    await Promise.all(servers.map((child) => child.stop(limits.get(child.spec.name) ?? STOP_LIMIT_MS)));
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
    const server = this.#foundation.servers.find((candidate) => candidate.name === name);
    const title = server?.title ?? name;
    this.#stop.request(
      1,
      `${title.charAt(0).toUpperCase()}${title.slice(1)} ended (${describeEnd(end)}). ${server?.lossSentence ?? ''}${said}`,
    );
  }

  async #startServer(server: ServerSpec, env: Readonly<Record<string, string>>): Promise<void> {
    let before: ReadyFacts | null = null;
    const args = () => {
      const [file = '', ...rest] = server.args(before);
      return [this.#file(file), ...rest];
    };
    before = await this.#add(server.name, args, env, true, server.lossSentence === null ? 'restart' : 'stop everything').start();
  }

  async #runOnce({ name, args, env, failure }: Preparation): Promise<void> {
    const [file = '', ...rest] = args;
    const log = this.#log(name);
    const fd = log.open();
    const child = spawn(process.execPath, [this.#file(file), ...rest], {
      env: { ...env },
      stdio: ['ignore', fd, fd],
      signal: this.#stop.signal,
    });
    closeSync(fd);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code !== 0) throw new Error(`${failure} (exit code ${code}; log: ${log.path}):\n${log.sentences()}`);
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
    const { database } = this.#parts;
    const adminPorts = new Map(this.#services.map((service) => [service.name, service.adminPort]));
    writeRunFile(this.#runFile, {
      pid: process.pid,
      startedAt: this.#startedAt,
      kafkaBrokers: this.bootstrap ?? env['KAFKA_BROKERS'] ?? '',
      database:
        database['DB_HOST'] === undefined
          ? null
          : {
              host: database['DB_HOST'],
              port: Number(database['DB_PORT']),
              user: database['DB_USER'] ?? '',
              name: database['DB_NAME'] ?? '',
              passwordFile: this.#passwordFile,
            },
      addresses: {
        bid: `http://${localHost}:${ports.ingest}/bid`,
        api: `http://${localHost}:${ports.api}`,
        dashboard: `http://${localHost}:${ports.dashboard}`,
        profiles: `${localHost}:${ports.profile}`,
      },
      children: this.children.map((child) => ({
        name: child.spec.name,
        pid: child.pid,
        serverPid: typeof child.ready?.['pid'] === 'number' ? child.ready['pid'] : null,
        adminPort: adminPorts.get(child.spec.name) ?? null,
        deaths: child.deaths,
      })),
    });
  }
}
