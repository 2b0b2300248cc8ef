/**
 * The simulated competition (pure): the best competing bid for an ad slot is log-normal, drawn by a hash of the bid's id and a seed, so
 * the same bid meets the same market on every machine and every redelivery. Source: spec section 2.4.
 */

export interface Market {
  /** Median of the best competing bid, USD CPM. */
  readonly medianUsd: number;
  /** Standard deviation of its natural logarithm. */
  readonly sigma: number;
  readonly seed: number;
}

/** Market prices saturate here (1,000 USD CPM). */
const MARKET_MAX_USD = 1000;

/** The best competing bid for `bidId` in USD CPM, more digits than micros hold: the caller rounds it down. */
export function marketPriceUsd(bidId: string, market: Market): number {
  const price = market.medianUsd * Math.exp(market.sigma * standardNormal(uniform(bidId, market.seed)));
  return Math.min(price, MARKET_MAX_USD);
}

/** A number strictly between 0 and 1 from 52 bits of a 64-bit hash (two murmur3-finalised FNV lanes). */
export function uniform(text: string, seed: number): number {
  let low = (0x811c9dc5 ^ seed) | 0;
  let high = (0xcbf29ce4 ^ Math.imul(seed, 0x9e3779b1)) | 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995) ^ (high >>> 15);
  }
  const a = finalise(low) >>> 6;
  const b = finalise(high ^ low) >>> 6;
  return (a * 0x4000000 + b + 0.5) / 0x10000000000000;
}

function finalise(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * The inverse of the standard normal distribution function for `p` in (0, 1); relative error below 1.2e-9.
 * Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function" (2003), rational approximation.
 */
export function standardNormal(p: number): number {
  if (p < LOW) {
    const q = Math.sqrt(-2 * Math.log(p));
    return tail(q);
  }
  if (p > 1 - LOW) {
    const q = Math.sqrt(-2 * Math.log(1 - p));
    return -tail(q);
  }
  const q = p - 0.5;
  const r = q * q;
  const top = (((((A[0] * r + A[1]) * r + A[2]) * r + A[3]) * r + A[4]) * r + A[5]) * q;
  const bottom = ((((B[0] * r + B[1]) * r + B[2]) * r + B[3]) * r + B[4]) * r + 1;
  return top / bottom;
}

function tail(q: number): number {
  const top = ((((C[0] * q + C[1]) * q + C[2]) * q + C[3]) * q + C[4]) * q + C[5];
  const bottom = (((D[0] * q + D[1]) * q + D[2]) * q + D[3]) * q + 1;
  return top / bottom;
}

const LOW = 0.02425;
const A = [
  -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1, 2.506628277459239,
] as const;
const B = [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1] as const;
const C = [
  -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783,
] as const;
const D = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416] as const;
