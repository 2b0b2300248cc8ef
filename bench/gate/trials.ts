import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BrokerKind } from '../servers.js';
import { measuredWith, writeResult } from '../result-file.js';
import { type IngestProgram, realIngest } from './handlers.js';
import type { Outcome } from './judge.js';
import { type FigureName, shortForm } from './limits.js';
import { figuresText, type GateRun, runGate } from './run-gate.js';

/**
 * Shows that the gate can fail and does not fail for nothing: its short form over ingest with slowness planted, and over ingest as it is. Each
 * finished trial is written at once, so that an interrupted series goes on where it ended. A run that is inconclusive says that the measurement
 * was disturbed, and is tried again once, with both runs in the result; one that passed or failed is never done over.
 */

interface TrialKind {
  readonly times: number;
  readonly ingest: IngestProgram;
  /** What is planted. */
  readonly what: string;
  /** The outcome that it must have; where that is `fail`, one of these figures must be what failed. */
  readonly expected: Outcome;
  readonly inFigures: readonly FigureName[];
}

const p99Figures: readonly FigureName[] = ['p99', 'p99 by k6', 'p99 ratio'];

function planted(name: string): IngestProgram {
  return { file: `bench/dist/gate/planted/${name}.js`, args: [] };
}

export const trialKinds = {
  unchanged: { times: 10, ingest: realIngest, what: 'nothing', expected: 'pass', inFigures: [] },
  'five-ms': {
    times: 5,
    ingest: planted('five-ms'),
    what: '5 ms between delivery report and answer',
    expected: 'fail',
    inFigures: p99Figures,
  },
  'stall-50ms': {
    times: 5,
    ingest: planted('stall-50ms'),
    what: 'a stall of 50 ms once a second',
    expected: 'fail',
    inFigures: p99Figures,
  },
  'json-round-trip': {
    times: 5,
    ingest: planted('json-round-trip'),
    what: 'a synchronous JSON round trip of each body',
    expected: 'fail',
    inFigures: ['cpu ratio'],
  },
} as const satisfies Record<string, TrialKind>;

export type TrialName = keyof typeof trialKinds;
export const trialNames = Object.keys(trialKinds) as TrialName[];

export interface Trial extends GateRun {
  readonly kind: TrialName;
  readonly startedAt: string;
  readonly commit: string;
  /** Whether the outcome was what it must be. */
  readonly asExpected: boolean;
  /** The run before this one, when that was inconclusive. */
  readonly inconclusiveBefore: GateRun | null;
}

export interface TrialOptions {
  readonly broker: BrokerKind;
  readonly k6: string | null;
  /** Forget the trials that the result file holds. */
  readonly fresh: boolean;
  /** At most so many trials now. */
  readonly trialsMax: number;
  readonly say: (text: string) => void;
}

const RESULT = 'gate-trials';
const resultFile = fileURLToPath(new URL(`../../results/${RESULT}.json`, import.meta.url));

/** Does what is missing of the series. @returns how many trials are done, how many of them came out as they must, and of how many. */
export async function runTrials(options: TrialOptions): Promise<{ done: number; asExpected: number; of: number }> {
  const { broker, k6, say } = options;
  const trials = options.fresh ? [] : trialsSoFar();
  if (trials.length > 0) say(`${trials.length} trials are in ${RESULT}.json already`);
  const missing = missingTrials(trials);
  for (const [index, kind] of missing.slice(0, options.trialsMax).entries()) {
    const { ingest, what, expected } = trialKinds[kind];
    say(`\ntrial ${trials.length + 1} of ${trials.length + missing.length - index}: ${kind} (planted: ${what}; must ${expected})`);
    const startedAt = new Date().toISOString();
    const { run, inconclusiveBefore } = await triedAgainOnce(() => runGate({ form: shortForm, broker, ingest, k6, say }), say);
    const asExpected = isAsExpected(kind, run);
    const trial: Trial = { kind, startedAt, commit: measuredWith().commit, asExpected, ...run, inconclusiveBefore };
    trials.push(trial);
    writeTrials(trials);
    say(
      `${figuresText(run.figures)}\ntrial ${trials.length}: ${run.outcome}, ${asExpected ? 'as it must' : 'NOT AS IT MUST'} (${run.seconds} s)`,
    );
  }
  return {
    done: trials.length,
    asExpected: trials.filter((trial) => trial.asExpected).length,
    of: trialNames.reduce((sum, kind) => sum + trialKinds[kind].times, 0),
  };
}

/** Runs the gate, and once more when the first run was inconclusive. */
export async function triedAgainOnce(
  gate: () => Promise<GateRun>,
  say: (text: string) => void,
): Promise<{ run: GateRun; inconclusiveBefore: GateRun | null }> {
  const first = await gate();
  if (first.outcome !== 'inconclusive') return { run: first, inconclusiveBefore: null };
  say(`${figuresText(first.figures)}\ninconclusive (${first.seconds} s): tried again`);
  return { run: await gate(), inconclusiveBefore: first };
}

/** Whether a run came out as it must: the outcome, and what is planted shows in the figure that it belongs to. */
export function isAsExpected(kind: TrialName, { outcome, figures }: Pick<GateRun, 'outcome' | 'figures'>): boolean {
  const { expected, inFigures }: TrialKind = trialKinds[kind];
  if (outcome !== expected) return false;
  return inFigures.length === 0 || figures.some((verdict) => verdict.outcome === 'fail' && inFigures.includes(verdict.figure));
}

/** What is missing of the series, the kinds in turn, so that a machine that changes meanwhile changes for all of them. */
export function missingTrials(trials: readonly Pick<Trial, 'kind'>[]): TrialName[] {
  const left = new Map(trialNames.map((kind) => [kind, trialKinds[kind].times - trials.filter((trial) => trial.kind === kind).length]));
  const missing: TrialName[] = [];
  while ([...left.values()].some((count) => count > 0)) {
    // The unchanged build has twice as many as each of the others.
    for (const kind of ['unchanged', 'five-ms', 'stall-50ms', 'unchanged', 'json-round-trip'] as const) {
      const count = left.get(kind) ?? 0;
      if (count > 0) missing.push(kind);
      left.set(kind, count - 1);
    }
  }
  return missing;
}

function trialsSoFar(): Trial[] {
  if (!existsSync(resultFile)) return [];
  return (JSON.parse(readFileSync(resultFile, 'utf8')) as { trials: Trial[] }).trials;
}

function writeTrials(trials: readonly Trial[]): void {
  const summary = trialNames.map((kind) => {
    const own = trials.filter((trial) => trial.kind === kind);
    const { times, what, expected }: TrialKind = trialKinds[kind];
    const outcomes: Record<string, number> = {};
    for (const { outcome } of own) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    return {
      kind,
      planted: what,
      must: expected,
      of: times,
      done: own.length,
      asExpected: own.filter((trial) => trial.asExpected).length,
      triedAgain: own.filter((trial) => trial.inconclusiveBefore !== null).length,
      outcomes,
    };
  });
  writeResult(RESULT, 'npm run bench:gate -- --trials', {
    question: 'does the gate fail when ingest is made slow, in the figure that shows it, and does it pass ingest as it is?',
    summary,
    longestSeconds: Math.max(...trials.flatMap(({ seconds, inconclusiveBefore }) => [seconds, inconclusiveBefore?.seconds ?? 0])),
    trials,
  });
}
