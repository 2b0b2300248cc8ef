import type { Dimension } from './stats.js';

/** The filters of the page, under the API's own names; values are the API's too. Pure. */

export const filterNames = ['site_domain', 'interest', 'price_tier', 'creative_size', 'enriched'] as const;
export type FilterName = (typeof filterNames)[number];
export type Filters = Readonly<Partial<Record<FilterName, string>>>;

export const dimensions: readonly Dimension[] = ['site', 'interest', 'creative_size', 'price_tier', 'enriched'];

/** The filter that a click on a row of that breakdown sets. */
export const filterOf: Readonly<Record<Dimension, FilterName>> = {
  site: 'site_domain',
  interest: 'interest',
  price_tier: 'price_tier',
  creative_size: 'creative_size',
  enriched: 'enriched',
};

export const filterTitles: Readonly<Record<FilterName, string>> = {
  site_domain: 'Site',
  interest: 'Top interest',
  price_tier: 'Bid price',
  creative_size: 'Creative size',
  enriched: 'Profile',
};

/** As long as the longest domain or interest that can be stored. */
const VALUE_MAX_LENGTH = 1024;

const words: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  site_domain: { '': 'no site' },
  interest: { '': 'no interest known' },
  price_tier: { 'under-0.05': 'under $0.05', '0.05-to-0.10': '$0.05 to $0.10', '0.10-and-up': '$0.10 and up' },
  enriched: { true: 'profile known', false: 'profile unknown' },
};

/** Whether the API takes `value` for that filter. */
export function isFilterValue(name: FilterName, value: string): boolean {
  if (name === 'price_tier' || name === 'enriched') return Object.hasOwn(words[name] ?? {}, value);
  if (name === 'creative_size') return /^\d{1,5}x\d{1,5}$/.test(value);
  return value.length <= VALUE_MAX_LENGTH;
}

/** The value in words: `no site`, `$0.05 to $0.10`, `300×250`. */
export function valueText(name: FilterName, value: string): string {
  const known = words[name];
  if (known !== undefined && Object.hasOwn(known, value)) return known[value] ?? value;
  return name === 'creative_size' ? value.replace('x', '×') : value;
}

/** `filters` with one more, or without it where it is set to that value already. */
export function toggled(filters: Filters, name: FilterName, value: string): Filters {
  return filters[name] === value ? without(filters, name) : { ...filters, [name]: value };
}

export function without(filters: Filters, name: FilterName): Filters {
  return Object.fromEntries(Object.entries(filters).filter(([key]) => key !== name));
}

/** The filters that are set, in one fixed order. */
export function setFilters(filters: Filters): readonly (readonly [FilterName, string])[] {
  return filterNames.flatMap((name) => {
    const value = filters[name];
    return value === undefined ? [] : [[name, value] as const];
  });
}
