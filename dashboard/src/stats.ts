/**
 * The statistics as the analytics API answers them, field by field. Money in USD; prices in USD CPM; instants RFC 3339 in UTC;
 * ranges half-open [since, until). A rate or a mean of nothing is null.
 */

/** What was summed: minutes (no filter), hours (one filter) or the rows themselves (several filters, or minutes with a filter). */
export type Grain = 'minute' | 'hour' | 'row';

export interface Figures {
  readonly bids: number;
  readonly wins: number;
  /** wins / bids, 0..1. */
  readonly win_rate: number | null;
  readonly spend_usd: number;
  readonly avg_bid_price: number | null;
  readonly avg_clearing_price: number | null;
  readonly ecpm: number | null;
}

export interface AcceptedToOutcome {
  readonly count: number;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
}

export interface SummaryFigures extends Figures {
  /** Null where latency is not kept: per hour and dimension. */
  readonly accepted_to_outcome: AcceptedToOutcome | null;
}

export interface Summary {
  readonly since: string;
  readonly until: string;
  readonly grain: Grain;
  readonly current: SummaryFigures;
  /** The period of the same length just before. */
  readonly previous: SummaryFigures & { readonly since: string; readonly until: string };
}

export type Interval = '1m' | '5m' | '1h' | '1d';

export interface TimePoint extends Figures {
  /** Start of the bin. */
  readonly time: string;
  readonly avg_market_price: number | null;
}

export interface TimeSeries {
  readonly since: string;
  readonly until: string;
  readonly interval: Interval;
  /** IANA name of the zone whose days are counted. */
  readonly zone: string;
  readonly grain: Grain;
  /** Ascending, without gaps: bins of nothing are zeros. */
  readonly points: readonly TimePoint[];
}

export type Dimension = 'site' | 'interest' | 'price_tier' | 'creative_size' | 'enriched';
export type BreakdownSort = 'bids' | 'wins' | 'spend_usd';

export interface BreakdownRow extends Figures {
  /** As the filter of that dimension takes it; empty for no site or no known interest. */
  readonly value: string;
}

export interface Breakdown {
  readonly since: string;
  readonly until: string;
  readonly by: Dimension;
  readonly sort: BreakdownSort;
  readonly grain: Grain;
  readonly total: Figures;
  readonly results: readonly BreakdownRow[];
  /** All further values together; null when there are none. */
  readonly rest: (Figures & { readonly values: number }) | null;
}
