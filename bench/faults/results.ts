import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measuredWith, rounded } from '../result-file.js';
import type { Row } from './row.js';

/** Result files of the fault rows: one a row, added to after every run, so that a row can be done in pieces. */

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Of the long form, committed. */
export const committedFolder = join(root, 'bench', 'results', 'faults');
/** Of the short form and of trials. */
export const scratchFolder = join(root, 'bench', '.out', 'faults', 'results');

/** What one run came to. */
export interface RunRecord {
  readonly seed: number;
  readonly startedAt: string;
  readonly seconds: number;
  readonly faults: number;
  /** Requests posted, and of these answered 202. */
  readonly ids: number;
  readonly accepted: number;
  /** Accepted slots without an end; ends of slots that may have none; slots with more than one end. */
  readonly lost: number;
  readonly unexpected: number;
  readonly duplicated: number;
  /** Events that came again on a hop: allowed, and bounded by what a restart repeats. */
  readonly duplicatesPerHop: Readonly<Record<string, number>>;
  readonly recoveriesMs: readonly number[];
  readonly figures: Readonly<Record<string, number>>;
  /** Why the run failed, as sentences; empty: everything held. */
  readonly broken: readonly string[];
}

export interface RowResult {
  readonly row: number;
  readonly title: string;
  readonly promise: string;
  readonly unit: string;
  readonly command: string;
  readonly updatedAt: string;
  readonly commit: string;
  readonly machine: object;
  readonly versions: object;
  readonly totals: Totals;
  readonly runs: readonly RunRecord[];
}

export interface Totals {
  readonly runs: number;
  readonly failedRuns: number;
  readonly faults: number;
  readonly ids: number;
  readonly accepted: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly duplicated: number;
  readonly duplicatesPerHop: Readonly<Record<string, number>>;
  readonly medianRecoveryMs: number | null;
  readonly worstRecoveryMs: number | null;
  /** Of the run with the worst recovery, or of a failed one. */
  readonly worstSeed: number | null;
}

/** Reads a row's file. @returns null when there is none. */
export function readRow(folder: string, row: number): RowResult | null {
  const path = fileOf(folder, row);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RowResult) : null;
}

/** Writes the row's file anew with all of its runs so far. */
export function writeRow(folder: string, row: Row, command: string, runs: readonly RunRecord[]): RowResult {
  const { number, title, promise, unit } = row;
  const result: RowResult = {
    row: number,
    title,
    promise,
    unit,
    command,
    updatedAt: new Date().toISOString(),
    ...measuredWith(),
    totals: totalsOf(runs),
    runs,
  };
  const path = fileOf(folder, number);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(`${path}.new`, path);
  return result;
}

/** Sums and extremes over runs. Pure. */
export function totalsOf(runs: readonly RunRecord[]): Totals {
  const sum = (of: (run: RunRecord) => number) => runs.reduce((total, run) => total + of(run), 0);
  const recoveries = runs.flatMap((run) => run.recoveriesMs).toSorted((a, b) => a - b);
  const failed = runs.find((run) => run.broken.length > 0);
  const worst = failed ?? runs.toSorted((a, b) => Math.max(0, ...b.recoveriesMs) - Math.max(0, ...a.recoveriesMs))[0];
  const duplicatesPerHop: Record<string, number> = {};
  for (const run of runs)
    for (const [hop, count] of Object.entries(run.duplicatesPerHop)) duplicatesPerHop[hop] = (duplicatesPerHop[hop] ?? 0) + count;
  return {
    runs: runs.length,
    failedRuns: runs.filter((run) => run.broken.length > 0).length,
    faults: sum((run) => run.faults),
    ids: sum((run) => run.ids),
    accepted: sum((run) => run.accepted),
    lost: sum((run) => run.lost),
    unexpected: sum((run) => run.unexpected),
    duplicated: sum((run) => run.duplicated),
    duplicatesPerHop,
    medianRecoveryMs: recoveries.length === 0 ? null : rounded(recoveries[recoveries.length >> 1] as number, 0),
    worstRecoveryMs: recoveries.length === 0 ? null : rounded(recoveries.at(-1) as number, 0),
    worstSeed: worst?.seed ?? null,
  };
}

function fileOf(folder: string, row: number): string {
  return join(folder, `row-${String(row).padStart(2, '0')}.json`);
}
