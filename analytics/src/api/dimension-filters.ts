import { eventLimits } from '@helios/proto/events';
import { DOMAIN_MAX_BYTES, INT4_MAX } from '@helios/proto/storable';
import { type Static, Type } from 'typebox';
import { checkText, parameterProblem } from './parameters.js';

/**
 * The filters by a dimension, the same for outcomes and for statistics: what a client may ask for, and what it means, on rows of
 * `auction_outcomes` and as a value of `outcome_hours`. The meanings are those of the rollups (rollup-sql.ts in the writer). Pure.
 */

/** The tiers by their bounds: at least `fromUsd`, below `belowUsd` (USD CPM). */
const priceTiers = {
  'under-0.05': { fromUsd: null, belowUsd: '0.05' },
  '0.05-to-0.10': { fromUsd: '0.05', belowUsd: '0.10' },
  '0.10-and-up': { fromUsd: '0.10', belowUsd: null },
} as const;

/** Entries of a route's query schema. Strings are checked further by `checkDimensionFilters`. */
export const dimensionFilterSchemas = {
  site_domain: Type.Optional(Type.String({ description: 'Exactly this domain, app bundle or screen; empty: those without one' })),
  interest: Type.Optional(
    Type.String({ description: "Exactly this top interest of the user's profile; empty: no interest was known when the bid was made" }),
  ),
  price_tier: Type.Optional(
    Type.Enum(['under-0.05', '0.05-to-0.10', '0.10-and-up'], {
      type: 'string',
      description: 'Bid price in USD CPM, by the tiers of the pricing rule',
    }),
  ),
  creative_size: Type.Optional(Type.String({ description: 'Width and height of the creative in pixels, such as 300x250' })),
  enriched: Type.Optional(Type.Boolean({ description: "Whether the user's profile arrived in time" })),
};

const schema = Type.Object(dimensionFilterSchemas);

export type DimensionFilters = Readonly<Static<typeof schema>>;
export type DimensionFilterName = keyof DimensionFilters;

/** In the order in which conditions, links and cursors have them. */
export const dimensionFilterNames = [
  'site_domain',
  'interest',
  'price_tier',
  'creative_size',
  'enriched',
] as const satisfies readonly DimensionFilterName[];

/** The rollups' name of each filter's dimension. */
export const dimensionOfFilter = {
  site_domain: 'site',
  interest: 'interest',
  price_tier: 'price_tier',
  creative_size: 'creative_size',
  enriched: 'enriched',
} as const satisfies Record<DimensionFilterName, string>;

export type Dimension = (typeof dimensionOfFilter)[DimensionFilterName];

const SIZE = /^(0|[1-9]\d{0,9})x(0|[1-9]\d{0,9})$/;

/**
 * Refuses what no stored outcome can have.
 * @throws RequestProblem that names the parameter.
 */
export function checkDimensionFilters(filters: DimensionFilters): void {
  checkText('site_domain', filters.site_domain, DOMAIN_MAX_BYTES);
  checkText('interest', filters.interest, eventLimits.categoryMaxBytes);
  if (filters.creative_size !== undefined && sizeOf(filters.creative_size) === null) {
    throw parameterProblem('creative_size', `must be width x height in pixels such as 300x250, each at most ${INT4_MAX}.`);
  }
}

/**
 * The SQL conditions on rows of `auction_outcomes` (columns without a prefix) for the filters that are given, already checked.
 * `add` takes a value and returns its placeholder.
 */
export function dimensionConditions(filters: DimensionFilters, add: (value: unknown) => string): string[] {
  const conditions: string[] = [];
  if (filters.site_domain !== undefined) conditions.push(`site_domain = ${add(filters.site_domain)}`);
  // A category is never the empty text (proto/src/events.ts): the rollups' '' stands for none.
  if (filters.interest === '') conditions.push('top_interest is null');
  else if (filters.interest !== undefined) conditions.push(`top_interest = ${add(filters.interest)}`);
  if (filters.price_tier !== undefined) {
    const { fromUsd, belowUsd } = priceTiers[filters.price_tier];
    if (fromUsd !== null) conditions.push(`bid_price >= ${fromUsd}`);
    if (belowUsd !== null) conditions.push(`bid_price < ${belowUsd}`);
  }
  if (filters.creative_size !== undefined) {
    const size = sizeOf(filters.creative_size);
    if (size === null) throw new RangeError(`creative_size is ${filters.creative_size}: it was not checked`);
    conditions.push(`creative_w = ${add(size.w)}::integer`, `creative_h = ${add(size.h)}::integer`);
  }
  if (filters.enriched !== undefined) conditions.push(`enriched = ${add(filters.enriched)}::boolean`);
  return conditions;
}

export interface DimensionValue {
  readonly filter: DimensionFilterName;
  readonly dimension: Dimension;
  /** As `outcome_hours` has it. */
  readonly value: string;
}

/** The filters that are given, as dimensions and values of the rollups. */
export function dimensionValues(filters: DimensionFilters): DimensionValue[] {
  return dimensionFilterNames.flatMap((filter) => {
    const value = filters[filter];
    return value === undefined ? [] : [{ filter, dimension: dimensionOfFilter[filter], value: String(value) }];
  });
}

function sizeOf(text: string): { w: number; h: number } | null {
  const match = SIZE.exec(text);
  if (match === null) return null;
  const size = { w: Number(match[1]), h: Number(match[2]) };
  return size.w <= INT4_MAX && size.h <= INT4_MAX ? size : null;
}
