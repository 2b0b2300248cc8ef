import type { AdSlot } from '@helios/proto/bid-request';
import { eventLimits } from '@helios/proto/events';
import { storableProblem } from '@helios/proto/storable';

/**
 * What a slot is worth, and when it gets no bid (pure). A newcomer who looks for where a price is set is here.
 * Strategies stand side by side: one is a name and a function from a user's interests to a price.
 */

export interface Interest {
  readonly category: string;
  /** 0.0 to 1.0. */
  readonly score: number;
}

export interface PricingStrategy {
  /** Goes into every bid it made. */
  readonly name: string;
  /** The bid in micros of USD CPM, from the user's best interest; null: none is known. */
  readonly priceMicros: (best: Interest | null) => number;
}

/** Why a slot gets no bid; the first that applies, in this order. Source: spec section 2.2. */
export const noBidReasons = ['unsupported_format', 'no_size', 'currency', 'floor'] as const;
export type NoBidReason = (typeof noBidReasons)[number];

export interface InterestTiers {
  /** Paid when the best score is above `highAbove`. */
  readonly highMicros: number;
  readonly highAbove: number;
  /** Paid when the best score is at least `midFrom` and not above `highAbove`. */
  readonly midMicros: number;
  readonly midFrom: number;
  /** Paid otherwise: a low score, no interests, an unknown user, a lookup that failed. */
  readonly baseMicros: number;
}

/** The tiers of spec row S3.3: 0.10 above 0.9, 0.05 from 0.7 to 0.9 with both ends, 0.01 otherwise. */
export const defaultTiers: InterestTiers = { highMicros: 100_000, highAbove: 0.9, midMicros: 50_000, midFrom: 0.7, baseMicros: 10_000 };

/** Prices by the user's highest interest score. Source: spec row S3.3. */
export function highestInterest(tiers: InterestTiers = defaultTiers): PricingStrategy {
  return {
    name: 'highest_interest',
    priceMicros: (best) => {
      if (best === null || best.score < tiers.midFrom) return tiers.baseMicros;
      return best.score > tiers.highAbove ? tiers.highMicros : tiers.midMicros;
    },
  };
}

/**
 * The interest with the highest score; the first of equals; null when there is none. Profiles come from outside: a score that is not
 * in 0..1 or a category that no later hop would take (empty, or not to be stored) does not count.
 */
export function bestInterest(interests: readonly Interest[]): Interest | null {
  let best: Interest | null = null;
  for (const interest of interests) {
    if (!(interest.score >= 0 && interest.score <= 1) || (best !== null && interest.score <= best.score)) continue;
    if (interest.category !== '' && storableProblem(interest.category, eventLimits.categoryMaxBytes) === null) best = interest;
  }
  return best;
}

/** Why `slot` gets no bid at `priceMicros`, or null when it gets one. `usdAllowed` is the request's. */
export function noBidReason(slot: AdSlot, usdAllowed: boolean, priceMicros: number): NoBidReason | null {
  if (!slot.banner) return 'unsupported_format';
  if (slot.w === 0 || slot.h === 0) return 'no_size';
  if (!usdAllowed || !slot.floorInUsd) return 'currency';
  if (slot.floorMicros > priceMicros) return 'floor';
  return null;
}
