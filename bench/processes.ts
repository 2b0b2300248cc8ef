import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { allocatorEnv, heapOptions } from '@helios/scripts/service-memory';

/** Processes under measurement: Helios services and helpers, each started on free ports and stopped by its own id. */

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Measured {
  readonly process: ChildProcess;
  readonly adminPort: number;
  stop(): Promise<void>;
}

/** Below the blocks of the end-to-end tests, and below what systems hand out to outgoing connections, which would take a chosen one at any moment. */
const PORTS = { first: 10_240, count: 11_000 };
const PORT_TRIES = 100;

/** A port that was free a moment ago, chosen at random: whoever chooses at the same time hardly meets it. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_TRIES; attempt++) {
    const port = PORTS.first + randomInt(PORTS.count);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${PORT_TRIES} ports from ${PORTS.first} on was free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Starts a Helios service (`file` relative to the repository) and waits until it is ready. Its log is thrown away but for its faults. */
export async function startService(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  execArgv: readonly string[] = [],
): Promise<Measured> {
  const adminPort = await freePort();
  const child = spawn(process.execPath, [...heapOptions, ...execArgv, join(root, file), ...args], {
    env: { ...allocatorEnv, ...process.env, LOG_LEVEL: 'error', ADMIN_PORT: String(adminPort), HELIOS_EXIT_WITH_PARENT: '1', ...env },
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const measured = { process: child, adminPort, stop: () => stop(child) };
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${file} ${args.join(' ')} ended with exit code ${child.exitCode}`);
    return (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok;
  }, 60_000);
  return measured;
}

/** Starts a helper that prints one JSON line when it is ready (the broker, the database, a peer). */
export async function startHelper(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ ready: Record<string, unknown>; process: ChildProcess; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [join(root, file), ...args], {
    env: { ...process.env, HELIOS_EXIT_WITH_PARENT: '1', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${file} ended with exit code ${code} before it was ready`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"ready":true')) resolve(JSON.parse(line) as Record<string, unknown>);
    });
  });
  return { ready, process: child, stop: () => stop(child) };
}

/** Runs a program of the repository to its end and returns what it printed. @throws Error when it does not end with 0. */
export function runToEnd(file: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, file), ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(printed) : reject(new Error(`${file} ended with exit code ${code}`))));
  });
}

/** Resolves when `condition` holds; a rejection counts as "not yet" until the time is over. */
export async function until(condition: () => Promise<boolean>, limitMs: number): Promise<void> {
  const deadlineMonoMs = performance.now() + limitMs;
  for (;;) {
    let why: unknown;
    try {
      if (await condition()) return;
    } catch (error) {
      why = error;
    }
    if (performance.now() > deadlineMonoMs)
      throw new Error(`not reached within ${limitMs} ms${why instanceof Error ? `: ${why.message}` : ''}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What a service's /metrics says. */
export async function scrapeText(adminPort: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
}

/** Sums of a service's metrics by name, labels added up, and by name with labels. */
export async function scrape(adminPort: number): Promise<(name: string) => number> {
  const text = await scrapeText(adminPort);
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(\{[^}]*\})? (\S+)/.exec(line);
    if (match === null) continue;
    const [, name = '', labels = '', value] = match;
    values.set(name, (values.get(name) ?? 0) + Number(value));
    if (labels !== '') values.set(`${name}${labels}`, Number(value));
  }
  return (name) => values.get(name) ?? 0;
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const limit = setTimeout(() => child.kill('SIGKILL'), 12_000);
    child.once('exit', () => {
      clearTimeout(limit);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
