import type { TimePoint } from '../stats.js';
import type { ChartKind } from './chart-kinds.js';

/** What stands in place of a value that a bin does not have. */
const NO_VALUE = 'none';

export interface ChartTable {
  readonly columns: readonly string[];
  /** Oldest first, a text for each column. */
  readonly rows: readonly (readonly string[])[];
}

/** The data of a chart as a table: the bin, then each series, written as in the chart. */
export function chartTable(kind: ChartKind, points: readonly TimePoint[], binName: (unixMs: number) => string): ChartTable {
  return {
    columns: ['Time', ...kind.series.map(({ label }) => label)],
    rows: points.map((point) => [
      binName(Date.parse(point.time)),
      ...kind.series.map(({ pick }) => {
        const value = pick(point);
        return value === null ? NO_VALUE : kind.text(value);
      }),
    ]),
  };
}
