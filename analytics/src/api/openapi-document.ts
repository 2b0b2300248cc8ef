import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import { DatabaseState } from '../database-state.js';
import type { Database } from '../db.js';
import { ApiMetrics } from './api-metrics.js';
import { buildApi } from './server.js';

/** The text of docs/openapi.json: the API is built with a database that cannot be asked, and says what it has. */
export async function openApiText(): Promise<string> {
  const log = createLogger('openapi', 'silent');
  const metrics = new Metrics('openapi', '0');
  const app = await buildApi({
    database: noDatabase,
    state: new DatabaseState(log, metrics),
    metrics: new ApiMetrics(metrics),
    rateLimitPerSecond: 0,
    corsOrigins: [],
    exports: { exportsMax: 1, stallMs: 1000 },
    log,
  });
  await app.ready();
  const text = `${JSON.stringify(app.swagger(), null, 2)}\n`;
  await app.close();
  return text;
}

const noDatabase: Database = {
  query: () => Promise.reject(new Error('there is no database: only the document is made')),
  pool: () => ({ open: 0, idle: 0, waiting: 0 }),
  close: () => Promise.resolve(),
};
