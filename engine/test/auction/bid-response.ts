import type { BidResponse } from '@helios/proto/events';

/** A bid as the bidder publishes it. */
export function bidResponse(overrides: Partial<BidResponse> = {}): BidResponse {
  return {
    bid_id: 'req-1:top',
    bid_request_id: 'req-1',
    slot_id: 'top',
    user_id: 'user-1',
    site_domain: 'news.example',
    bid_price: 0.05,
    currency: 'USD',
    floor: 0.01,
    auction_type: 2,
    test: false,
    creative: { id: 'sports-300x250', w: 300, h: 250, adm: '<div>More about sports</div>' },
    strategy: 'highest_interest',
    enriched: true,
    top_interest: { category: 'sports', score: 0.8 },
    bid_at: '2026-01-31T12:00:00.000Z',
    ...overrides,
  };
}
