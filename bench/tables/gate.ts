import { figure, fileLink, markdown, NOT_MEASURED, type ReadResult, verdict } from './table.js';

/** The table of the gate's trials. Pure. */

interface TrialsResult {
  readonly summary: readonly {
    readonly kind: string;
    readonly planted: string;
    readonly must: string;
    readonly of: number;
    readonly done: number;
    readonly asExpected: number;
    readonly triedAgain: number;
    readonly outcomes: Readonly<Record<string, number>>;
  }[];
  readonly longestSeconds: number;
  readonly trials: readonly {
    readonly kind: string;
    readonly figures: readonly { readonly figure: string; readonly median: number | null }[];
  }[];
}

export function gateTrialsTable(read: ReadResult): string {
  const result = read('gate-trials') as TrialsResult | null;
  if (result === null) return `\`npm run bench:gate -- --trials\`: ${NOT_MEASURED}.`;
  const rangeOf = (kind: string, name: string): string => {
    const own = result.trials.filter((trial) => trial.kind === kind);
    const medians = own.flatMap(({ figures }) => figures.find((each) => each.figure === name)?.median ?? []);
    return medians.length === 0 ? '' : `${figure(Math.min(...medians))} to ${figure(Math.max(...medians))}`;
  };
  const rows = result.summary.map(({ kind, planted, must, of, done, asExpected, triedAgain, outcomes }) => [
    planted,
    must,
    Object.entries(outcomes)
      .map(([outcome, times]) => `${outcome} ${times}`)
      .join(', '),
    String(triedAgain),
    rangeOf(kind, 'p99'),
    rangeOf(kind, 'p99 ratio'),
    rangeOf(kind, 'cpu ratio'),
    `${asExpected} of ${of}: ${verdict(asExpected === of && done === of)}`,
  ]);
  const head = ['planted', 'must', 'came out', 'tried again', 'p99, ms', 'p99 ratio', 'CPU ratio', 'in the figure that shows it'];
  return `${markdown(head, rows)}\n\nFigures are the medians of a run, least to most. The longest run took ${figure(result.longestSeconds, 0)} s. \`npm run bench:gate -- --trials\`: ${fileLink('gate-trials')}`;
}
