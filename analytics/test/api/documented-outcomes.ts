import { type AuctionOutcome, encodeBidId } from '@helios/proto/events';
import { headerText } from '@helios/runtime/kafka/headers';
import type { Database } from '../../src/db.js';
import { insertOutcomes } from '../../src/writer/insert-outcomes.js';
import { readOutcomes } from '../../src/writer/outcome-batch.js';
import { message, outcome } from '../outcomes.js';

/** The outcomes behind the examples of docs/api.md: few enough that its figures can be checked by hand. */

/** Request, slot, site, user, interest with score, bid, floor, auction type, market, size, decided at, decided so long after acceptance. */
const bids = [
  ['a1', 'top', 'news.example', 'user-0000042', ['sports', 0.9], 0.1, 0.01, 2, 0.04, '728x90', '12:00:10.250', 31],
  ['a1', 'side', 'news.example', 'user-0000042', ['sports', 0.9], 0.1, 0.01, 2, 0.12, '300x250', '12:00:10.250', 31],
  ['a2', 'top', 'shop.example', 'user-0000007', ['automotive', 0.6], 0.05, 0.01, 2, 0.031, '728x90', '12:00:40.000', 18],
  ['a3', 'top', 'news.example', null, null, 0.01, 0, 2, 0.05, '300x250', '12:01:05.500', 44],
  ['a4', 'top', 'com.example.app', 'user-0000042', ['sports', 0.9], 0.1, 0.02, 1, 0.02, '320x50', '12:03:20.000', 27],
  ['a5', 'top', 'shop.example', 'user-0000099', null, 0.01, 0.005, 2, 0.008, '300x250', '12:30:00.000', 62],
  ['a6', 'top', 'news.example', 'user-0000007', ['automotive', 0.6], 0.05, 0.01, 2, 0.06, '728x90', '12:59:59.999', 25],
  ['a7', 'top', 'news.example', 'user-0000042', ['sports', 0.9], 0.1, 0.01, 2, 0.055, '300x250', '13:00:00.000', 29],
] as const;

/** The day of the examples. */
export const documentedDay = '2026-01-31';

const events: { event: AuctionOutcome; acceptedAtUnixMs: number }[] = bids.map(
  ([requestId, slotId, site, user, interest, bid, floor, auctionType, market, size, time, latencyMs], index) => {
    const decidedAtUnixMs = Date.parse(`${documentedDay}T${time}Z`);
    const won = bid > market;
    const [w = 0, h = 0] = size.split('x').map(Number);
    return {
      acceptedAtUnixMs: decidedAtUnixMs - latencyMs,
      event: outcome(index, {
        bid_id: encodeBidId(requestId, slotId),
        bid_request_id: requestId,
        slot_id: slotId,
        user_id: user,
        site_domain: site,
        bid_price: bid,
        floor,
        auction_type: auctionType,
        creative: { id: `creative-${size}`, w, h, adm: '<a>ad</a>' },
        enriched: interest !== null,
        top_interest: interest === null ? null : { category: interest[0], score: interest[1] },
        win_status: won,
        win_price: won ? (auctionType === 1 ? bid : Math.max(market, floor)) : 0,
        market_price: market,
        bid_at: new Date(decidedAtUnixMs - 8).toISOString(),
        timestamp: new Date(decidedAtUnixMs).toISOString(),
      }),
    };
  },
);

/** Stores them as the writer does, but whatever their age. */
export async function storeDocumentedOutcomes(database: Database): Promise<void> {
  const messages = events.map(({ event, acceptedAtUnixMs }, offset) =>
    message(event, offset, { 'helios-accepted-at': String(acceptedAtUnixMs) }),
  );
  const { batch } = readOutcomes(messages, { nowUnixMs: Date.now(), retentionMs: Number.POSITIVE_INFINITY, header: headerText });
  const { inserted } = await insertOutcomes(database, batch);
  if (inserted !== events.length) throw new Error(`${inserted} of ${events.length} documented outcomes were stored`);
}
