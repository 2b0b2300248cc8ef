/** An outcome as the API sends it. Prices in USD CPM, times ISO 8601 in UTC. */
export interface Outcome {
  readonly bid_id: string;
  readonly bid_request_id: string;
  readonly slot_id: string;
  readonly user_id: string | null;
  readonly site_domain: string;
  readonly bid_price: number;
  readonly floor: number;
  /** 1 first price, 2 second price. */
  readonly auction_type: number;
  readonly test: boolean;
  readonly win_status: boolean;
  readonly win_price: number;
  readonly market_price: number;
  readonly enriched: boolean;
  readonly top_interest: string | null;
  readonly top_score: number | null;
  readonly strategy: string;
  readonly creative_id: string;
  readonly creative_w: number;
  readonly creative_h: number;
  readonly trace_id: string | null;
  readonly bid_at: string;
  readonly accepted_at: string | null;
  readonly timestamp: string;
}

/** @throws TypeError when the body is no page of outcomes. */
export function outcomesOf(body: unknown): readonly Outcome[] {
  const results = typeof body === 'object' && body !== null ? (body as { results?: unknown }).results : undefined;
  if (!Array.isArray(results)) throw new TypeError('not a page of outcomes');
  return results as Outcome[];
}

/** Reads a body that must have the members `names`. @throws TypeError when one is missing: the answer is something else. */
export function bodyWith<T>(...names: (keyof T & string)[]): (body: unknown) => T {
  return (body) => {
    if (typeof body !== 'object' || body === null || names.some((name) => !(name in body))) throw new TypeError(`no ${names.join(', ')}`);
    return body as T;
  };
}
