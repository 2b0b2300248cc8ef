import { describe, expect, test } from 'vitest';
import { marketPriceUsd, standardNormal, uniform } from '../../src/auction/market.js';

const market = { medianUsd: 0.037, sigma: 1.17, seed: 1 };
const IDS = 200_000;

function share(count: number, holds: (index: number) => boolean): number {
  let found = 0;
  for (let index = 0; index < count; index++) if (holds(index)) found++;
  return found / count;
}

describe('the market', () => {
  test.each([
    [1, 'req-'],
    [2_147_483_647, 'req-'],
    [0, 'b6f2c9d4-7f1e-4d0a-9a53-'],
  ])('lets 13, 60 and 80 % of bids at 0.01, 0.05 and 0.10 win (seed %i, ids "%s...")', (seed, prefix) => {
    const seeded = { ...market, seed };
    const winRate = (price: number) => share(IDS, (index) => price > marketPriceUsd(`${prefix}${index}:1`, seeded));
    // Three standard errors of a share over 200,000 draws are 0.0033.
    expect(winRate(0.01)).toBeCloseTo(0.132, 2);
    expect(winRate(0.05)).toBeCloseTo(0.6015, 2);
    expect(winRate(0.1)).toBeCloseTo(0.802, 2);
  });

  test('has the median it is given and saturates at 1,000 USD', () => {
    expect(share(50_000, (index) => marketPriceUsd(`req-${index}:1`, market) < market.medianUsd)).toBeCloseTo(0.5, 1);
    expect(marketPriceUsd('req-1:1', { medianUsd: 1000, sigma: 0, seed: 1 })).toBe(1000);
    expect(share(1000, (index) => marketPriceUsd(`req-${index}:1`, { medianUsd: 900, sigma: 10, seed: 1 }) > 1000)).toBe(0);
  });

  test('gives one bid one price, whoever asks, and other seeds other prices', () => {
    expect(marketPriceUsd('req-1:top', market)).toBe(marketPriceUsd('req-1:top', { ...market }));
    expect(marketPriceUsd('req-1:top', market)).not.toBe(marketPriceUsd('req-1:top', { ...market, seed: 2 }));
  });
});

describe('the draw', () => {
  test('lies strictly between 0 and 1 and fills every hundredth evenly', () => {
    const hundredths = new Float64Array(100);
    let outside = 0;
    for (let index = 0; index < IDS; index++) {
      const drawn = uniform(`req-${index}:1`, 7);
      if (!(drawn > 0 && drawn < 1)) outside++;
      const hundredth = Math.floor(drawn * 100);
      hundredths[hundredth] = (hundredths[hundredth] ?? Number.NaN) + 1;
    }
    expect(outside).toBe(0);
    // Chi square with 99 degrees of freedom: 149 is passed once in a thousand.
    const expected = IDS / 100;
    const chiSquare = hundredths.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(149);
  });

  test.each([
    ['two slots of one request', (index: number) => [uniform(`req-${index}:1`, 1), uniform(`req-${index}:2`, 1)]],
    ['two requests in a row', (index: number) => [uniform(`req-${index}:1`, 1), uniform(`req-${index + 1}:1`, 1)]],
    ['two seeds in a row', (index: number) => [uniform(`req-${index}:1`, 1), uniform(`req-${index}:1`, 2)]],
  ])('of %s has nothing to do with each other', (_name, pair) => {
    const count = 50_000;
    let sum = 0;
    for (let index = 0; index < count; index++) {
      const [a, b] = pair(index) as [number, number];
      sum += (a - 0.5) * (b - 0.5);
    }
    // The correlation of independent draws stays within 0.018 (four standard errors).
    expect(Math.abs((sum / count) * 12)).toBeLessThan(0.018);
  });
});

test.each([
  [0.5, 0],
  [0.975, 1.959963984540054],
  [0.025, -1.959963984540054],
  [0.841344746068543, 1],
  [0.99, 2.326347874040841],
  [0.999, 3.090232306167813],
  [0.02425, -1.972961037577],
  [1e-6, -4.753424308822899],
  [1e-10, -6.361340902404056],
])('the normal quantile of %f is %f', (p, z) => {
  expect(standardNormal(p)).toBeCloseTo(z, 7);
});
