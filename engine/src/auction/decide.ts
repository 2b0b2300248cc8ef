import type { BidResponse } from '@helios/proto/events';
import { fromMicros, toMicros } from '@helios/proto/money';
import { type Market, marketPriceUsd } from './market.js';

/** Who wins a slot, and what it costs (pure). Source: spec section 2.4. */

export interface Decision {
  readonly win_status: boolean;
  /** USD CPM: the clearing price when won, else 0. */
  readonly win_price: number;
  /** USD CPM: the best competing bid. */
  readonly market_price: number;
}

/** Decides one auction: the same bid, market and seed give the same decision everywhere. */
export function decide(bid: BidResponse, market: Market): Decision {
  const bidMicros = toMicros(bid.bid_price, 'down');
  const floorMicros = toMicros(bid.floor, 'up');
  const marketMicros = toMicros(marketPriceUsd(bid.bid_id, market), 'down');
  const winMicros = clearingMicros(bidMicros, floorMicros, marketMicros, bid.auction_type);
  return { win_status: winMicros !== null, win_price: fromMicros(winMicros ?? 0), market_price: fromMicros(marketMicros) };
}

/**
 * What the bid pays, in micros, or null when it loses. It wins at or above the floor and above the market (a tie loses). First price
 * (`auctionType` 1) pays the bid; second price (2) pays the larger of market price and floor.
 */
export function clearingMicros(bidMicros: number, floorMicros: number, marketMicros: number, auctionType: 1 | 2): number | null {
  if (bidMicros < floorMicros || bidMicros <= marketMicros) return null;
  return auctionType === 1 ? bidMicros : Math.max(marketMicros, floorMicros);
}
