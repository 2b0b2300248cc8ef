import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CheckReport } from '@helios/scripts/accounting/check';
import { SeededRandom } from '@helios/scripts/random';
import { halfCapacity, startAccountedLoad } from './accounted-load.js';
import { committedFolder, readRow, type RunRecord, scratchFolder, writeRow } from './results.js';
import type { Row, RunContext, RunResult } from './row.js';
import { Stack, type StackShape } from './stack.js';

/**
 * Runs rows: groups them by the servers they need, repeats each until its number of faults is reached, keeps account after every run, and
 * writes the row's result file after every run, so that what was done stays done.
 */

export interface RunnerOptions {
  readonly rows: readonly Row[];
  readonly ci: boolean;
  readonly seed: number;
  /** No run begins after this long. */
  readonly minutesMax: number;
  /** At most so many runs of each row now; null: as many as its target takes. */
  readonly runsMax: number | null;
  /** Forget what the rows' files hold; without it the long form goes on where it ended. */
  readonly fresh: boolean;
  readonly command: string;
  readonly say: (text: string) => void;
  /** Kept up to date with the stacks that run, so that an interrupt can stop them. */
  readonly running: Set<Stack>;
}

/** A row that fails this often in a row is given up: what follows would only say the same. */
const FAILURES_MAX = 3;
const outFolder = join(fileURLToPath(new URL('../../..', import.meta.url)), 'bench', '.out', 'faults');

/** @returns the rows that did not hold or did not reach their number, each with a sentence. */
export async function runRows(options: RunnerOptions): Promise<string[]> {
  const failures: string[] = [];
  const deadlineMonoMs = performance.now() + options.minutesMax * 60_000;
  const perSecondByBrokers = new Map<number, number>();
  const sessions = [...byShape(options.rows)].map(([shape, rows]) => ({
    rows,
    session: new Session(shape, options, deadlineMonoMs, perSecondByBrokers),
  }));
  try {
    for (const [index, { session, rows }] of sessions.entries()) {
      if (performance.now() > deadlineMonoMs) {
        failures.push(...rows.map((row) => `row ${row.number}: not begun within ${options.minutesMax} minutes`));
        continue;
      }
      for (const row of rows) {
        if (options.ci && row.leavesRoom === true) sessions[index + 1]?.session.startAhead();
        failures.push(...(await session.runRow(row)));
      }
      await session.stop();
    }
  } finally {
    for (const { session } of sessions) await session.stop();
  }
  return failures;
}

/** One stack and the rows that run on it. A run that throws gives the next one a stack of its own. */
class Session {
  readonly #shape: StackShape;
  readonly #options: RunnerOptions;
  readonly #deadlineMonoMs: number;
  readonly #folder: string;
  /** Half of capacity, by the number of brokers: where it was measured once in this run, it is not again. */
  readonly #perSecondByBrokers: Map<number, number>;
  /** Servers that start, or run; undefined: none. */
  #starting: Promise<Stack> | undefined;
  #stack: Stack | undefined;
  #perSecond = 0;
  /** How long the servers of the row that runs took to start, which its budget leaves out. */
  #startSeconds = 0;

  constructor(shape: StackShape, options: RunnerOptions, deadlineMonoMs: number, perSecondByBrokers: Map<number, number>) {
    this.#shape = shape;
    this.#options = options;
    this.#deadlineMonoMs = deadlineMonoMs;
    this.#perSecondByBrokers = perSecondByBrokers;
    this.#folder = join(outFolder, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${shape.name.replaceAll(' ', '-')}`);
  }

  /** Starts the servers while rows of another stack still run. A start that fails is reported by the first row of this one. */
  startAhead(): void {
    this.#starting ??= this.#start('beside the next row: ');
    this.#starting.catch(() => undefined);
  }

  /** Stops the servers, also those that are still starting. */
  async stop(): Promise<void> {
    const stack = await this.#starting?.catch(() => undefined);
    this.#starting = undefined;
    this.#stack = undefined;
    if (stack === undefined) return;
    await stack.stop();
    this.#options.running.delete(stack);
  }

