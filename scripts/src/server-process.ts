import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, isProcessOf } from './process-info.js';

/** One real server as a child of its supervisor: its process id is recorded, so that a supervisor that was killed leaves nothing unfound. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves with how the server ended (`exit 1`, `SIGKILL`), asked or not. */
  readonly ended: Promise<string>;
  /** Asks the server to stop (SIGTERM), kills it after the limit, and resolves when it is gone. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where the process id stands while the server runs. */
  readonly pidFile: string;
  /** How long a stop may take before the server is killed. */
  readonly stopLimitMs: number;
  /** Gets the server's standard output in pieces; without it the output goes to standard error, where the server's errors go anyway. */
  readonly onOutput?: (text: string) => void;
}

/** Starts a server. @throws Error when the command cannot be run. */
export async function startServerProcess(options: ServerOptions): Promise<ServerProcess> {
  const { onOutput } = options;
  const child = spawn(options.command, [...options.args], {
    cwd: '/',
    env: { ...options.env },
    stdio: ['ignore', onOutput === undefined ? 2 : 'pipe', 2],
  });
  const ended = endOf(child);
  if (child.pid === undefined) throw new Error(`${options.name} could not be started: ${await ended}`);
  writeFileSync(options.pidFile, `${child.pid}\n`);
  void ended.then(() => rmSync(options.pidFile, { force: true }));
  endWithSupervisor(child, ended, 'SIGTERM');
  if (onOutput !== undefined) child.stdout?.setEncoding('utf8').on('data', onOutput);
  return { pid: child.pid, ended, stop: () => stopChild(child, ended, options) };
}

/** A supervisor that ends in another way than by a stop (nobody reads its ready line any more, a fault of its own) takes its server along. */
export function endWithSupervisor(server: ChildProcess, ended: Promise<unknown>, signal: NodeJS.Signals): void {
  const end = () => server.kill(signal);
  process.once('exit', end);
  void ended.then(() => process.off('exit', end));
}

/**
 * Stops the server that an earlier supervisor left behind, if the recorded process still is that server.
 * @param commandPart text that only this server's command line contains.
 * @throws Error when it does not end.
 */
export async function stopStaleServer(name: string, pidFile: string, commandPart: string): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').trim());
  // After a reboot the number may belong to anybody.
  if (!Number.isInteger(pid) || pid <= 1 || !isProcessOf(pid, commandPart)) return;
  process.stderr.write(`${name}: stopping the server ${pid} that an earlier start left behind\n`);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    process.kill(pid, signal);
    for (let waited = 0; waited < 100; waited++) {
      if (!isAlive(pid)) return;
      await sleep(100);
    }
  }
  throw new Error(`The server ${pid} of an earlier start does not stop.`);
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit ${code}` : signal));
  });
}

async function stopChild(child: ChildProcess, ended: Promise<string>, options: ServerOptions): Promise<void> {
  child.kill('SIGTERM');
  const limit = setTimeout(() => {
    process.stderr.write(`${options.name}: the server did not stop within ${options.stopLimitMs / 1000} s and is killed\n`);
    child.kill('SIGKILL');
  }, options.stopLimitMs);
  await ended;
  clearTimeout(limit);
}
