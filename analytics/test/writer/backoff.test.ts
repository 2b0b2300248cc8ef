import { describe, expect, it } from 'vitest';
import { Backoff } from '../../src/writer/backoff.js';

describe('Backoff', () => {
  it('doubles from the least to the longest wait', () => {
    const backoff = new Backoff(100, 5000, () => 0);
    expect(Array.from({ length: 8 }, () => backoff.nextMs())).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  it('shortens a wait by at most half', () => {
    expect(new Backoff(100, 5000, () => 0.999_999).nextMs()).toBeCloseTo(50, 2);
  });

  it('ends a wait at once when the work is called off', async () => {
    const abort = new AbortController();
    const waiting = new Backoff(60_000, 60_000, () => 0).wait(abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
  });
});
