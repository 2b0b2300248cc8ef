import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Interval, planBreakdown, planSeries, planSummary, previous, readRange, type SeriesPlan } from '../../src/api/stats-range.js';
import { ZoneClock } from '../../src/api/zone-clock.js';

/** A case: what is asked, and the plan or the sentence of the refusal. A reader can add one without TypeScript. */
interface Case {
  name: string;
  plan: 'summary' | 'breakdown' | 'auto' | Interval;
  since: string;
  until: string;
  filters: number;
  zone?: string;
  grain?: string;
  from?: string;
  to?: string;
  interval?: string;
  points?: number;
  refused?: string;
}
const cases = JSON.parse(readFileSync(new URL('../cases/stats-ranges.json', import.meta.url), 'utf8')) as Case[];

/** Offsets of halves and quarters of an hour, clocks that leap over midnight, by half an hour and by two, and far from UTC. */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Africa/Cairo',
  'Africa/Casablanca',
  'America/Havana',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
];

function planned({ plan, since, until, filters, zone = 'UTC' }: Case): Partial<SeriesPlan> & Pick<SeriesPlan, 'range' | 'grain'> {
  const range = readRange(since, until);
  if (plan === 'summary') return planSummary(range, filters);
  if (plan === 'breakdown') return planBreakdown(range, filters);
  return planSeries(range, plan, filters, new ZoneClock(zone));
}

describe('the plan of a statistic', () => {
  it.each(cases)('$plan: $name', (each) => {
    if (each.refused !== undefined) {
      expect(() => planned(each)).toThrow(each.refused);
      return;
    }
    const { grain, range, interval, starts } = planned(each);
    expect({ grain, interval, points: starts?.length }).toEqual({ grain: each.grain, interval: each.interval, points: each.points });
    if (each.from !== undefined) expect(new Date(range.sinceUnixMs).toISOString()).toBe(each.from);
    if (each.to !== undefined) expect(new Date(range.untilUnixMs).toISOString()).toBe(each.to);
  });

  it('has bins that follow each other through the range, in zones of every kind', () => {
    for (const zone of zones) {
      const range = readRange('2026-01-01T07:00:00Z', '2026-12-31T19:00:00Z');
      const clock = new ZoneClock(zone);
      const { starts } = planSeries(range, '1d', 0, clock);
      expect([zone, starts.length === 365 || starts.length === 366]).toEqual([zone, true]);
      const gapsMs = new Set(starts.slice(1).map((start, index) => start - (starts[index] ?? 0)));
      for (const gapMs of gapsMs) expect([zone, gapMs >= 22 * 3_600_000 && gapMs <= 26 * 3_600_000]).toEqual([zone, true]);
      const firstOfDay = starts.every((start) => clock.startOfDay(start) === start && clock.startOfDay(start - 1) < start);
      expect([zone, firstOfDay]).toEqual([zone, true]);
    }
  });

  it('has a previous period of the same length that ends where the current one begins', () => {
    const range = readRange('2026-03-10T00:00:00Z', '2026-03-17T00:00:00Z');
    expect(previous(range)).toEqual(readRange('2026-03-03T00:00:00Z', '2026-03-10T00:00:00Z'));
  });
});
