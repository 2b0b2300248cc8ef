import { outcomeColumnNames, storeSql } from '@helios/analytics/writer/insert-outcomes';
import { categories } from '@helios/profile-svc/mock-profiles';
import { BLOCK_ROWS } from './hour-plan.js';

/**
 * Made-up outcomes as SQL (pure): every value of a row is computed by the server from hashes of its number and the seed, and goes through
 * the statement that the writer uses, rollups included. The hashes are PostgreSQL's own (`hashint8extended`): the same number and seed
 * give the same row on every server of one architecture.
 */

const SITES = 1000;
const USERS = 200_000;
/** The market of spec section 2.4. */
const MARKET = { medianMicros: 37_000, sigma: 1.17, mostMicros: 1_000_000_000 } as const;
/** Median of the time from acceptance to outcome and the standard deviation of its natural logarithm. */
const LATENCY = { medianMs: 28, sigma: 0.55, mostMs: 60_000 } as const;

/** Creative sizes with the share of slots up to and with each. */
const sizes: readonly (readonly [w: number, h: number, upTo: number])[] = [
  [300, 250, 0.38],
  [320, 50, 0.62],
  [728, 90, 0.78],
  [160, 600, 0.86],
  [300, 600, 0.92],
  [970, 250, 0.97],
  [320, 480, 1],
];

/** What each hash decides: two of one number would make two values of a row depend on each other. */
const salts = {
  user: 0,
  anonymous: 1,
  site: 2,
  noSite: 3,
  profile: 4,
  tier: 5,
  score: 6,
  category: 7,
  arrived: 8,
  test: 9,
  firstPrice: 10,
  latency: 11,
  latencyAngle: 12,
  within: 13,
  unknownAcceptance: 14,
  id: 15,
  traced: 16,
  traceHigh: 17,
  traceLow: 18,
  size: 20,
  floor: 21,
  market: 22,
  marketAngle: 23,
} as const;
type Salt = keyof typeof salts;

/** 64 bits; the seed is parameter 5. */
const bits = (of: string, salt: Salt): string => `hashint8extended(${of}, $5::int8 * 64 + ${salts[salt]})`;
/** A double in (0, 1), neither end included, from 52 bits. */
const draw = (of: string, salt: Salt): string =>
  `(((${bits(of, salt)} & 4503599627370495)::float8 + 0.5::float8) / 4503599627370496::float8)`;
/** Standard normal. Source: G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates" (1958). */
const normal = (of: string, radius: Salt, angle: Salt): string =>
  `(sqrt(-2 * ln(${draw(of, radius)})) * cos(2 * pi() * ${draw(of, angle)}))`;
const pickSize = (value: (size: readonly [number, number, number]) => number): string =>
  `case ${sizes.map((size) => `when size_draw < ${size[2]} then ${value(size)}`).join(' ')} end`;
const usd = (micros: string): string => `(${micros})::numeric * 0.000001`;

/** Requests of 3, 1, 5, 2 and 4 slots in turn: for each of the 15 rows, which request of the block it belongs to, and its slot. */
const requestInBlock = `('{0,0,0,1,2,2,2,2,2,3,3,4,4,4,4}'::int8[])[position + 1]`;
const slotInRequest = `('{1,2,3,1,1,2,3,4,5,1,2,1,2,3,4}'::int8[])[position + 1]`;

/** 1 to 1,000 by Zipf's law with exponent 1: the first has one request in ten. */
const siteRank = `floor(exp(ln(${SITES + 1}) * ${draw('request', 'site')}))::int8`;
/** 0 to 199,999 by a power law with exponent 1/2: the first has one request in 450. */
const userRank = `floor(${USERS} * power(${draw('request', 'user')}, 2))::int8`;
/** From acceptance to outcome. */
const latencyMs = `round(least(${LATENCY.mostMs}, ${LATENCY.medianMs} * exp(${LATENCY.sigma} * ${normal('request', 'latency', 'latencyAngle')})))`;
/** The user's profile arrived, and names an interest. */
const interested = `enriched and tier_draw >= 0.1`;
const lost = `bid_micros < floor_micros or bid_micros <= market_micros`;

/**
 * A row is computed in steps; each adds columns to those of the steps before. Times are in the order of numbers, and all slots of a request
 * have one.
 */
