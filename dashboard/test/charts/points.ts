import type { TimePoint } from '../../src/stats.js';

/** A bin with every figure; `changes` says what is different about it. */
export function timePoint(unixMs: number, changes: Partial<TimePoint> = {}): TimePoint {
  return {
    time: new Date(unixMs).toISOString(),
    bids: 100,
    wins: 60,
    win_rate: 0.6,
    spend_usd: 0.002,
    avg_bid_price: 0.05,
    avg_market_price: 0.04,
    avg_clearing_price: 0.03,
    ecpm: 0.03,
    ...changes,
  };
}

export const noBids: Partial<TimePoint> = {
  bids: 0,
  wins: 0,
  win_rate: null,
  spend_usd: 0,
  avg_bid_price: null,
  avg_market_price: null,
  avg_clearing_price: null,
  ecpm: null,
};
