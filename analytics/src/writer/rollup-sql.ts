/**
 * The rollups as SQL over the rows that an insert returned. What they mean stands in the migration that makes their tables.
 * Every upsert goes through its keys in order, so that two writers lock rollup rows in the same order.
 */

/** Edges of the accepted-to-outcome buckets in milliseconds, cumulative as in Prometheus; 500 is the objective. */
export const latencyEdgesMs = [5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000, 10_000, 60_000] as const;

/** The dimensions that are counted per hour, each with the SQL that makes a row's value. Source: spec section 2.6. */
export const dimensionSql = {
  creative_size: `creative_w || 'x' || creative_h`,
  enriched: `case when enriched then 'true' else 'false' end`,
  interest: `coalesce(top_interest, '')`,
  // The edges are the prices of spec row S3.3, so that its three prices fall into three tiers.
  price_tier: `case when bid_price < 0.05 then 'under-0.05' when bid_price < 0.10 then '0.05-to-0.10' else '0.10-and-up' end`,
  site: `site_domain`,
} as const;

const sums = ['bids', 'wins', 'bid_price_sum', 'win_price_sum', 'market_price_sum'];
const sumSql = [
  `count(*)`,
  `count(*) filter (where win_status)`,
  `sum(bid_price)`,
  `coalesce(sum(win_price) filter (where win_status), 0)`,
  `sum(market_price)`,
];

/** Null when it is not known when the request was accepted; two machines' clocks may make it negative. */
const latencySql = `case when accepted_at is not null then greatest(extract(epoch from "timestamp" - accepted_at) * 1000, 0)::float8 end`;

/** Counts the rows of the relation `source` (test bids left out) into `outcome_minutes`. */
export function minutesUpsert(source: string): string {
  const columns = [...sums, 'enriched', 'latency_count', 'latency_sum_ms', ...latencyEdgesMs.map((edgeMs) => `latency_le_${edgeMs}_ms`)];
  const values = [
    ...sumSql,
    `count(*) filter (where enriched)`,
    `count(latency_ms)`,
    `coalesce(sum(latency_ms), 0)`,
    ...latencyEdgesMs.map((edgeMs) => `count(*) filter (where latency_ms <= ${edgeMs})`),
  ];
  return `insert into outcome_minutes (minute, ${columns.join(', ')})
    select ${bin('1 minute')}, ${values.join(', ')}
    from (select *, ${latencySql} as latency_ms from ${source}) as timed
    where not test group by 1 order by 1
    on conflict (minute) do update set ${addUp('outcome_minutes', columns)}`;
}

/** Counts the rows of the relation `source` (test bids left out) into `outcome_hours`, once per dimension. */
export function hoursUpsert(source: string): string {
  const dimensions = Object.entries(dimensionSql).map(([dimension, value]) => `('${dimension}', ${value})`);
  return `insert into outcome_hours (dimension, hour, value, ${sums.join(', ')})
    select dimension, ${bin('1 hour')}, value, ${sumSql.join(', ')}
    from ${source} cross join lateral (values ${dimensions.join(', ')}) as by_dimension (dimension, value)
    where not test group by 1, 2, 3 order by 1, 2, 3
    on conflict (dimension, hour, value) do update set ${addUp('outcome_hours', sums)}`;
}

/** The start of the minute or hour in UTC, whatever the session's time zone. */
function bin(width: string): string {
  return `date_bin('${width}', "timestamp", timestamptz '2000-01-01 00:00:00+00')`;
}

function addUp(table: string, columns: readonly string[]): string {
  return columns.map((column) => `${column} = ${table}.${column} + excluded.${column}`).join(', ');
}
