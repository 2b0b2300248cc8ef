import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Output that is kept: the newest of it, for what is waited for and for messages. */
const OUTPUT_MAX = 1_000_000;
const POLL_MS = 50;
/** After its end nothing of its terminal may be left; a process on its way out is given this long. */
const LEFTOVER_MS = 5000;

/** A command that a person leaves running in a terminal, and ends there with Ctrl-C. */
export class BackgroundService {
  readonly name: string;
  readonly #child: ChildProcess;
  /** Resolves with how it ended. */
  readonly #exited: Promise<string>;
  #output = '';
  /** How it ended (`exit code 0`, `SIGKILL`); null while it runs. */
  #end: string | null = null;

  constructor(name: string, command: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.name = name;
    // A process group of its own, as a terminal gives to what runs in front: Ctrl-C reaches all of it.
    this.#child = spawn('bash', ['-c', `set -euo pipefail\n${command}`], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output = `${this.#output}${text}`.slice(-OUTPUT_MAX)));
    this.#exited = new Promise((resolve) => {
      const end = (how: string) => {
        this.#end ??= how;
        resolve(this.#end);
      };
      this.#child.once('error', (error) => end(error.message));
      // Not at the exit: its last words may still be in the pipe.
      this.#child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  /** All that it printed, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** Waits until `fits` says so of its output. @returns why it never did; null when it did. */
  async until(fits: (output: string) => boolean, limitMs: number): Promise<string | null> {
    const deadlineMonoMs = performance.now() + limitMs;
    for (;;) {
      const end = this.#end;
      if (fits(this.#output)) return null;
      if (end !== null) return `${this.name} ended by itself (${end})`;
      if (performance.now() > deadlineMonoMs) return `${this.name} did not print what the page shows within ${limitMs / 1000} s`;
      await sleep(POLL_MS);
    }
  }

  /** Presses Ctrl-C. Whatever does not stop within the limit is killed. @returns what it printed since, and what went wrong; null: nothing. */
  async stop(limitMs: number): Promise<{ readonly printed: string; readonly problem: string | null }> {
    const early = this.#end;
    if (early !== null) return { printed: '', problem: `${this.name} had ended by itself (${early})` };
    const before = this.#output;
    this.#signal('SIGINT');
    const end = await this.#endWithin(limitMs);
    if (end === null) await this.kill();
    const printed = this.#output.startsWith(before) ? this.#output.slice(before.length) : this.#output;
    if (end === null) return { printed, problem: `${this.name} did not stop within ${limitMs / 1000} s of Ctrl-C` };
    if (end !== 'exit code 0') return { printed, problem: `${this.name} stopped with ${end}` };
    return { printed, problem: await this.#leftover() };
  }

  /** Ends all of it, at once. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    // A process that left the group may hold the pipe; it is not waited for.
    await this.#endWithin(LEFTOVER_MS);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** @returns how it ended; null: it has not. */
  #endWithin(limitMs: number): Promise<string | null> {
    return Promise.race([this.#exited, sleep(limitMs, null, { ref: false })]);
  }

  async #leftover(): Promise<string | null> {
    const deadlineMonoMs = performance.now() + LEFTOVER_MS;
    while (this.#signal(0)) {
      if (performance.now() > deadlineMonoMs) {
        this.#signal('SIGKILL');
        return `${this.name} stopped and left a process behind`;
      }
      await sleep(POLL_MS);
    }
    return null;
  }

  /** @returns whether any process of the group is there. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#child.pid === undefined) return false;
    try {
      process.kill(-this.#child.pid, signal);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }
}
