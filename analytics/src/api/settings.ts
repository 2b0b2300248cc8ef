import type { ConfigOf } from '@helios/runtime/config';
import { integer, port, text } from '@helios/runtime/config';
import { serviceSettings } from '@helios/runtime/settings';
import { databaseFaults, databaseSettings } from '../database-settings.js';

/** The environment of `analytics api`. */
export const apiSettings = {
  ...serviceSettings(9106),
  ...databaseSettings,
  apiPort: port({ env: 'ANALYTICS_PORT', default: 8000, effect: 'port of the analytics API' }),
  corsOrigins: text({
    env: 'ANALYTICS_CORS_ORIGINS',
    default: 'http://127.0.0.1:3000,http://localhost:3000',
    unit: 'origins',
    pattern: /^https?:\/\/[^\s,/]+(,https?:\/\/[^\s,/]+)*$/,
    accepts: 'origins such as https://dash.example.com, several separated by commas',
    effect: 'pages of these origins may read the API in a browser: the address of the dashboard',
  }),
  rateLimitPerSecond: integer({
    env: 'ANALYTICS_RATE_LIMIT',
    default: 1000,
    min: 0,
    max: 1_000_000,
    unit: 'requests/s',
    effect: 'requests per second and client address; beyond it 429; 0 turns the limit off',
  }),
  poolSize: integer({
    env: 'ANALYTICS_POOL_SIZE',
    default: 8,
    min: 1,
    max: 200,
    unit: 'connections',
    effect: 'most statements at once; further requests wait for DB_CONNECT_TIMEOUT_MS and are then answered 503',
  }),
  statementTimeoutMs: integer({
    env: 'ANALYTICS_STATEMENT_TIMEOUT_MS',
    default: 2000,
    min: 50,
    max: 60_000,
    unit: 'ms',
    effect: 'the server ends a query that runs longer; the request is answered 503',
  }),
  exportsMax: integer({
    env: 'ANALYTICS_EXPORTS_MAX',
    default: 2,
    min: 1,
    max: 100,
    unit: 'exports',
    effect: 'most CSV exports of outcomes at once, each with at most one statement at a time; a further one is answered 503',
  }),
  exportStallMs: integer({
    env: 'ANALYTICS_EXPORT_STALL_MS',
    default: 30_000,
    min: 100,
    max: 3_600_000,
    unit: 'ms',
    effect: 'a CSV export whose client takes none of the next 500 rows for this long is cut off',
  }),
} as const;

export type ApiConfig = ConfigOf<typeof apiSettings>;

/** Combinations that cannot work, as sentences. */
export function apiFaults(config: ApiConfig): string[] {
  return databaseFaults(config);
}
