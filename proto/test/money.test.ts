import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLOOR_MAX_MICROS, fromMicros, MICROS_PER_USD, toMicros } from '../src/money.js';
import type { Rounding } from '../src/money.js';

/** Micros by exact integer arithmetic on the number's shortest decimal text: the definition, slow and plain. */
function exactMicros(decimal: number, rounding: Rounding): number {
  const [mantissa = '', exponent = '0'] = String(decimal).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  // decimal = digits * 10^scale, exactly.
  const digits = BigInt(whole + fraction);
  const scale = Number(exponent) - fraction.length + 6;
  if (scale >= 0) return Number(bounded(digits * 10n ** BigInt(scale)));
  const divisor = 10n ** BigInt(-scale);
  const down = digits / divisor;
  return Number(bounded(rounding === 'up' && digits % divisor !== 0n ? down + 1n : down));
}

function bounded(micros: bigint): bigint {
  return micros > BigInt(FLOOR_MAX_MICROS) ? BigInt(FLOOR_MAX_MICROS) : micros;
}

const price = fc.oneof(
  fc.double({ min: 0, max: 1100, noNaN: true }),
  fc.double({ min: 0, max: 1e-5, noNaN: true }),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  // Prices as people write them: up to nine places.
  fc.tuple(fc.nat(999), fc.nat(999_999_999)).map(([whole, billionths]) => Number(`${whole}.${String(billionths).padStart(9, '0')}`)),
);
const rounding = fc.constantFrom<Rounding>('up', 'down');

describe('toMicros', () => {
  test.each<[number, Rounding, number]>([
    [0, 'up', 0],
    [-0, 'up', 0],
    [0.1503213, 'up', 150_322],
    [0.1503213, 'down', 150_321],
    [0.150321, 'up', 150_321],
    [16.1, 'up', 16_100_000],
    [0.29, 'up', 290_000],
    [0.29, 'down', 290_000],
    [1.1, 'down', 1_100_000],
    [0.000001, 'up', 1],
    [0.000001, 'down', 1],
    [0.0000001, 'up', 1],
    [0.0000001, 'down', 0],
    [5e-324, 'up', 1],
    [0.1 + 0.2, 'up', 300_001],
    [999.999999, 'up', 999_999_999],
    [999.9999999, 'up', 1_000_000_000],
    [1000, 'down', 1_000_000_000],
    [1e21, 'up', 1_000_000_000],
    [Number.MAX_VALUE, 'down', 1_000_000_000],
  ])('%d rounded %s is %i micros', (decimal, rounding, micros) => {
    expect(toMicros(decimal, rounding)).toBe(micros);
  });

  test('agrees with exact arithmetic on the decimal text', () => {
    fc.assert(
      fc.property(price, rounding, (decimal, rounding) => {
        expect(toMicros(decimal, rounding)).toBe(exactMicros(decimal, rounding));
      }),
      { numRuns: 2000 },
    );
  });

  test('is monotonic', () => {
    fc.assert(
      fc.property(price, price, rounding, (one, other, rounding) => {
        expect(toMicros(Math.min(one, other), rounding)).toBeLessThanOrEqual(toMicros(Math.max(one, other), rounding));
      }),
    );
  });

  test('rounds up and down to neighbours that enclose the number', () => {
    fc.assert(
      fc.property(price, (decimal) => {
        const [down, up] = [toMicros(decimal, 'down'), toMicros(decimal, 'up')];
        expect(up - down === 0 || up - down === 1).toBe(true);
      }),
    );
  });

  test.each([Number.NaN, Infinity, -Infinity, -0.01])('throws on %d', (decimal) => {
    expect(() => toMicros(decimal, 'up')).toThrow(RangeError);
  });
});

describe('fromMicros', () => {
  test('makes the decimal that becomes the same micros again, either way, with at most six places', () => {
    fc.assert(
      fc.property(fc.nat(FLOOR_MAX_MICROS), rounding, (micros, rounding) => {
        const decimal = fromMicros(micros);
        expect(toMicros(decimal, rounding)).toBe(micros);
        expect(Number(decimal.toFixed(6))).toBe(decimal);
      }),
    );
    expect(fromMicros(MICROS_PER_USD)).toBe(1);
  });
});
