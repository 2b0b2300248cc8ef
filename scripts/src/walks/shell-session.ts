import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** What a script did. */
export interface ScriptResult {
  /** Exit code; null: it took too long and was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * One shell, as a person has it in a terminal: variables and functions that one block sets are there in the next. A block that fails ends
 * the shell, so that nothing goes on as if it had not.
 */
export class ShellSession {
  readonly #folder = mkdtempSync(join(tmpdir(), 'helios-walk-'));
  readonly #child: ChildProcess;
  readonly #commands: Writable;
  readonly #statuses: Readable;
  readonly #exited: Promise<number | null>;
  #scripts = 0;

  /** @param cwd where the shell starts. */
  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn('bash', ['--noprofile', '--norc'], { cwd, env, stdio: ['pipe', 'ignore', 'inherit', 'pipe'], detached: true });
    const [stdin, , , statuses] = this.#child.stdio;
    this.#commands = stdin as Writable;
    this.#commands.on('error', () => {}); // it has ended: its exit says so
    this.#statuses = statuses as Readable;
    this.#statuses.setEncoding('utf8');
    this.#exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code) => resolve(code));
    });
    this.#exited.catch(() => {}); // whoever runs a script learns of it
  }

  /** Runs a script until it ends; the shell is the one of the scripts before. After a failure it cannot be used again. */
  run(script: string, limitMs: number): Promise<ScriptResult> {
    return this.#run(script, limitMs, (file, streams) => `set -euo pipefail; . ${file} ${streams}; set +euo pipefail; echo 0 >&3\n`);
  }

  /** Runs a script in a copy of the shell: what it sets is not kept, and when it fails the shell goes on. */
  try(script: string, limitMs: number): Promise<ScriptResult> {
    return this.#run(script, limitMs, (file, streams) => `( set -euo pipefail; . ${file} ) ${streams}; echo "$?" >&3\n`);
  }

  /** Ends the shell and what still runs in it. */
  async close(): Promise<void> {
    this.#commands.end();
    this.#kill();
    await this.#exited.catch(() => null);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(script: string, limitMs: number, line: (file: string, streams: string) => string): Promise<ScriptResult> {
    const name = join(this.#folder, String(++this.#scripts));
    writeFileSync(`${name}.sh`, `${script}\n`);
    for (const stream of ['out', 'err']) writeFileSync(`${name}.${stream}`, '');
    const status = this.#nextStatus();
    this.#commands.write(line(`'${name}.sh'`, `</dev/null >'${name}.out' 2>'${name}.err'`));
    const limit = new AbortController();
    const late = new Promise<null>((resolve) => {
      const timer = setTimeout(() => resolve(null), limitMs);
      limit.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    const ended = await Promise.race([status, this.#exited, late]);
    limit.abort();
    if (ended === null) this.#kill();
    return { status: ended, stdout: readFileSync(`${name}.out`, 'utf8'), stderr: readFileSync(`${name}.err`, 'utf8') };
  }

  #nextStatus(): Promise<number> {
    return new Promise((resolve) => this.#statuses.once('data', (text: string) => resolve(Number.parseInt(text, 10))));
  }

  #kill(): void {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
