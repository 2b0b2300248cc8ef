import { portTaken } from '@helios/runtime/admin-server';
import type { RunningService, ServiceHost } from '@helios/runtime/service';
import { DatabaseMetrics } from '../database-metrics.js';
import { DatabaseState, watchDatabase } from '../database-state.js';
import { openDatabase } from '../db.js';
import { ApiMetrics } from './api-metrics.js';
import { buildApi } from './server.js';
import type { ApiConfig } from './settings.js';

const WATCH_INTERVAL_MS = 5000;

/** Starts `analytics api`. It is ready whenever it can answer fast; without a database it answers 503. */
export async function startApi(
  host: Pick<ServiceHost<ApiConfig>, 'config' | 'log' | 'metrics'>,
): Promise<RunningService & { port: number }> {
  const { config, log, metrics } = host;
  const databaseMetrics = new DatabaseMetrics(metrics);
  const database = openDatabase(config, {
    applicationName: 'helios-api',
    poolSize: config.poolSize,
    statementTimeoutMs: config.statementTimeoutMs,
    statementEnded: databaseMetrics.statementEnded,
  });
  databaseMetrics.watchPool(metrics, database, config.poolSize);
  const state = new DatabaseState(log, metrics);
  metrics.gauge('helios_api_database_waiting', 'Requests that wait for a connection to PostgreSQL.', () => database.pool().waiting);
  const app = await buildApi({
    database,
    state,
    metrics: new ApiMetrics(metrics),
    rateLimitPerSecond: config.rateLimitPerSecond,
    corsOrigins: config.corsOrigins.split(','),
    exports: { exportsMax: config.exportsMax, stallMs: config.exportStallMs },
    log,
  });
  await listen();
  const stopWatching = watchDatabase(database, state, WATCH_INTERVAL_MS);
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : config.apiPort,
    async stop() {
      await app.close();
      stopWatching();
      await database.close();
    },
  };

  async function listen(): Promise<void> {
    try {
      await app.listen({ host: config.bindHost, port: config.apiPort });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EADDRINUSE' || code === 'EACCES') throw portTaken(config.bindHost, config.apiPort, 'ANALYTICS_PORT', code);
      throw error;
    }
  }
}
