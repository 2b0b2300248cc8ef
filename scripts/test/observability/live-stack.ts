import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { isFree } from '../../src/ports.js';
import { readAdmin } from '../../src/readiness.js';
import type { RunFacts } from '../../src/run-file.js';
import { PrometheusClient } from './prometheus-client.js';

/** `npm run stack` under generated traffic with `npm run observe` beside it, both as their users start them. */

const START_LIMIT_MS = 180_000;
const FIRST_PORT = 31_100;
const PORTS = 12;
const LINES_TOLD = 6;
const LINE_MAX = 300;

class Program {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #output = '';
  #ended = false;

  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    const path = fileURLToPath(new URL(`../../dist/${file}`, import.meta.url));
    this.#child = spawn(process.execPath, [path, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#exited = new Promise((resolve) => this.#child.once('exit', resolve));
    void this.#exited.then(() => (this.#ended = true));
  }

  /** What it has said, once that matches. @throws when it ends before. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    await vi.waitFor(
      () => {
        if (!this.#ended && !pattern.test(this.#output)) throw new Error(this.#output);
      },
      { timeout: START_LIMIT_MS, interval: 200 },
    );
    const match = pattern.exec(this.#output);
    if (match === null) throw new Error(`It ended:\n${this.#output}`);
    return match;
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#exited;
  }
}

export interface LiveStack {
  readonly prometheus: PrometheusClient;
  /** What `npm run observe` printed of its targets. */
  readonly targets: { readonly up: number; readonly all: number };
  facts(): RunFacts;
  /** @throws Error while it does not run. */
  pidOf(name: string): number;
  serverPidOf(name: string): number;
  /** What went wrong, as the logs of the services and their consumers' figures tell it: for the message of a test that fails. */
  troubles(): Promise<string>;
  /** @returns the exit codes of observe and of the stack. */
  stop(): Promise<(number | null)[]>;
}

/** @param env for the services. @param scrapeSeconds the interval of Prometheus. */
export async function startLiveStack(
  env: Readonly<Record<string, string>>,
  trafficPerSecond: number,
  scrapeSeconds: number,
): Promise<LiveStack> {
  const folder = mkdtempSync(join(tmpdir(), 'helios-observe-'));
  chmodSync(folder, 0o755); // the database's own user passes through it
  const state = join(folder, 'state');
  const programs: Program[] = [];
  const stop = async (): Promise<(number | null)[]> => {
    const codes: (number | null)[] = [];
    for (const program of programs.toReversed()) codes.push(await program.stop());
    rmSync(folder, { recursive: true, force: true });
    return codes;
  };
  try {
    const inherited = { ...process.env, ...(await servicePorts()), ...env };
    for (const name of ['KAFKA_BROKERS', 'REDIS_HOST', 'DB_HOST']) delete inherited[name];
    const stack = new Program('stack.js', ['--data', state, '--traffic', String(trafficPerSecond)], inherited);
    programs.push(stack);
    await stack.said(/Helios runs\./);
    const observe = new Program('observe/main.js', ['--data', state, '--interval', String(scrapeSeconds)], process.env);
    programs.push(observe);
    const [, up, all] = await observe.said(/Prometheus runs; (\d+) of (\d+) services/);
    const [, base = ''] = await observe.said(/targets +(http:\/\/[\d.:]+)\/.*targets/);
    const facts = () => JSON.parse(readFileSync(join(state, 'run.json'), 'utf8')) as RunFacts;
    const childOf = (name: string) => facts().children.find((child) => child.name === name);
    return {
      prometheus: new PrometheusClient(base),
      targets: { up: Number(up), all: Number(all) },
      facts,
      pidOf: (name) => running(name, childOf(name)?.pid),
      serverPidOf: (name) => running(name, childOf(name)?.serverPid),
      troubles: () => troublesOf(state, facts()),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function troublesOf(state: string, facts: RunFacts): Promise<string> {
  const parts = facts.children.map(async ({ name, adminPort, deaths }) => {
    const lines = readFileSync(join(state, 'logs', `${name}.log`), 'utf8').split('\n');
    const told = lines.filter((line) => line !== '' && !/"level":"(?:info|debug)"/.test(line) && name !== 'kafka-1').slice(-LINES_TOLD);
    const answer = adminPort === null ? null : await readAdmin(`http://127.0.0.1:${adminPort}/metrics`);
    const figures = (answer?.text ?? '').split('\n').filter((line) => /^helios_(?:consumer_(?!held)|kafka_)\S+ [^0]/.test(line));
    return [`--- ${name}, ended ${deaths} times`, ...told.map((line) => line.slice(0, LINE_MAX)), ...figures].join('\n');
  });
  return (await Promise.all(parts)).join('\n');
}

function running(name: string, pid: number | null | undefined): number {
  if (typeof pid !== 'number') throw new Error(`${name} does not run`);
  return pid;
}

/** Ports that nobody uses now, below the range for outgoing connections. */
async function servicePorts(): Promise<Record<string, string>> {
  let first = FIRST_PORT;
  for (let free = 0; free < PORTS;) {
    if (await isFree('127.0.0.1', first + free)) free++;
    else [first, free] = [first + free + 1, 0];
  }
  const names = ['INGEST_PORT', 'PROFILE_PORT', 'ANALYTICS_PORT', 'DASHBOARD_PORT', 'ADMIN_PORT'];
  return Object.fromEntries(names.map((name, index) => [name, String(first + index)]));
}
