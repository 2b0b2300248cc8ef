import type { AuctionOutcome } from '@helios/proto/events';
import { outcome } from '../../../analytics/test/outcomes.js';

/** Outcomes as the page is to show them: denser towards now, with sites and interests of uneven size and prices that win as they should. */

const interests = ['sports', 'travel', 'automotive', 'finance', 'cooking', 'music'];
const bidPrices = [0.01, 0.05, 0.05, 0.1];
const sizes = [
  { w: 300, h: 250 },
  { w: 728, h: 90 },
  { w: 320, h: 50 },
];
const FLOOR = 0.003;

/**
 * `count` outcomes over the last `spanMs`, newest first; the newest is two seconds old. A quarter of them is in the last sixteenth of the
 * time. Site `n` has about half of the bids of site `n - 1`. The same `count` gives the same outcomes but for their time.
 */
export function recentOutcomes(count: number, spanMs: number, nowUnixMs: number): AuctionOutcome[] {
  return Array.from({ length: count }, (_, index) => {
    const timestamp = Math.round(nowUnixMs - 2000 - (spanMs - 2000) * (index / count) ** 2);
    const rank = Math.clz32(scattered(index, 1) | 1);
    const enriched = scattered(index, 2) % 4 !== 0;
    const bidPrice = enriched ? (bidPrices[scattered(index, 3) % bidPrices.length] ?? 0.01) : 0.01;
    const marketPrice = micros(0.004 * 2 ** ((scattered(index, 4) % 1000) / 200));
    const won = bidPrice > marketPrice;
    return outcome(index, {
      site_domain: rank === 4 ? '' : `site-${rank}.example`,
      timestamp: new Date(timestamp).toISOString(),
      bid_at: new Date(timestamp - 20).toISOString(),
      creative: { id: `creative-${index % 7}`, ...(sizes[scattered(index, 5) % sizes.length] ?? { w: 300, h: 250 }), adm: '<a>ad</a>' },
      enriched,
      top_interest: enriched ? { category: interests[rank % interests.length] ?? 'sports', score: 0.75 } : null,
      bid_price: bidPrice,
      floor: FLOOR,
      auction_type: 2,
      market_price: marketPrice,
      win_status: won,
      win_price: won ? Math.max(FLOOR, marketPrice) : 0,
      // One in fifty belongs to a test campaign, which is shown and counted nowhere.
      test: index % 50 === 49,
    });
  });
}

/** A number of 32 bits that looks drawn, and is the same for the same two. */
function scattered(index: number, salt: number): number {
  let mixed = Math.imul(index + 1, 2_654_435_761) ^ Math.imul(salt, 2_246_822_519);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 2_246_822_519);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 3_266_489_917);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

const micros = (usd: number): number => Math.floor(usd * 1e6) / 1e6;
