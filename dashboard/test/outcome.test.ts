import { describe, expect, it } from 'vitest';
import { agoText, priceText, timeText } from '../src/outcome.js';

describe('texts of the page', () => {
  it.each([
    [0.05, '0.0500'],
    [0.007031, '0.0070'],
    [0, '0.0000'],
    [16.1, '16.1000'],
  ])('shows the price %d as %s', (usdCpm, expected) => {
    expect(priceText(usdCpm)).toBe(expected);
  });

  it('shows the time of day in the reader’s zone, to the millisecond', () => {
    expect(timeText('2026-01-31T23:59:59.123456Z', 'UTC')).toBe('23:59:59.123');
    expect(timeText('2026-01-31T23:59:59Z', 'Asia/Kolkata')).toBe('05:29:59.000');
  });

  it.each([
    [-5, '0 s'],
    [4400, '4 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
  ])('shows %d ms as %s', (elapsedMs, expected) => {
    expect(agoText(elapsedMs)).toBe(expected);
  });
});
