import { Type } from 'typebox';
import { dimensionFilterSchemas } from './dimension-filters.js';
import type { Figures } from './figures.js';
import { formatSchema } from './representation.js';
import { intervals, POINTS_MAX, RANGE_MAX_DAYS, ROWS_MAX_HOURS } from './stats-range.js';

/** What the routes of statistics take and answer. */

export const BREAKDOWN_LIMIT_DEFAULT = 10;
export const BREAKDOWN_LIMIT_MAX = 500;

const instant = (description: string) => Type.String({ description: `${description}; ISO 8601 in UTC` });
const orNull = (description: string) => Type.Unsafe<number | null>({ type: ['number', 'null'], description });
const count = (description: string) => Type.Integer({ minimum: 0, description });

const rangeParameters = {
  since: Type.String({
    description: `RFC 3339; decided at this instant or later, at most ${RANGE_MAX_DAYS} days before until`,
    examples: ['2026-01-31T00:00:00Z'],
  }),
  until: Type.String({ description: 'RFC 3339; decided before this instant', examples: ['2026-02-01T00:00:00Z'] }),
};

export const summaryParameters = Type.Object({ ...rangeParameters, ...dimensionFilterSchemas }, { additionalProperties: false });

export const timeseriesParameters = Type.Object(
  {
    ...rangeParameters,
    interval: Type.Optional(
      Type.Enum(['auto', ...intervals], {
        type: 'string',
        description: `Length of a bin; auto, as without it: 1m up to 6 hours, 5m up to 48 hours, 1h up to 31 days, else 1d (with a filter 1h follows 1m). At most ${POINTS_MAX} points`,
      }),
    ),
    zone: Type.Optional(
      Type.String({ maxLength: 64, description: 'IANA time zone of days and hours; UTC unless given', examples: ['Europe/Berlin'] }),
    ),
    ...dimensionFilterSchemas,
    format: formatSchema,
  },
  { additionalProperties: false },
);

export const breakdownParameters = Type.Object(
  {
    by: Type.Enum(['site', 'interest', 'price_tier', 'creative_size', 'enriched'], { type: 'string', description: 'The dimension' }),
    ...rangeParameters,
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: BREAKDOWN_LIMIT_MAX,
        description: `Values shown, ${BREAKDOWN_LIMIT_DEFAULT} unless given; all others are in rest`,
      }),
    ),
    sort: Type.Optional(
      Type.Enum(['bids', 'wins', 'spend_usd'], { type: 'string', description: 'The figure that is greatest first; bids unless given' }),
    ),
    ...dimensionFilterSchemas,
    format: formatSchema,
  },
  { additionalProperties: false },
);

const used = {
  since: instant('Start of the range, aligned outward to what was summed'),
  until: instant('End of the range, not included, aligned likewise'),
};
const grain = Type.Enum(['minute', 'hour', 'row'], {
  type: 'string',
  description: `What was summed: minutes, hours of one dimension, or the outcomes themselves (at most ${ROWS_MAX_HOURS} hours)`,
});

const counts = {
  bids: count('Bids without test bids'),
  wins: count('Bids that won'),
  win_rate: orNull('wins / bids; null without bids'),
  spend_usd: Type.Number({ description: 'Sum of clearing prices / 1000; USD' }),
};
const prices = {
  avg_bid_price: orNull('Mean bid price; USD CPM; null without bids'),
  avg_clearing_price: orNull('Mean clearing price of wins; USD CPM; null without wins'),
  ecpm: orNull('Spend per 1,000 impressions: the mean clearing price of wins; USD CPM; null without wins'),
};
const figures = { ...counts, ...prices };

const latency = Type.Unsafe<{ count: number; p50_ms: number | null; p99_ms: number | null } | null>({
  ...Type.Object({
    count: count('Bids whose acceptance is known'),
    p50_ms: orNull('Median, milliseconds; null without bids'),
    p99_ms: orNull('99th percentile, milliseconds; null without bids'),
  }),
  type: ['object', 'null'],
  description: 'From the request accepted to the auction decided; null at hour grain, where it is not kept',
});
const periodFigures = { ...figures, accepted_to_outcome: latency };

export const summarySchema = Type.Object({
  ...used,
  grain,
  current: Type.Object(periodFigures),
  previous: Type.Object({ ...used, ...periodFigures }, { description: 'The period of the same length just before' }),
});

const point = Type.Object({
  time: instant('Start of the bin'),
  ...counts,
  avg_bid_price: prices.avg_bid_price,
  avg_market_price: orNull('Mean of the best competing bids; USD CPM; null without bids'),
  avg_clearing_price: prices.avg_clearing_price,
  ecpm: prices.ecpm,
});

export const timeseriesSchema = Type.Object({
  ...used,
  interval: Type.Enum([...intervals], { type: 'string', description: 'Length of a bin' }),
  zone: Type.String({ description: 'Time zone of days and hours' }),
  grain,
  points: Type.Array(point, { description: 'Every bin of the range in order, those without bids too' }),
});

export const breakdownSchema = Type.Object({
  ...used,
  by: Type.String({ description: 'The dimension' }),
  sort: Type.String({ description: 'The figure that is greatest first' }),
  grain,
  total: Type.Object(figures, { description: 'All values together' }),
  results: Type.Array(Type.Object({ value: Type.String({ description: 'Empty: none is known' }), ...figures })),
  rest: Type.Unsafe<(Figures & { values: number }) | null>({
    ...Type.Object({ values: count('Values that are not in results'), ...figures }),
    type: ['object', 'null'],
    description: 'All values that are not in results; null when there are none',
  }),
});

export const pointColumns = Object.keys(point.properties);
export const breakdownColumns = ['value', ...Object.keys(figures)];