const steps: readonly (readonly string[])[] = [
  [`number / ${BLOCK_ROWS} * 5 + ${requestInBlock} as request`, `${slotInRequest} as slot`],
  [
    `$6::text || lpad(to_hex(${bits('request', 'id')} & 4294967295), 8, '0') || lpad(to_hex(request), 8, '0') as bid_request_id`,
    `case when ${draw('request', 'noSite')} >= 0.01 then ${siteRank} end as site_rank`,
    `case when ${draw('request', 'anonymous')} >= 0.06 then ${userRank} end as user_rank`,
    `${draw('request', 'test')} < 0.005 as test`,
    `case when ${draw('request', 'firstPrice')} < 0.2 then 1 else 2 end as auction_type`,
    `${latencyMs} as latency_ms`,
    `floor($3::float8 + ($4::float8 - $3::float8) * (number - slot + 1 - $1::int8 + ${draw('request', 'within')}) / ($2::int8 - $1::int8)) as decided_unix_ms`,
    `case when ${draw('request', 'traced')} < 0.1
      then lpad(to_hex(${bits('request', 'traceHigh')}), 16, '0') || lpad(to_hex(${bits('request', 'traceLow')}), 16, '0') end as trace_id`,
  ],
  [
    `${draw('user_rank', 'tier')} as tier_draw`,
    `${draw('user_rank', 'score')} as score_draw`,
    `${draw('user_rank', 'category')} as category_draw`,
    // Half of the users have a profile; of these one in seventy comes too late.
    `coalesce(${draw('user_rank', 'profile')} < 0.5 and ${draw('request', 'arrived')} < 0.985, false) as enriched`,
    `${draw('number', 'floor')} as floor_draw`,
    `${draw('number', 'size')} as size_draw`,
  ],
  [
    // Scores on either side of the price tiers' edges, as made-up profiles have them.
    `case when tier_draw < 0.4 then 5 + floor(65 * score_draw) when tier_draw < 0.75 then 70 + floor(21 * score_draw)
      else 91 + floor(10 * score_draw) end::int as score_hundredths`,
    `${pickSize(([w]) => w)} as creative_w`,
    `${pickSize(([, h]) => h)} as creative_h`,
    `floor(least(${MARKET.mostMicros}, ${MARKET.medianMicros} * exp(${MARKET.sigma} * ${normal('number', 'market', 'marketAngle')})))::int8 as market_micros`,
  ],
  [
    `case when ${interested} then ('{${categories.join(',')}}'::text[])[1 + floor(${categories.length} * category_draw * sqrt(category_draw))::int] end as top_interest`,
    `case when ${interested} then score_hundredths / 100::float8 end as top_score`,
    // Source: spec row S3.3.
    `case when ${interested} and score_hundredths > 90 then 100000 when ${interested} and score_hundredths >= 70 then 50000 else 10000 end::int8 as bid_micros`,
  ],
  // There is an outcome only where there was a bid, so no floor is above it.
  [`floor(bid_micros * floor_draw * floor_draw)::int8 as floor_micros`],
  [
    `bid_request_id || ':' || slot as bid_id`,
    `slot::text as slot_id`,
    `'user-' || lpad(user_rank::text, 7, '0') as user_id`,
    `case when site_rank is null then '' when site_rank % 4 = 3 then 'com.example.app' || lpad(site_rank::text, 4, '0')
      else 'site-' || lpad(site_rank::text, 4, '0') || '.example' end as site_domain`,
    `${usd('bid_micros')} as bid_price`,
    `${usd('floor_micros')} as floor`,
    `${usd('market_micros')} as market_price`,
    `not (${lost}) as win_status`,
    `${usd(`case when ${lost} then 0 when auction_type = 1 then bid_micros else greatest(market_micros, floor_micros) end`)} as win_price`,
    `'highest_interest' as strategy`,
    `coalesce(replace(top_interest, '_', '-'), 'house') || '-' || creative_w || 'x' || creative_h as creative_id`,
    `to_timestamp(decided_unix_ms / 1000) as "timestamp"`,
    `to_timestamp((decided_unix_ms - floor(latency_ms * 0.35)) / 1000) as bid_at`,
    `case when ${draw('request', 'unknownAcceptance')} >= 0.003 then to_timestamp((decided_unix_ms - latency_ms) / 1000) end as accepted_at`,
  ],
];

/** `offset 0` keeps the planner from merging the steps: it would compute a value anew wherever it is used. */
const made = steps.reduce(
  (from, columns) => `(select *, ${columns.join(',\n    ')} from ${from} as step offset 0)`,
  `(select number, (number % ${BLOCK_ROWS})::int as position from generate_series($1::int8, $2::int8 - 1) as number offset 0)`,
);
const rows = `select ${outcomeColumnNames.join(', ')} from ${made} as made`;

/**
 * Stores rows [$1, $2), which happen in [$3, $4) (Unix ms), made from the seed $5 under ids that begin with $6. Returns `inserted`, how many
 * were new.
 */
export const madeOutcomesStatement = { name: 'made-outcomes', text: storeSql(rows, `(select count(*) from inserted)::int4 as inserted`) };

/** The prefix of the ids of a load: one seed's ids are no other's. */
export function idPrefix(seed: number): string {
  return `load-${seed}-`;
}
