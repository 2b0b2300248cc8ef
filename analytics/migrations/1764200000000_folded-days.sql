-- Up Migration

-- Rollups of whole UTC days, for ranges of weeks and months: the sums of a day that is over, folded from its minutes and hours by the
-- writer's maintenance (docs/adr/0010-folded-days.md). The names, units and meanings of the sums are those of outcome_minutes and
-- outcome_hours. `day` is the instant at which the UTC day begins.

-- Totals per day, and the mark that the day is folded: while the row is there, it and the day's rows in outcome_days equal the sums of
-- the minutes and hours. Whoever stores a row of such a day deletes it in the same statement, and the day is folded anew.
create table outcome_day_totals (
  day                 timestamptz not null primary key,
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
  latency_le_60000_ms bigint not null,
  constraint outcome_day_totals_day check (day = date_bin('24 hours', day, timestamptz '2000-01-01 00:00:00+00'))
);

-- Totals per day by one dimension, as in outcome_hours. They hold for folded days only: what is here for another day is out of date.
create table outcome_days (
  dimension        text collate "C" not null,
  day              timestamptz not null,
  value            text collate "C" not null,
  bids             bigint not null,
  wins             bigint not null,
  bid_price_sum    numeric(30, 6) not null,
  win_price_sum    numeric(30, 6) not null,
  market_price_sum numeric(30, 6) not null,
  primary key (dimension, day, value),
  constraint outcome_days_dimension check (dimension in ('site', 'interest', 'price_tier', 'creative_size', 'enriched'))
);

-- One value over time.
create index outcome_days_value on outcome_days (dimension, value, day);

-- Down Migration

drop table outcome_days;
drop table outcome_day_totals;
