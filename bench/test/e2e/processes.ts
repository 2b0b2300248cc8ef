import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { isFree } from '@helios/scripts/ports';

/** Built programs of the project as child processes of a test. */

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface StartedProgram {
  readonly child: ChildProcess;
  /** The exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  /** What it wrote so far, both streams in the order of arrival. */
  output(): string;
}

export interface FinishedProgram {
  readonly code: number | null;
  readonly output: string;
}

/** The environment of this process without a single Helios variable, so that nobody's shell decides a test. */
export function plainEnvironment(): Record<string, string> {
  const known = new Set([...knownVariables, 'HELIOS_EXIT_WITH_PARENT']);
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !known.has(entry[0])),
  );
}

/** Starts a built file (relative to the repository); `env` is added to a plain environment. It does not outlive this process. */
export function startProgram(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): StartedProgram {
  const child = spawn(process.execPath, [`${root}${file}`, ...args], {
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('exit', killWithUs);
      resolve(code);
    });
  });
  return { child, exited, output: () => output };
}

/** Runs a built file to its end. */
export async function runProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<FinishedProgram> {
  const program = startProgram(file, args, env);
  const code = await program.exited;
  return { code, output: program.output() };
}

/**
 * Blocks of ports in a row that are free, below the range from which the kernel takes its own. A block is given once: what asks for it may
 * take a while to bind it.
 */
export class PortBlocks {
  readonly size: number;
  /** Processes that look at the same time begin at different places. */
  #next = 22_000 + (process.pid % 300) * 30;

  constructor(size: number) {
    this.size = size;
  }

  /** The first port of the next free block. */
  async take(): Promise<number> {
    while (this.#next + this.size < 32_768) {
      const first = this.#next;
      this.#next += this.size;
      const free = await Promise.all(Array.from({ length: this.size }, (_, index) => isFree('127.0.0.1', first + index)));
      if (free.every(Boolean)) return first;
    }
    throw new Error(`there are no ${this.size} free ports in a row`);
  }
}
