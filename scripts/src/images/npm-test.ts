import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measuredCommit, measuredMachine } from '../measured-on.js';
import { commandInside, homeOf, mountLayers, mountSystem, unmount } from './mounts.js';
import type { BuiltStage, HostNetwork } from './stage-builder.js';

/** `npm test` under the images' Node, in the stage `test` of the Dockerfile. */

export interface NpmTestOptions {
  readonly stage: BuiltStage;
  /** Arguments for vitest; none: the whole of `npm test`. */
  readonly args: readonly string[];
  readonly root: string;
  readonly store: string;
  readonly host: HostNetwork;
}

/** Where a whole run is recorded. */
const RESULT = 'bench/results/npm-test-in-trixie.json';
const TAIL_CHARS = 4000;

/** Runs the tests in a copy of the stage that goes with them. @returns their exit code. */
export async function runNpmTest({ stage, args, root, store, host }: NpmTestOptions): Promise<number> {
  const folder = join(store, 'npm-test');
  rmSync(folder, { recursive: true, force: true });
  const at = join(folder, 'root');
  const { workdir, user, env, cmd } = stage.config;
  mountLayers(at, stage.layers, { upper: join(folder, 'upper'), work: join(folder, 'work') });
  // Kafka's jars are the same for every Java: what was fetched here is not fetched again.
  const kafka = join(root, '.helios/kafka');
  mkdirSync(kafka, { recursive: true });
  mountSystem(at, { caFile: host.caFile, network: true, folders: { [join(workdir, '.helios/kafka')]: kafka } });
  try {
    const ci = process.env['CI'] === undefined ? {} : { CI: process.env['CI'] };
    const inside = { user, workdir, env: { ...host.env, ...ci, HOME: homeOf(user), ...env } };
    const [command, argv] = commandInside(at, inside, [...cmd, ...(args.length === 0 ? [] : ['--', ...args])]);
    const { code, tail } = await runPassedOn(command, argv);
    const counts = /^tests: .*$/m.exec(tail)?.[0] ?? 'no closing line';
    if (args.length === 0) {
      const result = {
        name: 'npm-test-in-trixie',
        command: 'scripts/prove-images --npm-test',
        measuredAt: new Date().toISOString(),
        commit: measuredCommit(root),
        machine: measuredMachine(),
        counts,
        exitCode: code,
      };
      writeFileSync(join(root, RESULT), `${JSON.stringify(result, null, 2)}\n`);
    }
    return code;
  } finally {
    unmount(at, true);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a program with its output on ours. @returns its exit code (1 for a signal) and the end of what it wrote on standard output. */
async function runPassedOn(command: string, args: readonly string[]): Promise<{ code: number; tail: string }> {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let tail = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    tail = (tail + text).slice(-TAIL_CHARS);
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  return { code, tail };
}
