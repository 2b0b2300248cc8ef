import { type Filters, setFilters } from './filters.js';
import { instantText, type TimeRange } from './ranges.js';
import type { BreakdownSort, Dimension } from './stats.js';

/** The paths and queries by which the page asks the analytics API. Pure; the scheme, host and port are known at run time only. */

const ROOT = '/api/analytics';
/** Rows of a breakdown on the page, and in its CSV. */
export const BREAKDOWN_ROWS = 10;
const BREAKDOWN_CSV_ROWS = 500;
/** Rows of the live table. */
export const LIVE_ROWS = 25;

export function summaryPath(range: TimeRange, filters: Filters): string {
  return `${ROOT}/stats/summary/?${query(range, filters)}`;
}

/** `zone`: IANA name of the zone whose days are counted. */
export function timeSeriesPath(range: TimeRange, filters: Filters, zone: string): string {
  return `${ROOT}/stats/timeseries/?${query(range, filters, { interval: 'auto', zone })}`;
}

export function breakdownPath(by: Dimension, sort: BreakdownSort, range: TimeRange, filters: Filters): string {
  return `${ROOT}/stats/breakdown/?${query(range, filters, { by, sort, limit: String(BREAKDOWN_ROWS) })}`;
}

export function breakdownCsvPath(by: Dimension, sort: BreakdownSort, range: TimeRange, filters: Filters): string {
  return csv(`${ROOT}/stats/breakdown/?${query(range, filters, { by, sort, limit: String(BREAKDOWN_CSV_ROWS) })}`);
}

export function outcomesPath(range: TimeRange, filters: Filters): string {
  return `${ROOT}/outcomes/?${query(range, filters, { limit: String(LIVE_ROWS) })}`;
}

/** The whole range: the API streams it. */
export function outcomesCsvPath(range: TimeRange, filters: Filters): string {
  return csv(`${ROOT}/outcomes/?${query(range, filters)}`);
}

/** A bid id has percent signs and colons of its own, so it is encoded once more. */
export function outcomePath(bidId: string): string {
  return `${ROOT}/outcomes/${encodeURIComponent(bidId)}/`;
}

/** The path of the same data as CSV. */
export function csv(path: string): string {
  return `${path}&format=csv`;
}

function query(range: TimeRange, filters: Filters, more: Readonly<Record<string, string>> = {}): string {
  const parameters = new URLSearchParams({
    since: instantText(range.sinceUnixMs),
    until: instantText(range.untilUnixMs),
    ...more,
  });
  for (const [name, value] of setFilters(filters)) parameters.set(name, value);
  return parameters.toString();
}
