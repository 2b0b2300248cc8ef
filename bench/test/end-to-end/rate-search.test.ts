import { RateSearch, type SearchBounds } from '@helios/bench/end-to-end/rate-search';
import { assert, integer, property } from 'fast-check';
import { expect, it } from 'vitest';

const bounds: SearchBounds = { firstPerSecond: 1000, leastPerSecond: 100, mostPerSecond: 20_000, stepsMax: 20, toleranceShare: 0.05 };

/** Runs a search against something that sustains `limit` a second; returns what it tried. */
function searched(limit: number, of: SearchBounds = bounds): { found: number | null; tried: number[] } {
  const search = new RateSearch(of);
  const tried: number[] = [];
  for (let rate = search.next(); rate !== null; rate = search.next()) {
    tried.push(rate);
    search.observe(rate, rate <= limit);
  }
  return { found: search.found, tried };
}

it('the rate found is sustained, and within the tolerance of what is', () => {
  assert(
    property(integer({ min: 100, max: 19_000 }), (limit) => {
      const { found } = searched(limit);
      expect(found).not.toBeNull();
      expect(found as number).toBeLessThanOrEqual(limit);
      // One more request a second is lost to rounding at the lowest rates.
      expect(limit).toBeLessThanOrEqual((found as number) * 1.05 + 1);
    }),
  );
});

it('it begins at the first rate and grows by half while all holds, up to the greatest', () => {
  const { found, tried } = searched(Number.POSITIVE_INFINITY);
  expect(tried.slice(0, 3)).toEqual([1000, 1500, 2250]);
  expect(tried.at(-1)).toBe(20_000);
  expect(found).toBe(20_000);
});

it('it halves while nothing holds, and finds nothing below the least rate', () => {
  const { found, tried } = searched(50);
  expect(tried).toEqual([1000, 500, 250, 125, 100]);
  expect(found).toBeNull();
});

it('it never takes more steps than it may', () => {
  const { found, tried } = searched(12_345, { ...bounds, stepsMax: 3 });
  expect(tried).toHaveLength(3);
  expect(found).toBe(2250);
});

it('bounds that contradict each other are refused', () => {
  expect(() => new RateSearch({ ...bounds, leastPerSecond: 2000 })).toThrow('makes no sense');
});
