import { loadavg } from 'node:os';
import type { BrokerKind } from '../servers.js';
import { rounded } from '../result-file.js';
import { type IngestProgram, startHandlers } from './handlers.js';
import { type FigureVerdict, judge, type Judgement, type Outcome, type PairSample } from './judge.js';
import { type GateForm, K6_RATE_PER_SECOND, RATE_PER_SECOND, SATURATION_CONNECTIONS } from './limits.js';
import { hasK6Turn, measurePair, warmUp } from './measure-pair.js';

/** One run of the gate: pairs until every figure is decided, and no more than the form allows. */
export interface GateOptions {
  readonly form: GateForm;
  readonly broker: BrokerKind;
  readonly ingest: IngestProgram;
  /** Path of k6, or null to do without. */
  readonly k6: string | null;
  readonly say: (text: string) => void;
}

export interface GateRun {
  readonly outcome: Outcome;
  readonly form: GateForm['name'];
  readonly broker: BrokerKind;
  readonly seconds: number;
  /** Processes that wanted to run before the gate began, by the system's average of a minute. */
  readonly loadBefore: number;
  readonly settings: object;
  readonly k6: 'ran' | 'NOT RUN';
  readonly figures: readonly FigureVerdict[];
  readonly pairs: readonly PairSample[];
}

export async function runGate({ form, broker, ingest, k6, say }: GateOptions): Promise<GateRun> {
  const startedMonoMs = performance.now();
  const elapsedSeconds = (): number => (performance.now() - startedMonoMs) / 1000;
  const loadBefore = rounded(loadavg()[0] ?? 0);
  const handlers = await startHandlers(ingest, broker);
  const pairs: PairSample[] = [];
  let judgement: Judgement = judge(pairs, k6 !== null);
  try {
    await warmUp(handlers, form);
    const longestSeconds = { withK6: 0, withoutK6: 0 };
    while (wantsAnother(form, pairs.length, judgement)) {
      const kind = hasK6Turn(form, pairs.length + 1) ? 'withK6' : 'withoutK6';
      if (elapsedSeconds() + longestSeconds[kind] > form.budgetSeconds) {
        say(`no time for another pair within ${form.budgetSeconds} s`);
        break;
      }
      const beganSeconds = elapsedSeconds();
      const pair = await measurePair(handlers, form, pairs.length + 1, k6);
      pairs.push(pair);
      longestSeconds[kind] = Math.max(longestSeconds[kind], elapsedSeconds() - beganSeconds);
      judgement = judge(pairs, k6 !== null);
      say(pairText(pairs.length, pair));
    }
  } finally {
    await handlers.stop();
  }
  return {
    outcome: judgement.outcome,
    form: form.name,
    broker,
    seconds: Math.round(elapsedSeconds()),
    loadBefore,
    settings: { perSecond: RATE_PER_SECOND, k6PerSecond: K6_RATE_PER_SECOND, saturationConnections: SATURATION_CONNECTIONS, form },
    k6: k6 === null ? 'NOT RUN' : 'ran',
    figures: judgement.figures,
    pairs,
  };
}

/** What is undecided after the pairs that are due is retried with more of them; what failed or passed is not measured again until it suits. */
function wantsAnother(form: GateForm, measured: number, { outcome }: Judgement): boolean {
  return measured < form.pairs || (outcome === 'inconclusive' && measured < form.pairsMax);
}

function pairText(number: number, { ours, acked, cpu, k6, machine }: PairSample): string {
  const faults = [ours.scheduleFault, acked.scheduleFault].filter((fault) => fault !== null);
  return (
    `pair ${number}: p99 ${ours.p99Ms} ms, of the smallest handler ${acked.p99Ms} ms (${(ours.p99Ms / acked.p99Ms).toFixed(2)} x)` +
    `; CPU us a request, over the bare handler's: ${cpu.windows.map(({ oursMicros, bareMicros }) => `${Math.round(oursMicros)}/${Math.round(bareMicros)}`).join(' ')}` +
    (k6 === null ? '' : `; k6 p99 ${k6.p99Ms.toFixed(1)} ms`) +
    (machine === null ? '' : `; others took ${(machine.othersShare * 100).toFixed(0)} % of the machine`) +
    (faults.length === 0 ? '' : '; SCHEDULE NOT KEPT')
  );
}

/** The figures as lines, the undecided and failed ones marked, then the pairs that did not count and why. */
export function figuresText(figures: readonly FigureVerdict[]): string {
  const marks: Record<Outcome, string> = { pass: 'pass', fail: 'FAIL', inconclusive: 'INCONCLUSIVE' };
  const lines = figures.map(({ figure, outcome, reason }) => `  ${figure.padEnd(10)} ${marks[outcome].padEnd(12)} ${reason}`);
  const without = new Map<string, string[]>();
  for (const { figure, disturbed } of figures) {
    for (const { pair, why } of disturbed) {
      const key = `pair ${pair}: ${why}`;
      without.set(key, [...(without.get(key) ?? []), figure]);
    }
  }
  for (const [pair, names] of [...without].toSorted(([a], [b]) => a.localeCompare(b)))
    lines.push(`  not counted for ${names.join(', ')}: ${pair}`);
  return lines.join('\n');
}
