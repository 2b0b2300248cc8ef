/**
 * What the rollup tables are made of, for those who write and those who read them: sums, latency buckets, dimensions. What they mean
 * stands in the migrations that make the tables. Pure.
 */

/** Edges of the accepted-to-outcome buckets in milliseconds, cumulative as in Prometheus; 500 is the objective. */
export const latencyEdgesMs = [5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000, 10_000, 60_000] as const;

/** The sums of every rollup: counts, then prices in USD CPM. */
export const sumColumns = ['bids', 'wins', 'bid_price_sum', 'win_price_sum', 'market_price_sum'] as const;

/** `sumColumns` over rows of `auction_outcomes`. */
export const sumSql = [
  `count(*)`,
  `count(*) filter (where win_status)`,
  `sum(bid_price)`,
  `coalesce(sum(win_price) filter (where win_status), 0)`,
  `sum(market_price)`,
] as const;

export const latencyBucketColumns = latencyEdgesMs.map((edgeMs) => `latency_le_${edgeMs}_ms`);

/** Everything that is summed per minute, and per folded day. */
export const totalColumns: readonly string[] = [...sumColumns, 'enriched', 'latency_count', 'latency_sum_ms', ...latencyBucketColumns];

/** The dimensions that are counted per hour, each with the SQL that makes a row's value. Source: spec section 2.6. */
export const dimensionSql = {
  creative_size: `creative_w || 'x' || creative_h`,
  enriched: `case when enriched then 'true' else 'false' end`,
  interest: `coalesce(top_interest, '')`,
  // The edges are the prices of spec row S3.3, so that its three prices fall into three tiers.
  price_tier: `case when bid_price < 0.05 then 'under-0.05' when bid_price < 0.10 then '0.05-to-0.10' else '0.10-and-up' end`,
  site: `site_domain`,
} as const;

export type Dimension = keyof typeof dimensionSql;

export const dimensions = Object.keys(dimensionSql) as Dimension[];

/**
 * Milliseconds from acceptance to outcome of a row of `auction_outcomes`. Null when it is not known when the request was accepted; two
 * machines' clocks may make it negative, which counts as 0.
 */
export const latencySql = `case when accepted_at is not null then greatest(extract(epoch from "timestamp" - accepted_at) * 1000, 0)::float8 end`;

/** The start of the UTC minute, hour or day (`24 hours`) of `instant`, whatever the session's time zone. */
export function binSql(width: '1 minute' | '1 hour' | '24 hours', instant: string): string {
  return `date_bin('${width}', ${instant}, timestamptz '2000-01-01 00:00:00+00')`;
}
