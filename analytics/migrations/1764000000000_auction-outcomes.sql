-- Up Migration

-- One row per bid: what became of it. Identity is bid_id; the first outcome stored wins. Source: spec sections 2.4 and 2.6.
-- Prices are USD CPM with six places (micros). Everything that the validator of proto/src/events.ts lets through can be stored.
-- Keys sort bytewise (COLLATE "C"): the order of pages must not depend on the server's locale, and comparing bytes is cheaper.
create table auction_outcomes (
  bid_id         text collate "C" not null primary key,
  bid_request_id text collate "C" not null,
  slot_id        text collate "C" not null,
  user_id        text collate "C",
  site_domain    text collate "C" not null,
  bid_price      numeric(16, 6) not null,
  floor          numeric(16, 6) not null,
  auction_type   smallint not null,
  test           boolean not null,
  win_status     boolean not null,
  win_price      numeric(16, 6) not null,
  market_price   numeric(16, 6) not null,
  enriched       boolean not null,
  top_interest   text collate "C",
  top_score      double precision,
  strategy       text collate "C" not null,
  creative_id    text collate "C" not null,
  creative_w     integer not null,
  creative_h     integer not null,
  trace_id       text collate "C",
  bid_at         timestamptz not null,
  accepted_at    timestamptz,
  "timestamp"    timestamptz not null
);

-- The order of every page.
create index auction_outcomes_newest on auction_outcomes ("timestamp" desc, bid_id desc);
-- The filters. Within one timestamp the page sorts by bid_id itself: rows of one instant are few, and bid_id would double these indexes.
create index auction_outcomes_site on auction_outcomes (site_domain, "timestamp" desc);
create index auction_outcomes_user on auction_outcomes (user_id, "timestamp" desc) where user_id is not null;
create index auction_outcomes_win on auction_outcomes (win_status, "timestamp" desc);
create index auction_outcomes_enriched on auction_outcomes (enriched, "timestamp" desc);

-- Rollups count each stored row once, without test bids; the writer updates them in the statement that stores the rows.
-- Sums are of USD CPM: spend in USD is win_price_sum / 1000, eCPM is win_price_sum / wins, win rate is wins / bids.
-- Room is left in every page so that counting up is a heap-only update.

-- Totals per minute. latency_le_N_ms counts the rows whose accepted-to-outcome time was at most N ms; latency_count has all that are known.
create table outcome_minutes (
  minute              timestamptz not null primary key,
  bids                bigint not null,
  wins                bigint not null,
  enriched            bigint not null,
  bid_price_sum       numeric(30, 6) not null,
  win_price_sum       numeric(30, 6) not null,
  market_price_sum    numeric(30, 6) not null,
  latency_count       bigint not null,
  latency_sum_ms      double precision not null,
  latency_le_5_ms     bigint not null,
  latency_le_10_ms    bigint not null,
  latency_le_20_ms    bigint not null,
  latency_le_30_ms    bigint not null,
  latency_le_50_ms    bigint not null,
  latency_le_75_ms    bigint not null,
  latency_le_100_ms   bigint not null,
  latency_le_150_ms   bigint not null,
  latency_le_200_ms   bigint not null,
  latency_le_300_ms   bigint not null,
  latency_le_500_ms   bigint not null,
  latency_le_750_ms   bigint not null,
  latency_le_1000_ms  bigint not null,
  latency_le_2000_ms  bigint not null,
  latency_le_5000_ms  bigint not null,
  latency_le_10000_ms bigint not null,
  latency_le_60000_ms bigint not null
) with (fillfactor = 50);

-- Totals per hour by one dimension: site, interest ('' = none known), price_tier, creative_size, enriched.
create table outcome_hours (
  dimension        text collate "C" not null,
  hour             timestamptz not null,
  value            text collate "C" not null,
  bids             bigint not null,
  wins             bigint not null,
  bid_price_sum    numeric(30, 6) not null,
  win_price_sum    numeric(30, 6) not null,
  market_price_sum numeric(30, 6) not null,
  primary key (dimension, hour, value),
  constraint outcome_hours_dimension check (dimension in ('site', 'interest', 'price_tier', 'creative_size', 'enriched'))
) with (fillfactor = 70);

-- One value over time: a dashboard filtered to one site.
create index outcome_hours_value on outcome_hours (dimension, value, hour);

-- Down Migration

drop table outcome_hours;
drop table outcome_minutes;
drop table auction_outcomes;
