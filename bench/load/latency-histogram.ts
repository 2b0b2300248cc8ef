import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import { rounded } from '../result-file.js';

/**
 * Times as HDR histograms in whole microseconds, three significant digits: percentiles of histograms that were added up are those of all
 * samples together, which no percentile of percentiles is. Processes hand them to each other as text.
 */

/** Longer times are recorded as this. */
const MAX_MICROS = 120_000_000;

export function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_MICROS,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    useWebAssembly: false,
  });
}

/** Records a time in milliseconds; below zero (a clock's last digit) counts as zero. */
export function recordMs(histogram: Histogram, ms: number): void {
  histogram.recordValue(Math.min(MAX_MICROS, Math.max(0, Math.round(ms * 1000))));
}

export function encoded(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

/** All samples of several encoded histograms in one. */
export function merged(texts: readonly string[]): Histogram {
  const sum = newHistogram();
  for (const text of texts) sum.add(decodeFromCompressedBase64(text, 32, false));
  return sum;
}

/** Percentiles in ms with the number of samples behind them; all zero without samples. */
export interface Percentiles {
  readonly n: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export function percentilesOf(histogram: Histogram): Percentiles {
  const at = (percentile: number): number => valueMs(histogram, percentile);
  return { n: histogram.totalCount, p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), p999Ms: at(99.9), maxMs: at(100) };
}

/** The time that `percentile` percent of the samples do not exceed, in ms. */
export function valueMs(histogram: Histogram, percentile: number): number {
  return histogram.totalCount === 0 ? 0 : rounded(histogram.getValueAtPercentile(percentile) / 1000, 3);
}
