/** Graphs that are ready to open in Prometheus' own pages. Pure. */

export interface Graph {
  readonly title: string;
  readonly expr: string;
}

/** A rate needs a few scrapes in its range. */
const SCRAPES_IN_RANGE = 5;

export function graphs(intervalSeconds: number): Graph[] {
  const range = `[${Math.max(10, SCRAPES_IN_RANGE * intervalSeconds)}s]`;
  const quantile = (histogram: string, by = '') =>
    `histogram_quantile(0.99, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${histogram}_bucket${range})))`;
  return [
    { title: 'p99 of POST /bid, seconds', expr: quantile('request_processing_duration_seconds') },
    { title: 'requests a second by outcome', expr: `sum by (outcome) (rate(bid_requests_total${range})) > 0` },
    { title: 'p99 from acceptance to the row, seconds', expr: quantile('helios_accepted_to_row_seconds') },
    { title: 'p99 of the bidder by stage, seconds', expr: quantile('helios_bidder_stage_duration_seconds', 'stage') },
    { title: 'lag in seconds', expr: 'job:helios_consumer_lag_seconds:max' },
    { title: 'burn rate over 5 minutes', expr: 'job:slo_burn_rate:ratio_rate5m' },
    { title: 'CPU cores by role', expr: `sum by (job) (rate(process_cpu_seconds_total{job!="prometheus"}${range}))` },
    { title: 'resident memory, bytes', expr: 'sum by (job, instance) (process_resident_memory_bytes{job!="prometheus"})' },
  ];
}

/** @param rangeText how far back it looks, such as `15m`. */
export function graphUrl(base: string, expr: string, rangeText: string): string {
  return `${base}/graph?g0.expr=${encodeURIComponent(expr)}&g0.tab=0&g0.stacked=0&g0.range_input=${rangeText}`;
}
