import { expect, it } from 'vitest';
import { BLOCK_ROWS, hourPlan } from '../../src/made-outcomes/hour-plan.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const until = Date.parse('2026-03-01T10:20:00Z');

it('gives every row to exactly one chunk, in the order of time, and cuts no request', () => {
  for (const rows of [1, 14, 15, 1000, 123_456, 10_000_000]) {
    const chunks = hourPlan(rows, until - 30 * DAY_MS, until).flat();
    let [row, unixMs] = [0, until - 30 * DAY_MS];
    for (const chunk of chunks) {
      expect(chunk.firstRow).toBe(row);
      expect(chunk.firstRow % BLOCK_ROWS).toBe(0);
      expect(chunk.endRow).toBeGreaterThan(chunk.firstRow);
      expect(chunk.startUnixMs).toBeGreaterThanOrEqual(unixMs);
      expect(chunk.endUnixMs).toBeGreaterThan(chunk.startUnixMs);
      [row, unixMs] = [chunk.endRow, chunk.endUnixMs];
    }
    expect([row, unixMs]).toEqual([rows, until]);
  }
});

it('keeps every chunk within one full hour and within 30,000 rows', () => {
  for (const hour of hourPlan(10_000_000, until - DAY_MS, until)) {
    const hours = hour.flatMap((chunk) => [Math.floor(chunk.startUnixMs / HOUR_MS), Math.floor((chunk.endUnixMs - 1) / HOUR_MS)]);
    expect(new Set(hours).size).toBe(1);
    for (const chunk of hour) expect(chunk.endRow - chunk.firstRow).toBeLessThanOrEqual(30_000);
  }
});

it('has a rhythm: more in the evening than at night, fewer on Sundays', () => {
  const rowsAt = (matches: (date: Date) => boolean): number =>
    hourPlan(7_000_000, until - 28 * DAY_MS, until)
      .flat()
      .filter((chunk) => matches(new Date(chunk.startUnixMs)))
      .reduce((sum, chunk) => sum + chunk.endRow - chunk.firstRow, 0);
  const [night, evening] = [4, 20].map((hour) => rowsAt((date) => date.getUTCHours() === hour));
  expect((evening ?? 0) / (night ?? 1)).toBeCloseTo(1.65 / 0.35, 1);
  expect(rowsAt((date) => date.getUTCDay() === 0)).toBeLessThan(0.85 * rowsAt((date) => date.getUTCDay() === 2));
});
