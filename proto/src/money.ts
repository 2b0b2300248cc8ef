/**
 * Money is an integer count of micros of USD CPM: 1,000,000 micros = 1.00 USD per 1,000 impressions.
 * Decimals exist at the JSON and SQL edges only and become micros here, from their shortest decimal text,
 * never by multiplying floats (0.29 * 1e6 is 290000.00000000006). Source: spec section 2.4.
 */

export const MICROS_PER_USD = 1_000_000;

/** Floors saturate here (1,000 USD CPM). No price of ours comes near it, so the slot gets no bid either way. */
export const FLOOR_MAX_MICROS = 1_000_000_000;

export type Rounding = 'up' | 'down';

/**
 * Turns a finite, non-negative decimal (USD CPM) into integer micros, saturating at `FLOOR_MAX_MICROS`.
 * `rounding` says what happens to digits past the sixth place: floors round up, market prices down.
 * @throws RangeError on NaN, an infinity or a negative number: callers validate first.
 */
export function toMicros(decimal: number, rounding: Rounding): number {
  if (!Number.isFinite(decimal) || decimal < 0) throw new RangeError(`money must be finite and not negative, got ${decimal}`);
  if (decimal >= FLOOR_MAX_MICROS / MICROS_PER_USD) return FLOOR_MAX_MICROS;
  if (decimal === 0) return 0;
  return microsFromText(String(decimal), rounding);
}

/** Micros as a decimal number of USD CPM with at most six places: the nearest double prints as exactly that decimal. */
export function fromMicros(micros: number): number {
  return micros / MICROS_PER_USD;
}

/** Micros from the shortest text of a number below 1000: `12.3456789`, `1e-7` or `1.5e-10`. */
function microsFromText(text: string, rounding: Rounding): number {
  const exponentAt = text.indexOf('e');
  // JavaScript writes numbers below 1e-6 with an exponent: less than one micro.
  if (exponentAt !== -1) return rounding === 'up' ? 1 : 0;
  const pointAt = text.indexOf('.');
  if (pointAt === -1) return Number(text) * MICROS_PER_USD;
  const whole = Number(text.slice(0, pointAt)) * MICROS_PER_USD;
  const places = text.length - pointAt - 1;
  const micros = whole + Number(text.slice(pointAt + 1, pointAt + 7).padEnd(6, '0'));
  // The shortest text never ends in a zero, so any seventh digit means a remainder.
  return rounding === 'up' && places > 6 ? micros + 1 : micros;
}
