import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A helper process of the launcher, started by a test as the launcher starts it. */
export interface HelperProcess {
  readonly child: ChildProcess;
  readonly ready: Record<string, unknown>;
  readonly exited: Promise<number | null>;
}

/** Starts `scripts/dist/<name>.js`, which ends when its input does. */
export function spawnHelper(name: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const file = fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));
  return spawn(process.execPath, [file, ...args], { env: { ...process.env, HELIOS_EXIT_WITH_PARENT: '1' } });
}

/** The same, and waits for the line that it prints when it is ready. */
export async function startHelper(name: string, args: readonly string[]): Promise<HelperProcess> {
  const child = spawnHelper(name, args);
  child.stdin.on('error', () => {});
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const ready = await Promise.race([
    new Promise<Record<string, unknown>>((resolve) =>
      createInterface({ input: child.stdout }).on('line', (line) => resolve(JSON.parse(line) as Record<string, unknown>)),
    ),
    exited.then((code): never => {
      throw new Error(`${name} exited with ${code}: ${said}`);
    }),
  ]);
  return { child, ready, exited };
}