  /** @returns why the row did not hold; empty when it did. */
  async runRow(row: Row): Promise<string[]> {
    const { ci, fresh, command, say, minutesMax } = this.#options;
    const folder = ci ? scratchFolder : committedFolder;
    const runs: RunRecord[] = ci || fresh ? [] : [...(readRow(folder, row.number)?.runs ?? [])];
    const target = ci ? row.target.ci : row.target.full;
    const failures: string[] = [];
    say(`row ${row.number}: ${row.title} (${target} ${row.unit}${ci ? `, budget ${row.budgetSeconds} s` : ''})`);
    const startedMonoMs = performance.now();
    this.#startSeconds = 0;
    const runsBefore = runs.length;
    let done = runs.reduce((sum, run) => sum + run.faults, 0);
    if (done > 0) say(`  ${done} were done before`);
    while (done < target && failures.length < FAILURES_MAX) {
      if (runs.length - runsBefore === this.#options.runsMax) break;
      if (performance.now() > this.#deadlineMonoMs) {
        failures.push(`row ${row.number}: ${done} of ${target} ${row.unit} after ${minutesMax} minutes; run it again to go on`);
        break;
      }
      const perRun = ci ? row.perRun.ci : row.perRun.full;
      const record = await this.#runOnce(row, runs.length, Math.min(perRun, target - done));
      runs.push(record);
      done += record.faults;
      writeRow(folder, row, command, runs);
      failures.push(...record.broken.map((sentence) => `row ${row.number}, seed ${record.seed}: ${sentence}`));
      if (ci && record.broken.length > 0) break;
    }
    const seconds = Math.round((performance.now() - startedMonoMs) / 1000 - this.#startSeconds);
    say(
      `  ${failures.length === 0 ? 'held' : 'DID NOT HOLD'}: ${done} ${row.unit} in ${seconds} s${ci && seconds > row.budgetSeconds ? `, over its budget of ${row.budgetSeconds} s` : ''}`,
    );
    for (const failure of failures) say(`  ${failure}`);
    return failures;
  }

  async #runOnce(row: Row, index: number, faults: number): Promise<RunRecord> {
    const { seed: base, say } = this.#options;
    const seed = new SeededRandom(base + row.number * 1_000_003 + index * 7919).uint32();
    const startedAt = new Date().toISOString();
    const startedMonoMs = performance.now();
    const loads: { ids: number; accepted: number } = { ids: 0, accepted: 0 };
    let result: RunResult;
    try {
      const stack = (this.#stack ??= await this.#readyStack());
      say(`  run ${index + 1}: seed ${seed}, ${faults} ${row.unit}, ${this.#perSecond} requests/s`);
      result = await row.run(this.#context(row, stack, seed, faults, loads));
    } catch (error) {
      await this.stop().catch((fault: unknown) => say(`  the servers did not stop cleanly: ${String(fault)}`));
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      result = { faults: 0, report: null, recoveriesMs: [], figures: {}, broken: [`the run was cut short: ${why}`] };
    }
    return { seed, startedAt, seconds: Math.round((performance.now() - startedMonoMs) / 100) / 10, ...recordOf(result, loads) };
  }

  #context(row: Row, stack: Stack, seed: number, faults: number, loads: { ids: number; accepted: number }): RunContext {
    return {
      stack,
      random: new SeededRandom(seed),
      seed,
      faults,
      ci: this.#options.ci,
      halfCapacityPerSecond: this.#perSecond,
      say: (text) => this.#options.say(`    ${text}`),
      count: (ids, accepted) => {
        loads.ids += ids;
        loads.accepted += accepted;
      },
      startLoad: (options = {}) =>
        startAccountedLoad(stack, {
          prefix: `f${row.number}-${randomBytes(4).toString('hex')}-`,
          seed,
          perSecond: this.#perSecond,
          ledgerFolder: this.#folder,
          onStopped: (load) => {
            loads.ids += load.sent;
            loads.accepted += load.accepted;
          },
          ...options,
        }),
    };
  }

  /** The servers of this session, started now unless they were ahead, and what they take, measured. */
  async #readyStack(): Promise<Stack> {
    const startedMonoMs = performance.now();
    const stack = await (this.#starting ??= this.#start(''));
    const { brokers } = this.#shape;
    this.#perSecond =
      this.#perSecondByBrokers.get(brokers) ?? (await halfCapacity(stack, `calibration-${randomBytes(4).toString('hex')}-`, this.#folder));
    this.#perSecondByBrokers.set(brokers, this.#perSecond);
    const seconds = Math.round((performance.now() - startedMonoMs) / 1000);
    this.#startSeconds += seconds;
    this.#options.say(
      `  ready after ${seconds} s; half of what it takes end to end is ${this.#perSecond} requests/s; logs in ${this.#folder}`,
    );
    return stack;
  }

  async #start(when: string): Promise<Stack> {
    const { say, running } = this.#options;
    const stack = await Stack.start(this.#shape, this.#folder, (text) => say(`  ${when}${text}`));
    running.add(stack);
    return stack;
  }
}

function recordOf(result: RunResult, loads: { ids: number; accepted: number }): Omit<RunRecord, 'seed' | 'startedAt' | 'seconds'> {
  const { report } = result;
  const counts = report?.hops.checked === true ? report.hops.report.counts : [];
  return {
    faults: result.faults,
    ...loads,
    lost: report?.identity.missing.length ?? 0,
    unexpected: report?.identity.unexpected.length ?? 0,
    duplicated: report?.identity.duplicates.length ?? 0,
    duplicatesPerHop: Object.fromEntries(counts.map(({ topic, duplicates }) => [topic, duplicates])),
    recoveriesMs: result.recoveriesMs.map((ms) => Math.round(ms)),
    figures: result.figures,
    broken: [...result.broken, ...(report === null ? [] : [...report.findings, ...unchecked(report)])],
  };
}

/** Parts of the account that could not be taken: on real servers there is no excuse. */
function unchecked(report: CheckReport): string[] {
  return (['rollups', 'lag', 'hops'] as const).flatMap((name) => {
    const part = report[name];
    return part.checked ? [] : [`${name} could not be checked: ${part.why}`];
  });
}

/** Rows by the servers they need, in the order of the first row of each. */
function byShape(rows: readonly Row[]): Map<StackShape, Row[]> {
  const groups = new Map<StackShape, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.shape) ?? [];
    groups.set(row.shape, [...group, row]);
  }
  return groups;
}
