import { latencyEdgesMs } from '../rollup-columns.js';

/**
 * The figures of a sum of outcomes. Sums come from PostgreSQL as decimal text and stay exact: money is counted in whole micros (BigInt),
 * and only what is shown becomes a double, the one nearest to its decimal. Pure. Source: spec section 2.4.
 */

/** Sums as PostgreSQL's text: counts as integers, prices in USD CPM with six places. */
export interface Sums {
  readonly bids: string;
  readonly wins: string;
  readonly bid_price_sum: string;
  readonly win_price_sum: string;
}

export interface Figures {
  readonly bids: number;
  readonly wins: number;
  /** wins / bids; null without bids, as all that follows is null without what it divides by. */
  readonly win_rate: number | null;
  /** Sum of clearing prices / 1000: exact, at most nine places. */
  readonly spend_usd: number;
  readonly avg_bid_price: number | null;
  readonly avg_clearing_price: number | null;
  /** The mean clearing price of wins, under its usual name. */
  readonly ecpm: number | null;
}

export const noSums: Sums = { bids: '0', wins: '0', bid_price_sum: '0', win_price_sum: '0' };

export function figuresOf(sums: Sums): Figures {
  const bids = Number(sums.bids);
  const wins = Number(sums.wins);
  const clearing = meanPrice(sums.win_price_sum, sums.wins);
  return {
    bids,
    wins,
    win_rate: bids === 0 ? null : wins / bids,
    // A price is for 1,000 impressions, and a win is one of them.
    spend_usd: Number(decimalText(microsOf(sums.win_price_sum), 9)),
    avg_bid_price: meanPrice(sums.bid_price_sum, sums.bids),
    avg_clearing_price: clearing,
    ecpm: clearing,
  };
}

/** The mean of `count` prices that add up to `sum`, to the nearest micro; null when there are none. */
export function meanPrice(sum: string, count: string): number | null {
  const number = BigInt(count);
  if (number === 0n) return null;
  return Number(decimalText((2n * microsOf(sum) + number) / (2n * number), 6));
}

/** What the parts add up to, exactly. */
export function addSums(parts: readonly Sums[]): Sums {
  const count = (name: 'bids' | 'wins') => parts.reduce((total, part) => total + BigInt(part[name]), 0n).toString();
  const price = (name: 'bid_price_sum' | 'win_price_sum') =>
    decimalText(
      parts.reduce((total, part) => total + microsOf(part[name]), 0n),
      6,
    );
  return {
    bids: count('bids'),
    wins: count('wins'),
    bid_price_sum: price('bid_price_sum'),
    win_price_sum: price('win_price_sum'),
  };
}

/**
 * The quantile `q` (0 to 1) of latencies in milliseconds, from the counts of those that were at most each of `latencyEdgesMs`, and of all.
 * Inside its bucket it is found by a straight line, the lowest bucket beginning at 0; beyond the last edge it is that edge; null without
 * any. To the microsecond. Source: histogram_quantile, https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile.
 */
export function bucketQuantileMs(q: number, cumulative: readonly number[], count: number): number | null {
  if (count === 0) return null;
  const rank = q * count;
  let belowMs = 0;
  let below = 0;
  for (const [index, edgeMs] of latencyEdgesMs.entries()) {
    const upTo = cumulative[index] ?? 0;
    if (upTo >= rank) return roundedMs(belowMs + (edgeMs - belowMs) * (upTo === below ? 0 : (rank - below) / (upTo - below)));
    belowMs = edgeMs;
    below = upTo;
  }
  return belowMs;
}

/** Milliseconds to the microsecond. */
export function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Whole micros of a decimal with at most six places that is not negative, as PostgreSQL writes a numeric. */
function microsOf(decimal: string): bigint {
  const [whole = '0', places = ''] = decimal.split('.', 2);
  return BigInt(whole + places.padEnd(6, '0'));
}

/** An integer with its decimal point moved `places` to the left. */
function decimalText(integer: bigint, places: number): string {
  const digits = integer.toString().padStart(places + 1, '0');
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
