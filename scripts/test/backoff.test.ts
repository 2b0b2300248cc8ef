import { expect, it } from 'vitest';
import { restartDelayMs } from '../src/backoff.js';

it('waits 1 s and doubles to 30 s while a child keeps dying', () => {
  const waits: number[] = [];
  let delayMs: number | null = null;
  for (let death = 0; death < 7; death++) waits.push((delayMs = restartDelayMs(delayMs, 500)));
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

it('begins at 1 s again after a stable minute, not before', () => {
  expect(restartDelayMs(16_000, 60_000)).toBe(1000);
  expect(restartDelayMs(16_000, 59_999)).toBe(30_000);
});
