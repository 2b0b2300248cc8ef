import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseMetrics, type Scrape } from '@helios/scripts/metrics-text';
import { isFree } from '@helios/scripts/ports';
import { isAlive } from '@helios/scripts/process-info';
import type { RunFacts } from '@helios/scripts/run-file';
import { expect, vi } from 'vitest';
import { PortBlocks, type StartedProgram, startProgram } from './processes.js';

/**
 * One `npm start` under test, on the embedded default unless the environment says otherwise: in a temporary folder, on free ports, without
 * traffic of its own. `stop` is part of every test that uses it: it fails when anything is left behind.
 */

export const services = ['ingest', 'bidder', 'auction', 'writer', 'api', 'profile-svc', 'dashboard'] as const;
export type Service = (typeof services)[number];
/** The services that read a topic. */
export const consumers = ['bidder', 'auction', 'writer'] as const;

const READY_LIMIT_MS = 60_000;
const RESTART_LIMIT_MS = 45_000;
/** Five that are set, six more admin ports counted up from the last. */
const blocks = new PortBlocks(11);

export class HeliosUnderTest {
  readonly folder: string;
  readonly #launcher: StartedProgram;
  readonly #firstPort: number;
  /** Every process seen so far, so that none can be overlooked at the end. */
  readonly #pids = new Set<number>();
  #databasePort: number | null = null;

  /** Starts it and waits until every service is ready. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<HeliosUnderTest> {
    const folder = mkdtempSync(join(tmpdir(), 'helios-e2e-'));
    chmodSync(folder, 0o755); // the database's own user passes through it
    const firstPort = await blocks.take();
    const ports = Object.fromEntries(
      ['INGEST_PORT', 'PROFILE_PORT', 'ANALYTICS_PORT', 'DASHBOARD_PORT', 'ADMIN_PORT'].map((name, index) => [
        name,
        String(firstPort + index),
      ]),
    );
    const launcher = startProgram('scripts/dist/start.js', ['--traffic', '0', '--data', folder], { ...ports, ...env });
    const helios = new HeliosUnderTest(folder, firstPort, launcher);
    try {
      await helios.#untilItRuns();
    } catch (error) {
      await helios.#end();
      throw new Error(`Helios did not start:\n${launcher.output()}`, { cause: error });
    }
    return helios;
  }

  private constructor(folder: string, firstPort: number, launcher: StartedProgram) {
    this.folder = folder;
    this.#firstPort = firstPort;
    this.#launcher = launcher;
  }

  /** What runs now, as the launcher says it. */
  get facts(): RunFacts {
    const facts = JSON.parse(readFileSync(join(this.folder, 'run.json'), 'utf8')) as RunFacts;
    for (const child of facts.children) if (child.pid !== null) this.#pids.add(child.pid);
    this.#databasePort = facts.database?.port ?? null;
    return facts;
  }

  get addresses(): RunFacts['addresses'] {
    return this.facts.addresses;
  }

  /** The process id of a service that runs. */
  pid(service: Service): number {
    const { pid } = this.#child(service);
    if (pid === null) throw new Error(`${service} does not run`);
    return pid;
  }

  /** Ends so far that nobody asked for; tests that kill a service count their own. */
  deaths(service: Service): number {
    return this.#child(service).deaths;
  }

  /** An answer of a service's admin port: `/readyz`, `/healthz`. */
  admin(service: Service, path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#child(service).adminPort}${path}`, { signal: AbortSignal.timeout(5000) });
  }

  async metrics(service: Service): Promise<Scrape> {
    const response = await this.admin(service, '/metrics');
    if (!response.ok) throw new Error(`/metrics of ${service} answered ${response.status}`);
    return parseMetrics(await response.text());
  }

  /** All lines that a service logged; throws on a line that is not JSON. */
  logLines(service: Service): Record<string, unknown>[] {
    const lines = readFileSync(join(this.folder, 'logs', `${service}.log`), 'utf8').split('\n');
    // The last one is empty, or still being written.
    return lines.slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Kills a service at once, as the kernel would, and waits until the launcher's next process of it is ready. */
  async killAndAwaitRestart(service: Service): Promise<void> {
    const pid = this.pid(service);
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect([null, pid]).not.toContain(this.#child(service).pid), { timeout: RESTART_LIMIT_MS, interval: 50 });
    await vi.waitFor(async () => expect((await this.admin(service, '/readyz')).status).toBe(200), {
      timeout: RESTART_LIMIT_MS,
      interval: 100,
    });
  }

  /** Ctrl-C. Fails when the launcher does not end with 0, or a process, a port, the lock or the run file is left. */
  async stop(): Promise<void> {
    const { kafkaBrokers } = this.facts;
    this.#launcher.child.kill('SIGINT');
    const code = await this.#launcher.exited;
    const output = this.#launcher.output();
    const ports = [...Array.from({ length: blocks.size }, (_, index) => this.#firstPort + index), Number(kafkaBrokers.split(':')[1])];
    if (this.#databasePort !== null) ports.push(this.#databasePort);
    const free = await Promise.all(ports.map((port) => isFree('127.0.0.1', port)));
    const left = {
      processes: [...this.#pids].filter((pid) => isAlive(pid)),
      ports: ports.filter((_, index) => !free[index]),
      files: ['lock', 'run.json'].filter((name) => existsSync(join(this.folder, name))),
    };
    await this.#end();
    expect({ code, left, lastWords: output.trimEnd().split('\n').at(-1) }).toEqual({
      code: 0,
      left: { processes: [], ports: [], files: [] },
      lastWords: 'Stopped.',
    });
  }

  #child(service: Service): RunFacts['children'][number] {
    const child = this.facts.children.find((candidate) => candidate.name === service);
    if (child === undefined) throw new Error(`there is no ${service} in run.json`);
    return child;
  }

  async #untilItRuns(): Promise<void> {
    let ended = false;
    void this.#launcher.exited.then(() => (ended = true));
    await vi.waitFor(() => expect(ended || this.#launcher.output().includes('Helios runs.')).toBe(true), {
      timeout: READY_LIMIT_MS,
      interval: 50,
    });
    if (ended) throw new Error('the launcher ended');
    void this.facts;
  }

  /** Ends a launcher that still runs, and removes what the test made. */
  async #end(): Promise<void> {
    this.#launcher.child.kill('SIGTERM');
    await this.#launcher.exited;
    // Where the database's user cannot enter the project's folder, binaries and data are elsewhere.
    const moved = /^The database is in (.+\/helios-[0-9a-f]{12})\/postgres: /m.exec(this.#launcher.output())?.[1];
    for (const folder of [this.folder, ...(moved === undefined ? [] : [moved])]) rmSync(folder, { recursive: true, force: true });
  }
}

/** Stops it where it was started at all: for `afterAll`. */
export async function stopped(helios: HeliosUnderTest | undefined): Promise<void> {
  await helios?.stop();
}

/** Starts it for one test and stops it afterwards, whatever the test came to. */
export async function withHelios(env: Readonly<Record<string, string>>, test: (helios: HeliosUnderTest) => Promise<void>): Promise<void> {
  const helios = await HeliosUnderTest.start(env);
  try {
    await test(helios);
  } finally {
    await helios.stop();
  }
}
