/**
 * When made-up outcomes happen (pure): a day and a week have their rhythm, and every full hour gets its share of the rows. Times are UTC.
 */

/** Rows [firstRow, endRow) of the load, which happen in [startUnixMs, endUnixMs). */
export interface LoadChunk {
  readonly firstRow: number;
  readonly endRow: number;
  readonly startUnixMs: number;
  readonly endUnixMs: number;
}

/** Rows in one block of requests with 1 to 5 slots, each size once: no request is cut in two between chunks. */
export const BLOCK_ROWS = 15;
/** Most rows in one statement: it should take a second or two, so that Ctrl-C is heeded soon. */
const CHUNK_ROWS_MAX = 2000 * BLOCK_ROWS;
const HOUR_MS = 3_600_000;

/** Traffic of each hour of a day beside the mean: least at 4 h, most at 20 h. */
const hourWeights = [
  0.62, 0.48, 0.4, 0.36, 0.35, 0.4, 0.55, 0.75, 0.92, 1.02, 1.08, 1.12, 1.18, 1.15, 1.12, 1.12, 1.18, 1.28, 1.42, 1.58, 1.65, 1.5, 1.2,
  0.87,
] as const;
/** From Sunday on. */
const dayWeights = [0.86, 1.04, 1.06, 1.06, 1.05, 1.02, 0.91] as const;

/**
 * Cuts a load into chunks in the order of time, hour by hour; no chunk reaches over a full hour.
 * @param rows how many rows the load has.
 * @param sinceUnixMs when it begins.
 * @param untilUnixMs when it ends; after `sinceUnixMs`.
 */
export function hourPlan(rows: number, sinceUnixMs: number, untilUnixMs: number): LoadChunk[][] {
  const hours: { startUnixMs: number; endUnixMs: number; weight: number }[] = [];
  for (let startUnixMs = sinceUnixMs; startUnixMs < untilUnixMs;) {
    const endUnixMs = Math.min(untilUnixMs, (Math.floor(startUnixMs / HOUR_MS) + 1) * HOUR_MS);
    hours.push({ startUnixMs, endUnixMs, weight: weightAt(startUnixMs) * (endUnixMs - startUnixMs) });
    startUnixMs = endUnixMs;
  }
  const total = hours.reduce((sum, { weight }) => sum + weight, 0);
  const plan: LoadChunk[][] = [];
  let passed = 0;
  let firstRow = 0;
  for (const { startUnixMs, endUnixMs, weight } of hours) {
    passed += weight;
    const last = endUnixMs === untilUnixMs;
    const endRow = last ? rows : Math.floor((rows * passed) / total / BLOCK_ROWS) * BLOCK_ROWS;
    if (endRow > firstRow) plan.push(partsOf({ firstRow, endRow, startUnixMs, endUnixMs }));
    firstRow = endRow;
  }
  return plan;
}

/** The parts of one hour's chunk that one statement can carry, in the order of time. */
function partsOf(hour: LoadChunk): LoadChunk[] {
  const { firstRow, endRow, startUnixMs, endUnixMs } = hour;
  const timeOf = (row: number): number => Math.round(startUnixMs + ((endUnixMs - startUnixMs) * (row - firstRow)) / (endRow - firstRow));
  const parts: LoadChunk[] = [];
  for (let from = firstRow; from < endRow; from += CHUNK_ROWS_MAX) {
    const to = Math.min(endRow, from + CHUNK_ROWS_MAX);
    parts.push({ firstRow: from, endRow: to, startUnixMs: timeOf(from), endUnixMs: timeOf(to) });
  }
  return parts;
}

function weightAt(unixMs: number): number {
  const date = new Date(unixMs);
  return (hourWeights[date.getUTCHours()] ?? 1) * (dayWeights[date.getUTCDay()] ?? 1);
}
