import { describe, expect, it } from 'vitest';
import { figuresBetween, liveLine, totalsOf } from '../src/live-line.js';
import { parseMetrics } from '../src/metrics-text.js';

function scrape(accepted: number, won: number, lostBids: number, buckets: readonly [number, number, number], lost = 0) {
  return parseMetrics(`# HELP bid_requests_total x
bid_requests_total{outcome="accepted"} ${accepted}
bid_requests_total{outcome="invalid"} 5
helios_outcomes_total{win="true"} ${won}
helios_outcomes_total{win="false"} ${lostBids}
helios_events_lost_total ${lost}
helios_accepted_to_row_seconds_bucket{le="0.025"} ${buckets[0]}
helios_accepted_to_row_seconds_bucket{le="0.05"} ${buckets[1]}
helios_accepted_to_row_seconds_bucket{le="+Inf"} ${buckets[2]}
helios_accepted_to_row_seconds_sum 1.5
`);
}

describe('the live line', () => {
  it('shows rates, win rate, latency and losses of the window, summed over processes', () => {
    const before = totalsOf([scrape(100, 10, 10, [0, 0, 0]), scrape(50, 0, 0, [0, 0, 0])], 1000);
    const now = totalsOf([scrape(140, 40, 30, [90, 100, 100], 2), scrape(60, 0, 0, [0, 0, 0], 1)], 3000);
    expect(liveLine(figuresBetween(before, now))).toBe('accepted 25/s · outcomes 25/s · won 60 % · accepted to row p99 <= 50 ms · lost 3');
  });

  it('shows dashes where nothing happened', () => {
    const still = totalsOf([scrape(1, 1, 1, [3, 3, 3])], 0);
    expect(liveLine(figuresBetween(still, { ...still, atMonoMs: 1000 }))).toBe(
      'accepted 0/s · outcomes 0/s · won - · accepted to row p99 - · lost 0',
    );
  });

  it('keeps a decimal of slow rates', () => {
    const before = totalsOf([scrape(0, 0, 0, [0, 0, 0])], 0);
    expect(liveLine(figuresBetween(before, totalsOf([scrape(3, 1, 0, [1, 1, 1])], 2000)))).toContain('accepted 1.5/s · outcomes 0.5/s');
  });

  it('says so when rows took longer than the last edge', () => {
    const before = totalsOf([scrape(0, 0, 0, [0, 0, 0])], 0);
    expect(liveLine(figuresBetween(before, totalsOf([scrape(9, 9, 0, [0, 0, 9])], 1000)))).toContain('p99 > 60 s');
  });

  it('takes a service that started again as no progress, never as a negative rate', () => {
    const before = totalsOf([scrape(500, 100, 100, [50, 60, 70])], 0);
    expect(liveLine(figuresBetween(before, totalsOf([scrape(2, 0, 0, [0, 0, 0])], 1000)))).toContain('accepted 0/s · outcomes 0/s');
  });
});

it('label values may hold quotes, commas and braces', () => {
  const samples = parseMetrics('m{a="x,y={\\"1\\"}",b="2"} 3\n').get('m');
  expect(samples).toEqual([{ labels: { a: 'x,y={\\"1\\"}', b: '2' }, value: 3 }]);
});
