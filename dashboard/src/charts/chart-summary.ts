import type { TimePoint } from '../stats.js';
import type { ChartKind, SeriesKind } from './chart-kinds.js';

/** Means that differ by less than this share of the first are called steady. */
const STEADY_WITHIN = 0.1;
const TREND_MIN_VALUES = 3;

/**
 * The chart in words, a sentence for each series: latest value, lowest and highest with their bins, and the trend.
 * `binName` names a bin by its start (Unix ms).
 */
export function chartSummary(kind: ChartKind, points: readonly TimePoint[], binName: (unixMs: number) => string): string {
  if (points.every((point) => point.bids === 0)) return 'No bids in this range.';
  return kind.series.map((series) => seriesSummary(series, kind, points, binName)).join(' ');
}

function seriesSummary(series: SeriesKind, kind: ChartKind, points: readonly TimePoint[], binName: (unixMs: number) => string): string {
  const known = points.flatMap((point) => {
    const value = series.pick(point);
    return value === null ? [] : [{ value, time: point.time }];
  });
  const [first] = known;
  const latest = known.at(-1);
  if (first === undefined || latest === undefined) return `${series.label}: no values in this range.`;
  let [lowest, highest] = [first, first];
  for (const one of known) {
    if (one.value < lowest.value) lowest = one;
    if (one.value > highest.value) highest = one;
  }
  const at = ({ value, time }: { value: number; time: string }) => `${kind.text(value)} (${binName(Date.parse(time))})`;
  const values = known.map(({ value }) => value);
  return `${series.label}: latest ${kind.text(latest.value)}, lowest ${at(lowest)}, highest ${at(highest)}, ${trendWord(values)}.`;
}

/** Compares the mean of the last third with that of the first: `rising`, `falling` or `steady`; fewer than three values have no trend. */
export function trendWord(values: readonly number[]): 'rising' | 'falling' | 'steady' | 'too short for a trend' {
  if (values.length < TREND_MIN_VALUES) return 'too short for a trend';
  const third = Math.floor(values.length / 3);
  const before = mean(values.slice(0, third));
  const after = mean(values.slice(-third));
  if (Math.abs(after - before) <= STEADY_WITHIN * Math.abs(before)) return 'steady';
  return after > before ? 'rising' : 'falling';
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
