/** What the page shows of an outcome; the API sends more. Prices in USD CPM, times ISO 8601. */
export interface Outcome {
  readonly bid_id: string;
  readonly slot_id: string;
  readonly site_domain: string;
  readonly bid_price: number;
  readonly market_price: number;
  readonly win_status: boolean;
  readonly win_price: number;
  readonly enriched: boolean;
  readonly top_interest: string | null;
  readonly top_score: number | null;
  readonly creative_w: number;
  readonly creative_h: number;
  readonly test: boolean;
  readonly timestamp: string;
}

/** The price of a thousand impressions in USD, to a hundredth of a cent. */
export function priceText(usdCpm: number): string {
  return usdCpm.toFixed(4);
}

/** The time of day in the reader's zone, to the millisecond. */
export function timeText(timestamp: string, timeZone?: string): string {
  const date = new Date(timestamp);
  return new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZone,
  }).format(date);
}

/** `12 s`, `3 min`, `2 h`: how long ago, roughly. */
export function agoText(elapsedMs: number): string {
  const seconds = Math.max(0, Math.round(elapsedMs / 1000));
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
