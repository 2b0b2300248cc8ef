import { port, text } from '@helios/runtime/config';
import { serviceSettings } from '@helios/runtime/settings';

/** The environment of the dashboard's server. */
export const dashboardSettings = {
  ...serviceSettings(9107),
  dashboardPort: port({ env: 'DASHBOARD_PORT', default: 3000, effect: 'port of the dashboard' }),
  analyticsApiUrl: text({
    env: 'ANALYTICS_API_URL',
    default: 'http://127.0.0.1:8000',
    unit: 'URL',
    pattern: /^(same-origin|https?:\/\/[^\s/?#'";,]+)$/,
    accepts: 'the scheme, host and port of the analytics API (https://api.example.com), or same-origin behind a gateway',
    effect: "where the reader's browser finds the analytics API; its ANALYTICS_CORS_ORIGINS must list the dashboard's address",
  }),
} as const;
