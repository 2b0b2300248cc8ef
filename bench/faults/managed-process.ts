import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../processes.js';

/** How a process ended, and whether a row had asked for it by a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly asked: boolean;
  readonly atMonoMs: number;
}

export interface ProcessSpec {
  readonly name: string;
  /** Program and arguments of `node`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Where `/readyz` answers; null for a server that prints one JSON line when it is ready, with the real server's `pid` in it. */
  readonly adminPort: number | null;
}

const RESTART_AFTER_MS = 300;
/** Three brokers that start at once on a busy machine take more than a minute. */
const READY_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 15_000;

/**
 * One process of the stack, restarted 300 ms after an end unless it is held down.
 * States: down -> running -> (ended) waiting -> running ...; `hold` keeps it down until `start`.
 */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  /** Every end since the stack was last asked for them, newest last. */
  readonly ends: ProcessEnd[] = [];
  #child: ChildProcess | undefined;
  #facts: Promise<Record<string, unknown>> = Promise.resolve({});
  #serverPid: number | null = null;
  #exited: Promise<ProcessEnd | null> = Promise.resolve(null);
  #held = true;
  #asked = false;

  constructor(spec: ProcessSpec) {
    this.spec = spec;
  }

  get name(): string {
    return this.spec.name;
  }

  /** The id of the process that faults are for: of a server the server itself, not its supervisor. Null while it is down. */
  get pid(): number | null {
    return this.spec.adminPort === null ? this.#serverPid : (this.#child?.pid ?? null);
  }

  /** What a server's ready line said last. */
  get facts(): Promise<Record<string, unknown>> {
    return this.#facts;
  }

  /** Starts it (and keeps it running from now on) and waits until it is ready. */
  async start(): Promise<void> {
    this.#held = false;
    if (this.#child === undefined) this.#spawn();
    await this.ready();
  }

  /** Resolves when the process, restarted where it ended, is ready. */
  async ready(limitMs = READY_LIMIT_MS): Promise<void> {
    if (this.spec.adminPort !== null) return until(() => this.isReady(), limitMs);
    const deadlineMonoMs = performance.now() + limitMs;
    for (;;) {
      const failed = await Promise.race([
        this.#facts.then(
          () => null,
          (error: Error) => error,
        ),
        // It must not keep the runner alive for the rest of its time.
        sleep(limitMs, new Error(`${this.name} is not ready`), { ref: false }),
      ]);
      if (failed === null) return;
      if (performance.now() > deadlineMonoMs || this.#held) throw failed;
      await sleep(RESTART_AFTER_MS);
    }
  }

  async isReady(): Promise<boolean> {
    if (this.#child === undefined) return false;
    try {
      const response = await fetch(`http://127.0.0.1:${this.spec.adminPort}/readyz`, { signal: AbortSignal.timeout(1000) });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false; // not listening yet, or hung: not ready
    }
  }

  /** Sends a signal to the process that faults are for. @throws Error when it does not run. */
  signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGQUIT' | 'SIGSTOP' | 'SIGCONT'): void {
    const { pid } = this;
    if (pid === null) throw new Error(`${this.name} does not run`);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') this.#asked = true;
    process.kill(pid, signal);
  }

  /** From now on an end is not followed by a restart. */
  hold(): void {
    this.#held = true;
  }

  /** Ends it and keeps it down. @returns how it ended, and after how long. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<{ end: ProcessEnd | null; elapsedMs: number }> {
    this.hold();
    const startedMonoMs = performance.now();
    let end: ProcessEnd | null = null;
    if (this.#child !== undefined) {
      // A server's supervisor passes SIGTERM on in the server's own way of stopping.
      if (signal === 'SIGTERM') {
        this.#asked = true;
        this.#child.kill('SIGTERM');
      } else this.signal('SIGKILL');
      const limit = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_LIMIT_MS);
      end = await this.#exited;
      clearTimeout(limit);
    }
    return { end, elapsedMs: performance.now() - startedMonoMs };
  }

  /** Ends it by a signal and resolves when its next process is ready. @returns how it ended and how long both took. */
  async restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<{ end: ProcessEnd | null; elapsedMs: number; readyAfterMs: number }> {
    const startedMonoMs = performance.now();
    const { end, elapsedMs } = await this.stop(signal);
    await this.start();
    return { end, elapsedMs, readyAfterMs: performance.now() - startedMonoMs };
  }

  /** Resolves when the process that runs now has ended. */
  get exited(): Promise<ProcessEnd | null> {
    return this.#exited;
  }

  #spawn(): void {
    const { args, env, logFile, adminPort } = this.spec;
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, [...args], {
      env: { PATH: process.env['PATH'] ?? '', HELIOS_EXIT_WITH_PARENT: '1', ...env },
      stdio: ['pipe', adminPort === null ? 'pipe' : log, log],
    });
    closeSync(log);
    child.stdin?.on('error', () => {}); // the pipe breaks when the child dies; its exit says so
    this.#child = child;
    this.#asked = false;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        this.#serverPid = null;
        const end = { code, signal, asked: this.#asked, atMonoMs: performance.now() };
        this.ends.push(end);
        if (!this.#held) setTimeout(() => this.#restartUnlessHeld(), RESTART_AFTER_MS);
        resolve(end);
      });
    });
    if (adminPort === null) this.#facts = this.#readyLine(child);
    this.#facts.catch(() => {}); // whoever waits for it has it too
  }

  #restartUnlessHeld(): void {
    if (!this.#held && this.#child === undefined) this.#spawn();
  }

  #readyLine(child: ChildProcess): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      child.once('exit', (code, signal) =>
        reject(new Error(`${this.name} ended (${signal ?? code}) before it was ready: ${this.spec.logFile}`)),
      );
      if (child.stdout === null) return;
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!line.startsWith('{"ready":true')) return;
        const facts = JSON.parse(line) as Record<string, unknown>;
        this.#serverPid = Number(facts['pid']);
        resolve(facts);
      });
    });
  }
}
