import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FigureVerdict } from '@helios/bench/gate/judge';
import type { GateRun } from '@helios/bench/gate/run-gate';
import { isAsExpected, missingTrials, trialKinds, trialNames, triedAgainOnce } from '@helios/bench/gate/trials';

const figure = (name: FigureVerdict['figure'], outcome: FigureVerdict['outcome']) => ({ figure: name, outcome }) as FigureVerdict;

describe('the trials', () => {
  it('are ten of ingest as it is and five of each slowness, in turns', () => {
    const all = missingTrials([]);
    const counts = trialNames.map((kind) => [kind, all.filter((each) => each === kind).length]);
    expect(Object.fromEntries(counts)).toEqual({ unchanged: 10, 'five-ms': 5, 'stall-50ms': 5, 'json-round-trip': 5 });
    expect(all.slice(0, 5)).toEqual(['unchanged', 'five-ms', 'stall-50ms', 'unchanged', 'json-round-trip']);
  });

  it('go on with what is missing', () => {
    const left = missingTrials(
      missingTrials([])
        .slice(0, 23)
        .map((kind) => ({ kind })),
    );
    expect(left.toSorted()).toEqual(['json-round-trip', 'unchanged']);
  });

  it('count a failure only in a figure that shows what is planted, and an inconclusive run as neither', () => {
    const failed = { outcome: 'fail', figures: [figure('p99', 'pass'), figure('cpu ratio', 'fail')] } as const;
    expect(isAsExpected('json-round-trip', failed)).toBe(true);
    expect(isAsExpected('five-ms', failed)).toBe(false);
    expect(isAsExpected('unchanged', failed)).toBe(false);
    for (const kind of trialNames) expect(isAsExpected(kind, { outcome: 'inconclusive', figures: [] })).toBe(false);
    expect(isAsExpected('unchanged', { outcome: 'pass', figures: [] })).toBe(true);
  });

  it('try an inconclusive run again once and keep both, and never one that was decided', async () => {
    const run = (outcome: GateRun['outcome'], seconds: number) => ({ outcome, seconds, figures: [] }) as unknown as GateRun;
    const trial = (...runs: GateRun[]) =>
      triedAgainOnce(
        () => Promise.resolve(runs.shift() as GateRun),
        () => undefined,
      );
    for (const outcome of ['pass', 'fail'] as const) {
      expect(await trial(run(outcome, 1), run('pass', 2))).toEqual({ run: run(outcome, 1), inconclusiveBefore: null });
    }
    const again = await trial(run('inconclusive', 1), run('inconclusive', 2), run('pass', 3));
    expect(again).toEqual({ run: run('inconclusive', 2), inconclusiveBefore: run('inconclusive', 1) });
  });

  it('start programs that exist', () => {
    for (const kind of trialNames) {
      const source = trialKinds[kind].ingest.file.replace('/dist/', kind === 'unchanged' ? '/src/' : '/').replace(/js$/, 'ts');
      expect(existsSync(fileURLToPath(new URL(`../../../${source}`, import.meta.url)))).toBe(true);
    }
  });
});
