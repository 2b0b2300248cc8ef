import { describe, expect, it } from 'vitest';
import { latencyChange, rateChange, relativeChange } from '../src/change.js';
import {
  agoText,
  countText,
  cpmText,
  dayTimeText,
  durationText,
  momentText,
  rangeText,
  rateText,
  spanText,
  timeText,
  usdText,
  zoneText,
} from '../src/formats.js';

describe('texts of the page', () => {
  it.each([
    [0.05, '$0.0500'],
    [0.007031, '$0.0070'],
    [0, '$0.0000'],
    [16.1, '$16.1000'],
    [null, '–'],
  ])('shows the price %s as %s', (usdCpm, expected) => {
    expect(cpmText(usdCpm)).toBe(expected);
  });

  it.each([
    [0, '$0.00'],
    [0.01234, '$0.0123'],
    [12.345, '$12.35'],
    [99_999.994, '$99,999.99'],
    [1_234_567, '$1.235M'],
  ])('shows the amount %d as %s', (amountUsd, expected) => {
    expect(usdText(amountUsd)).toBe(expected);
  });

  it('shortens counts from a hundred thousand on', () => {
    expect([0, 99_999, 100_000, 1_234_567].map(countText)).toEqual(['0', '99,999', '100K', '1.23M']);
  });

  it('shows rates, durations and spans', () => {
    expect([0, 0.6123, 1, null].map(rateText)).toEqual(['0.0%', '61.2%', '100.0%', '–']);
    expect([0.4, 9.96, 87.3, 999, 1234, 45_678].map(durationText)).toEqual(['0.4 ms', '10.0 ms', '87 ms', '999 ms', '1.23 s', '45.7 s']);
    expect([60_000, 900_000, 3_600_000, 5_400_000, 86_400_000, 2_592_000_000].map(spanText)).toEqual([
      '1 min',
      '15 min',
      '1 h',
      '90 min',
      '24 h',
      '30 days',
    ]);
  });

  it('shows the time of day in the reader’s zone, to the millisecond', () => {
    expect(timeText('2026-01-31T23:59:59.123456Z', 'UTC')).toBe('23:59:59.123');
    expect(timeText('2026-01-31T23:59:59Z', 'Asia/Kolkata')).toBe('05:29:59.000');
  });

  it('shows days, with the year when it is another one', () => {
    const now = Date.parse('2026-02-01T00:00:00Z');
    expect(dayTimeText(Date.parse('2026-01-31T23:30:00Z'), now, 'Europe/Berlin')).toBe('1 Feb, 00:30');
    expect(dayTimeText(Date.parse('2025-01-31T12:00:00Z'), now, 'UTC')).toBe('31 Jan 2025, 12:00');
    expect(momentText('2025-01-31T12:00:00.5Z', now, 'UTC')).toBe('31 Jan 2025, 12:00:00.500');
  });

  it('shows a range with its day once, or twice when it changes', () => {
    const noon = Date.parse('2026-01-31T12:00:00Z');
    expect(rangeText(noon - 3_600_000, noon, noon, 'UTC')).toBe('31 Jan, 11:00 – 12:00');
    expect(rangeText(noon - 86_400_000, noon, noon, 'UTC')).toBe('30 Jan, 12:00 – 31 Jan, 12:00');
  });

  it('names the zone with its offset at that time', () => {
    expect(zoneText('Europe/Berlin', Date.parse('2026-01-31T12:00:00Z'))).toBe('Europe/Berlin (GMT+1)');
    expect(zoneText('Europe/Berlin', Date.parse('2026-07-31T12:00:00Z'))).toBe('Europe/Berlin (GMT+2)');
    expect(zoneText('UTC', 0)).toBe('UTC');
  });

  it.each([
    [-5, '0 s'],
    [4400, '4 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
  ])('shows %d ms ago as %s', (elapsedMs, expected) => {
    expect(agoText(elapsedMs)).toBe(expected);
  });
});

describe('a change against the period before', () => {
  it('of a quantity is relative, and not judged', () => {
    expect(relativeChange(120, 100)).toEqual({ direction: 'up', words: 'up 20.0%', judgement: null });
    expect(relativeChange(50, 100)).toEqual({ direction: 'down', words: 'down 50.0%', judgement: null });
    expect(relativeChange(0, 100).words).toBe('down 100.0%');
    expect(relativeChange(100.01, 100).direction).toBe('same');
    expect(relativeChange(2500, 100).words).toBe('up 25 times');
  });

  it('of a rate is in points', () => {
    expect(rateChange(0.62, 0.5).words).toBe('up 12.0 points');
    expect(rateChange(0.5, 0.5004).direction).toBe('same');
  });

  it('of a latency says what is better', () => {
    expect(latencyChange(80, 98)).toEqual({ direction: 'down', words: 'down 18 ms', judgement: 'better' });
    expect(latencyChange(98, 80).judgement).toBe('worse');
    expect(latencyChange(80, 80.01).judgement).toBeNull();
  });

  it.each([
    [null, 1],
    [1, null],
    [1, 0],
  ])('from %s on %s is none', (current, previous) => {
    expect(relativeChange(current, previous).direction).toBe('unknown');
    if (previous !== 0) expect(rateChange(current, previous).direction).toBe('unknown');
    if (previous !== 0) expect(latencyChange(current, previous).direction).toBe('unknown');
  });
});
