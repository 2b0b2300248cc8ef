import { SeededRandom } from '@helios/scripts/random';
import { median } from '../result-file.js';

/** A median with the interval in which it may as well have come out. Pure: the same values, in any order, give the same interval. */
export interface MedianInterval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1000;
const SEED = 7;

/**
 * The median of `values` and a bootstrap interval that holds `share` of the medians of resamples with replacement. With five values and 0.8
 * its ends are the second smallest and the second largest: each is passed by about one resample in ten.
 * @param values at least one.
 */
export function medianInterval(values: readonly number[], share: number): MedianInterval {
  const random = new SeededRandom(SEED);
  const sorted = values.toSorted((a, b) => a - b);
  const medians = Array.from({ length: RESAMPLES }, () => median(sorted.map(() => random.pick(sorted)))).sort((a, b) => a - b);
  const at = (quantile: number): number => medians[Math.min(RESAMPLES - 1, Math.max(0, Math.floor(quantile * RESAMPLES)))] as number;
  return { median: median(sorted), low: at((1 - share) / 2), high: at(1 - (1 - share) / 2) };
}
