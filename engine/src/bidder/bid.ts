import type { AdSlot, BidRequest } from '@helios/proto/bid-request';
import { type BidResponse, encodeBidId } from '@helios/proto/events';
import { fromMicros } from '@helios/proto/money';
import { creativeFor } from './creative.js';
import { bestInterest, type Interest, type NoBidReason, noBidReason, type PricingStrategy } from './pricing.js';

/** From a parsed request and a profile to bids (pure): the decision core, free of Kafka, clocks and configuration lookups. */

export interface Profile {
  /** Empty: the user is not known. */
  readonly user_id: string;
  readonly locale: string;
  readonly interests: readonly Interest[];
  readonly demographics: Readonly<Record<string, string>>;
}

export interface BidRules {
  readonly pricing: PricingStrategy;
  /** Used when the request names none. */
  readonly auctionType: 1 | 2;
}

export interface Bidding {
  readonly bids: readonly BidResponse[];
  readonly noBids: readonly { readonly slotId: string; readonly reason: NoBidReason }[];
}

/**
 * Prices every slot of a request. `profile` null: the lookup failed or was late, the bids go out unenriched.
 * `bidAt` is ISO 8601, taken once a batch by the caller. The order of the slots is kept.
 */
export function bidOn(request: BidRequest, profile: Profile | null, rules: BidRules, bidAt: string): Bidding {
  const best = profile === null ? null : bestInterest(profile.interests);
  const priceMicros = rules.pricing.priceMicros(best);
  const enriched = profile !== null && profile.user_id !== '';
  const bids: BidResponse[] = [];
  const noBids: { slotId: string; reason: NoBidReason }[] = [];
  for (const slot of request.slots) {
    const reason = noBidReason(slot, request.usdAllowed, priceMicros);
    if (reason === null) bids.push(bidResponse(request, slot, best, priceMicros, enriched, rules, bidAt));
    else noBids.push({ slotId: slot.id, reason });
  }
  return { bids, noBids };
}

function bidResponse(
  request: BidRequest,
  slot: AdSlot,
  best: Interest | null,
  priceMicros: number,
  enriched: boolean,
  rules: BidRules,
  bidAt: string,
): BidResponse {
  return {
    bid_id: encodeBidId(request.id, slot.id),
    bid_request_id: request.id,
    slot_id: slot.id,
    user_id: request.userId,
    site_domain: request.siteDomain,
    bid_price: fromMicros(priceMicros),
    currency: 'USD',
    floor: fromMicros(slot.floorMicros),
    auction_type: request.auctionType ?? rules.auctionType,
    test: request.test,
    creative: creativeFor(best?.category ?? null, slot.w, slot.h),
    strategy: rules.pricing.name,
    enriched,
    top_interest: best === null ? null : { category: best.category, score: best.score },
    bid_at: bidAt,
  };
}
