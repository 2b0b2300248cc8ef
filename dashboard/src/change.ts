import { durationText } from './formats.js';
import type { SummaryFigures } from './stats.js';

/** How a figure moved against the period before. Pure. */

export interface Change {
  readonly direction: 'up' | 'down' | 'same' | 'unknown';
  /** `up 4.2%`, `down 1.3 points`, `no comparison`. */
  readonly words: string;
  /** Only where more or less of it is better beyond doubt. */
  readonly judgement: 'better' | 'worse' | null;
}

const number = (digits: number) => new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const oneDigit = number(1);
const noDigit = number(0);
const unknown: Change = { direction: 'unknown', words: 'no comparison', judgement: null };
const same: Change = { direction: 'same', words: 'no change', judgement: null };
/** Beyond ten times as much a percentage says less than the factor. */
const FACTOR_FROM = 10;

/** A quantity's relative change. `previous` 0 or null compares with nothing. */
export function relativeChange(current: number | null, previous: number | null): Change {
  if (current === null || previous === null || previous === 0) return unknown;
  const ratio = current / previous;
  if (ratio >= FACTOR_FROM) return { direction: 'up', words: `up ${noDigit.format(ratio)} times`, judgement: null };
  const percent = oneDigit.format(Math.abs(ratio - 1) * 100);
  return percent === '0.0'
    ? same
    : { direction: ratio > 1 ? 'up' : 'down', words: `${ratio > 1 ? 'up' : 'down'} ${percent}%`, judgement: null };
}

/** The change of a rate of 0..1, in percentage points: a percentage of a percentage misleads. */
export function rateChange(current: number | null, previous: number | null): Change {
  if (current === null || previous === null) return unknown;
  const points = oneDigit.format(Math.abs(current - previous) * 100);
  if (points === '0.0') return same;
  const direction = current > previous ? 'up' : 'down';
  return { direction, words: `${direction} ${points} points`, judgement: null };
}

/** The change of a latency; less is better. */
export function latencyChange(currentMs: number | null, previousMs: number | null): Change {
  if (currentMs === null || previousMs === null) return unknown;
  const difference = durationText(Math.abs(currentMs - previousMs));
  if (difference === '0.0 ms') return same;
  const direction = currentMs > previousMs ? 'up' : 'down';
  return { direction, words: `${direction} ${difference}`, judgement: direction === 'down' ? 'better' : 'worse' };
}

export function p99Of(figures: SummaryFigures): number | null {
  return figures.accepted_to_outcome?.p99_ms ?? null;
}
