import { outcomeColumnNames, storeSql } from '@helios/analytics/writer/insert-outcomes';
import { categories } from '@helios/profile-svc/mock-profiles';

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

/*
 * Three layers: what a request has, what its user has, what a slot has. `offset 0` keeps the planner from merging them: it would compute a
 * value anew wherever it is used.
 *
 * Sites follow Zipf's law with exponent 1 (the first has 10 % of the requests), users one with exponent 1/2 (the first has 1 request in 450).
 */
const rows = `select ${outcomeColumnNames.join(', ')} from (
  select *,
    request_id || ':' || slot as bid_id, request_id as bid_request_id, slot::text as slot_id,
    ${usd('bid_micros')} as bid_price, ${usd('floor_micros')} as floor, ${usd('market_micros')} as market_price,
    bid_micros >= floor_micros and bid_micros > market_micros as win_status,
    ${usd(`case when bid_micros < floor_micros or bid_micros <= market_micros then 0
      when auction_type = 1 then bid_micros else greatest(market_micros, floor_micros) end`)} as win_price,
    'highest_interest' as strategy,
    coalesce(replace(top_interest, '_', '-'), 'house') || '-' || creative_w || 'x' || creative_h as creative_id,
    case when acceptance_known then "timestamp" - make_interval(secs => latency_ms / 1000) end as accepted_at,
    "timestamp" - make_interval(secs => floor(latency_ms * 0.35) / 1000) as bid_at
  from (
    select *,
      ${pickSize(([w]) => w)} as creative_w, ${pickSize(([, h]) => h)} as creative_h,
      floor(bid_micros * floor_draw * floor_draw)::int8 as floor_micros,
      floor(least(${MARKET.mostMicros}, ${MARKET.medianMicros} * exp(${MARKET.sigma} * market_normal)))::int8 as market_micros,
      to_timestamp(floor($3::float8 + ($4::float8 - $3::float8) * (number - slot + 1 - $1::int8 + within) / ($2::int8 - $1::int8)) / 1000) as "timestamp"
    from (
      select *,
        case when not enriched then null when tier_draw < 0.1 then null else ('{${categories.join(',')}}'::text[])[1 + floor(${categories.length} * category_draw * sqrt(category_draw))::int] end as top_interest,
        case when not enriched or tier_draw < 0.1 then null else hundredths / 100::float8 end as top_score,
        case when not enriched or tier_draw < 0.1 or hundredths < 70 then 10000 when hundredths <= 90 then 50000 else 100000 end::int8 as bid_micros
      from (
        select *,
          case when user_rank is not null then 'user-' || lpad(user_rank::text, 7, '0') end as user_id,
          user_rank is not null and ${draw('user_rank', 'profile')} < 0.5 and arrived as enriched,
          ${draw('user_rank', 'category')} as category_draw,
          case when tier_draw < 0.4 then 5 + floor(65 * score_draw) when tier_draw < 0.75 then 70 + floor(21 * score_draw) else 91 + floor(10 * score_draw) end::int as hundredths
        from (
          select *, ${draw('user_rank', 'tier')} as tier_draw, ${draw('user_rank', 'score')} as score_draw
          from (
            select number, slot,
              $6::text || lpad(to_hex(${bits('request', 'id')} & 4294967295), 8, '0') || lpad(to_hex(request), 8, '0') as request_id,
              case when ${draw('request', 'anonymous')} >= 0.06 then floor(${USERS} * power(${draw('request', 'user')}, 2))::int8 end as user_rank,
              case when ${draw('request', 'noSite')} < 0.01 then '' else (
                select case when rank % 4 = 3 then 'com.example.app' || lpad(rank::text, 4, '0') else 'site-' || lpad(rank::text, 4, '0') || '.example' end
                from (select floor(exp(ln(${SITES + 1}) * ${draw('request', 'site')}))::int8 as rank offset 0) as ranked
              ) end as site_domain,
              ${draw('request', 'arrived')} < 0.985 as arrived,
              ${draw('request', 'test')} < 0.005 as test,
              case when ${draw('request', 'firstPrice')} < 0.2 then 1 else 2 end as auction_type,
              round(least(${LATENCY.mostMs}, ${LATENCY.medianMs} * exp(${LATENCY.sigma} * ${normal('request', 'latency', 'latencyAngle')}))) as latency_ms,
              ${draw('request', 'unknownAcceptance')} >= 0.003 as acceptance_known,
              ${draw('request', 'within')} as within,
              case when ${draw('request', 'traced')} < 0.1 then lpad(to_hex(${bits('request', 'traceHigh')}), 16, '0') || lpad(to_hex(${bits('request', 'traceLow')}), 16, '0') end as trace_id,
              ${draw('number', 'size')} as size_draw, ${draw('number', 'floor')} as floor_draw,
              ${normal('number', 'market', 'marketAngle')} as market_normal
            from (
              select number, number / 15 * 5 + ${requestInBlock} as request, ${slotInRequest} as slot
              from (select number, (number % 15)::int as position from generate_series($1::int8, $2::int8 - 1) as number offset 0) as placed offset 0
            ) as numbered offset 0
          ) as requested offset 0
        ) as drawn offset 0
      ) as known offset 0
    ) as priced offset 0
  ) as placed offset 0
) as made`;

/**
 * Stores rows [$1, $2), which happen in [$3, $4) (Unix ms), made from the seed $5 under ids that begin with $6. Returns `inserted`, how many
 * were new.
 */
export const madeOutcomesStatement = { name: 'made-outcomes', text: storeSql(rows, `(select count(*) from inserted)::int4 as inserted`) };

/** The prefix of the ids of a load: one seed's ids are no other's. */
export function idPrefix(seed: number): string {
  return `load-${seed}-`;
}
