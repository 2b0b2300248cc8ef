import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import type { FastifyInstance } from 'fastify';
import { ApiMetrics } from '../../src/api/api-metrics.js';
import { type ApiOptions, buildApi } from '../../src/api/server.js';
import { DatabaseState } from '../../src/database-state.js';
import type { Database } from '../../src/db.js';

/** The API on a free port of 127.0.0.1, without a rate limit unless `changes` says otherwise. */
export interface ApiUnderTest {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly metrics: ApiMetrics;
}

export async function startApi(database: Database, changes: Partial<ApiOptions> = {}): Promise<ApiUnderTest> {
  const log = createLogger('test', 'silent');
  const metrics = changes.metrics ?? new ApiMetrics(new Metrics('test', '0'));
  const app = await buildApi({
    database,
    state: new DatabaseState(log, new Metrics('test', '0')),
    rateLimitPerSecond: 0,
    corsOrigins: ['http://127.0.0.1:3000'],
    exports: { exportsMax: 2, stallMs: 30_000 },
    log,
    ...changes,
    metrics,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return { app, port: address.port, metrics };
}
