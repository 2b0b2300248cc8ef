const HOUR_MS = 3_600_000;
const RANGE_MS = 24 * HOUR_MS;

/**
 * What load tools ask the analytics API for: a page, a filtered page, and the three statistics of the 24 hours that end with the running one.
 * Without imports: k6 reads this file too.
 */
export function apiPaths(nowUnixMs: number): [string, ...string[]] {
  const until = Math.ceil(nowUnixMs / HOUR_MS) * HOUR_MS;
  const range = `since=${new Date(until - RANGE_MS).toISOString()}&until=${new Date(until).toISOString()}`;
  return [
    '/api/outcomes/?limit=50',
    '/api/outcomes/?limit=50&win_status=true',
    `/api/stats/summary/?${range}`,
    `/api/stats/timeseries/?${range}`,
    `/api/stats/breakdown/?by=site&${range}`,
  ];
}
