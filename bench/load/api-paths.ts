/**
 * What load tools ask the analytics API for: a page, a filtered page, and the three statistics of the default range. Without imports: k6 reads
 * this file too.
 */
export const apiPaths = [
  '/api/outcomes/?limit=50',
  '/api/outcomes/?limit=50&win_status=true',
  '/api/stats/summary/',
  '/api/stats/timeseries/',
  '/api/stats/breakdown/?by=site',
] as const;
