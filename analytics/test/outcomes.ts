import { type AuctionOutcome, encodeAuctionOutcome, encodeBidId } from '@helios/proto/events';
import type { ConsumedMessage } from '@helios/runtime/kafka/consumer';

/** Outcomes for tests: each differs from the next in every dimension that is counted. Times are relative to `nowUnixMs`. */

export const sites = ['news.example', 'sports.example', '', 'com.example.app'] as const;

export function outcome(index: number, changes: Partial<AuctionOutcome> = {}, nowUnixMs = Date.now()): AuctionOutcome {
  const requestId = `req-${Math.floor(index / 2)}`;
  const slotId = `slot-${index % 2}`;
  const won = index % 3 === 0;
  return {
    bid_id: encodeBidId(requestId, slotId),
    bid_request_id: requestId,
    slot_id: slotId,
    user_id: index % 4 === 0 ? null : `user-${index % 5}`,
    site_domain: sites[index % sites.length] ?? '',
    bid_price: [0.01, 0.05, 0.1][index % 3] ?? 0.01,
    currency: 'USD',
    floor: 0.003,
    auction_type: index % 2 === 0 ? 2 : 1,
    test: false,
    creative: { id: `creative-${index % 7}`, w: 300, h: index % 2 === 0 ? 250 : 600, adm: '<a>ad</a>' },
    strategy: 'interest-tiers',
    enriched: index % 2 === 0,
    top_interest: index % 2 === 0 ? { category: index % 4 === 0 ? 'sports' : 'travel', score: 0.75 } : null,
    bid_at: new Date(nowUnixMs - 40 - (index % 1000)).toISOString(),
    win_status: won,
    win_price: won ? 0.007031 : 0,
    market_price: 0.000001 * (index % 90_000),
    timestamp: new Date(nowUnixMs - (index % 1000)).toISOString(),
    ...changes,
  };
}

export function message(value: AuctionOutcome | Buffer | null, offset = 0, headers: Record<string, string> = {}): ConsumedMessage {
  return {
    topic: 'auction_outcomes',
    partition: 0,
    offset,
    key: Buffer.from('key'),
    value: value === null || Buffer.isBuffer(value) ? value : Buffer.from(encodeAuctionOutcome(value)),
    headers: Object.entries(headers).map(([name, text]) => ({ [name]: text })),
  };
}
