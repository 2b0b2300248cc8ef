import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { restartDelayMs } from './backoff.js';
import type { ChildLog } from './child-log.js';

/** One process of the launcher's: what runs, and what its death means. */
export interface ChildSpec {
  readonly name: string;
  /** Arguments of `node`; asked for at every start. */
  readonly args: () => readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The process prints one JSON line when it is ready. */
  readonly reportsReady: boolean;
  /** What an end that nobody asked for leads to. */
  readonly onDeath: 'restart' | 'stop everything';
}

/** How a process ended. `exitCode` null: by `signal`, or it could not be started (`problem`). */
export interface ChildEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly problem: string | null;
}

export interface ChildEvents {
  /** Every start and end: process ids changed. */
  changed(child: Child): void;
  /** Ended without being asked; the child starts again after `restartInMs`, or not at all (null). */
  died(child: Child, end: ChildEnd, restartInMs: number | null): void;
}

/** Exit code of a process whose configuration is wrong: starting it again cannot help. */
export const EXIT_CONFIG = 78;

/**
 * One supervised process, in a session of its own (Ctrl-C at the terminal reaches the launcher only) and with a pipe to its standard input
 * that closes when the launcher dies, however it dies.
 *
 * States: stopped -> running -> (died) waiting -> running ...; any -> stopping -> stopped, which is final.
 */
export class Child {
  readonly spec: ChildSpec;
  readonly log: ChildLog;
  readonly #events: ChildEvents;
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #delayMs: number | null = null;
  #stopping = false;
  #ready: Readonly<Record<string, unknown>> | null = null;
  /** Ends so far that nobody asked for. */
  deaths = 0;

  constructor(spec: ChildSpec, log: ChildLog, events: ChildEvents) {
    this.spec = spec;
    this.log = log;
    this.#events = events;
  }

  /** Null while no process runs. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** What the running process reported when it was ready; null before that, and for processes that do not report. */
  get ready(): Readonly<Record<string, unknown>> | null {
    return this.#ready;
  }

  /** Starts the process; the promise is for children that report ready and resolves with their line, or rejects when they end first. */
  start(): Promise<Record<string, unknown>> {
    const fd = this.log.open();
    const startedMonoMs = performance.now();
    const child = spawn(process.execPath, [...this.spec.args()], {
      env: { ...this.spec.env },
      stdio: ['pipe', this.spec.reportsReady ? 'pipe' : fd, fd],
      detached: true,
    });
    closeSync(fd);
    this.#process = child;
    // The pipe breaks when the child dies; its exit says so already.
    child.stdin?.on('error', () => {});
    const ended = endOf(child);
    this.#exited = ended.then((end) => this.#onEnd(end, performance.now() - startedMonoMs));
    this.#events.changed(this);
    const ready = readyLine(child, ended, this);
    if (this.spec.reportsReady) void ready.then((facts) => this.#onReady(child, facts)).catch(() => {}); // its end is told below
    return ready;
  }

  /** Asks the process to stop (SIGTERM), kills its whole session after `limitMs`, and resolves when it is gone. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.#process === undefined) return;
    this.#process.kill('SIGTERM');
    const limit = setTimeout(() => this.kill(), limitMs);
    await this.#exited;
    clearTimeout(limit);
  }

  /** Kills the process and what it started, at once. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const pid = this.pid;
    if (pid === null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  #onReady(child: ChildProcess, facts: Readonly<Record<string, unknown>>): void {
    if (this.#process !== child) return; // it has ended meanwhile
    this.#ready = facts;
    this.#events.changed(this);
  }

  #onEnd(end: ChildEnd, uptimeMs: number): void {
    this.#process = undefined;
    this.#ready = null;
    if (this.#stopping) return this.#events.changed(this);
    this.deaths++;
    const restart = this.spec.onDeath === 'restart' && end.exitCode !== EXIT_CONFIG;
    this.#delayMs = restartDelayMs(this.#delayMs, uptimeMs);
    // A child that reports ready starts again with the same arguments: what it reported stays true.
    if (restart) this.#timer = setTimeout(() => void this.start().catch(() => {}), this.#delayMs);
    this.#events.changed(this);
    this.#events.died(this, end, restart ? this.#delayMs : null);
  }
}

/** An end in words: `exit code 1`, `SIGKILL`. */
export function describeEnd(end: ChildEnd): string {
  return end.problem ?? (end.signal === null ? `exit code ${end.exitCode}` : end.signal);
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      // Only a process that never started has no exit to wait for.
      if (child.pid === undefined) resolve({ exitCode: null, signal: null, problem: error.message });
    });
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, problem: null }));
  });
}

function readyLine(child: ChildProcess, ended: Promise<ChildEnd>, owner: Child): Promise<Record<string, unknown>> {
  if (child.stdout === null) return Promise.resolve({});
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<Record<string, unknown>>((resolve) => {
    lines.on('line', (line) => {
      if (line.startsWith('{"ready":true')) resolve(JSON.parse(line) as Record<string, unknown>);
    });
  });
  const failed = ended.then((end): never => {
    const sentences = owner.log.sentences();
    throw new Error(`${owner.spec.name} did not start (${describeEnd(end)})${sentences === '' ? '' : `:\n${sentences}`}`);
  });
  const first = Promise.race([ready, failed]);
  first.catch(() => {}); // whoever asked for it has it too; a restart asks for nothing
  failed.catch(() => {});
  return first;
}
