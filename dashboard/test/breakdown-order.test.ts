import { describe, expect, it } from 'vitest';
import { firstOrder, ordered, pressed, shareOf } from '../src/breakdown-order.js';
import type { Breakdown, BreakdownRow } from '../src/stats.js';

const row = (value: string, bids: number, winRate: number | null, spendUsd: number): BreakdownRow => ({
  value,
  bids,
  wins: 0,
  win_rate: winRate,
  spend_usd: spendUsd,
  avg_bid_price: null,
  avg_clearing_price: null,
  ecpm: null,
});
const rows = [row('b10', 30, 0.2, 1), row('b2', 20, null, 3), row('a', 10, 0.9, 2)];
const valuesOf = (list: readonly BreakdownRow[]) => list.map(({ value }) => value);

describe('the order of a breakdown', () => {
  it('starts with the most bids', () => {
    expect(valuesOf(ordered(rows, firstOrder))).toEqual(['b10', 'b2', 'a']);
  });

  it('turns around at the second press on a header', () => {
    const ascending = pressed(firstOrder, 'bids');
    expect(ascending.direction).toBe('ascending');
    expect(valuesOf(ordered(rows, ascending))).toEqual(['a', 'b2', 'b10']);
    expect(pressed(ascending, 'bids')).toEqual(firstOrder);
  });

  it('by spend asks the API for another ranking, by win rate it does not', () => {
    const spend = pressed(firstOrder, 'spend_usd');
    expect(spend).toEqual({ column: 'spend_usd', direction: 'descending', rank: 'spend_usd' });
    expect(pressed(spend, 'win_rate').rank).toBe('spend_usd');
    expect(pressed(spend, 'bids').rank).toBe('bids');
  });

  it('puts rows without the figure last, either way round', () => {
    const winRate = pressed(firstOrder, 'win_rate');
    expect(valuesOf(ordered(rows, winRate))).toEqual(['a', 'b10', 'b2']);
    expect(valuesOf(ordered(rows, pressed(winRate, 'win_rate')))).toEqual(['b10', 'a', 'b2']);
  });

  it('sorts names with their numbers as numbers', () => {
    expect(valuesOf(ordered(rows, pressed(firstOrder, 'value')))).toEqual(['a', 'b2', 'b10']);
  });

  it('gives each row its part of everything, nothing of nothing', () => {
    const breakdown = { total: row('', 60, null, 0) } as unknown as Breakdown;
    expect(shareOf(row('', 30, null, 0), breakdown, 'bids')).toBe(0.5);
    expect(shareOf(row('', 30, null, 0), breakdown, 'spend_usd')).toBe(0);
  });
});
