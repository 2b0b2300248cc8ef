/** Ranges to zoom to. All are half-open, in Unix ms, and begin and end with a bin, so that no bin is shown in part. */

export interface ZoomRange {
  readonly sinceUnixMs: number;
  readonly untilUnixMs: number;
}

/** The bins that are shown: their starts, ascending, and the width of one (of a day, where a day is 23 or 25 hours long). */
export interface Bins {
  readonly startsUnixMs: readonly number[];
  readonly intervalMs: number;
}

/** Fewer bins than this are not zoomed into: one value is no course. */
const MIN_BINS = 2;
/** The longest range that the API answers. */
const MAX_RANGE_MS = 400 * 86_400_000;

/** The bins from index `first` to `last`, both included and in any order; null when they are too few or all that there are. */
export function binRange(bins: Bins, first: number, last: number): ZoomRange | null {
  const [from, to] = first <= last ? [first, last] : [last, first];
  const since = bins.startsUnixMs[Math.max(0, from)];
  const end = Math.min(to, bins.startsUnixMs.length - 1);
  const lastStart = bins.startsUnixMs[end];
  if (since === undefined || lastStart === undefined) return null;
  const count = end - Math.max(0, from) + 1;
  if (count < MIN_BINS || count === bins.startsUnixMs.length) return null;
  return { sinceUnixMs: since, untilUnixMs: bins.startsUnixMs[end + 1] ?? lastStart + bins.intervalMs };
}

/** The bins that hold the two instants, which are snapped outwards to them. */
export function snappedRange(bins: Bins, fromUnixMs: number, toUnixMs: number): ZoomRange | null {
  return binRange(bins, binAt(bins, Math.min(fromUnixMs, toUnixMs)), lastBinBefore(bins, Math.max(fromUnixMs, toUnixMs)));
}

/** Half as many bins: around the one at `index`, or the newest ones. */
export function zoomedIn(bins: Bins, index: number | null): ZoomRange | null {
  const count = Math.max(MIN_BINS, Math.ceil(bins.startsUnixMs.length / 2));
  const last = bins.startsUnixMs.length - 1;
  const first = index === null ? last - count + 1 : Math.min(Math.max(0, index - Math.floor(count / 2)), last - count + 1);
  return binRange(bins, first, first + count - 1);
}

/** Twice the range around the same middle, but not into the future and not beyond what the API answers; null when it cannot grow. */
export function zoomedOut(range: ZoomRange, intervalMs: number, nowUnixMs: number): ZoomRange | null {
  const spanMs = range.untilUnixMs - range.sinceUnixMs;
  const newest = Math.max(range.untilUnixMs, Math.ceil(nowUnixMs / intervalMs) * intervalMs);
  const untilUnixMs = Math.min(newest, Math.ceil((range.untilUnixMs + spanMs / 2) / intervalMs) * intervalMs);
  const since = Math.max(Math.floor((untilUnixMs - 2 * spanMs) / intervalMs) * intervalMs, untilUnixMs - MAX_RANGE_MS);
  return untilUnixMs - since > spanMs ? { sinceUnixMs: since, untilUnixMs } : null;
}

/** Index of the bin that holds the instant; the first for an earlier one. */
function binAt(bins: Bins, unixMs: number): number {
  return Math.max(0, lastBinBefore(bins, unixMs + 1));
}

/** Index of the last bin that starts before the instant; -1 when none does. */
function lastBinBefore({ startsUnixMs }: Bins, unixMs: number): number {
  let [low, high] = [0, startsUnixMs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((startsUnixMs[middle] ?? Infinity) < unixMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
