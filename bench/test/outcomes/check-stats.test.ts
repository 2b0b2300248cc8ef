import { describe, expect, it } from 'vitest';
import { checkBreakdown, checkSummary, checkTimeseries } from '../../outcomes/check-stats.js';
import type { RangeFacts } from '../../outcomes/stats-facts.js';

const totals = { bids: 6, wins: 3, spend_usd: 0.12 };
const byTwo = [
  { value: 'a', bids: 4, wins: 2, spend_usd: 0.1 },
  { value: 'b', bids: 2, wins: 1, spend_usd: 0.02 },
];
const facts: RangeFacts = {
  since: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T02:00:00.000Z',
  ...totals,
  by: { site: byTwo, interest: byTwo, price_tier: byTwo, creative_size: byTwo, enriched: byTwo },
};
const HOUR_MS = 3_600_000;

describe('the check of statistics', () => {
  it('takes answers that say what the rows say', () => {
    checkSummary(JSON.stringify({ current: totals, previous: { bids: 0 } }), facts);
    const points = [
      { time: '2026-01-01T00:00:00Z', bids: 4, wins: 3, spend_usd: 0.1 },
      { time: '2026-01-01T01:00:00Z', bids: 2, wins: 0, spend_usd: 0.02 },
    ];
    checkTimeseries(JSON.stringify({ points }), facts, HOUR_MS);
    checkBreakdown(JSON.stringify({ total: totals, results: byTwo, rest: null }), facts, 'site');
  });

  it('names a total, a point and a value that are wrong', () => {
    expect(() => checkSummary(JSON.stringify({ current: { ...totals, wins: 4 }, previous: { bids: 0 } }), facts)).toThrow(
      'summary: wins is 4, expected 3',
    );
    expect(() => checkSummary(JSON.stringify({ current: { ...totals, spend_usd: 0.13 }, previous: { bids: 0 } }), facts)).toThrow(
      'summary: spend is 0.13',
    );
    const point = { time: '2026-01-01T00:00:00Z', ...totals };
    expect(() => checkTimeseries(JSON.stringify({ points: [point] }), facts, HOUR_MS)).toThrow('timeseries: points is 1, expected 2');
    expect(() => checkTimeseries(JSON.stringify({ points: [point, point] }), facts, HOUR_MS)).toThrow('timeseries: time');
    const swapped = { total: totals, results: byTwo.toReversed(), rest: null };
    expect(() => checkBreakdown(JSON.stringify(swapped), facts, 'site')).toThrow('breakdown by site: bids at 0 is 2, expected 4');
    const rest = { total: totals, results: byTwo, rest: { values: 3 } };
    expect(() => checkBreakdown(JSON.stringify(rest), facts, 'site')).toThrow('values in the rest is 3, expected 0');
  });
});
