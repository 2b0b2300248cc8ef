import { Metrics } from '@helios/runtime/metrics';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiMetrics } from '../../src/api/api-metrics.js';
import type { Database } from '../../src/db.js';
import { startApi } from './api-under-test.js';

/** Every statement finds nothing. */
const emptyDatabase: Database = {
  query: async () => [],
  pool: () => ({ open: 0, idle: 0, waiting: 0 }),
  close: async () => undefined,
};

const registry = new Metrics('analytics-api', 'test');
let app: FastifyInstance;
let url: string;
beforeAll(async () => {
  const api = await startApi(emptyDatabase, { metrics: new ApiMetrics(registry) });
  app = api.app;
  url = `http://127.0.0.1:${api.port}`;
});
afterAll(() => app.close());

async function counts(): Promise<Record<string, number>> {
  const text = await registry.registry.metrics();
  return Object.fromEntries(
    [...text.matchAll(/^helios_api_request_duration_seconds_count\{route="(.+)"\} (\d+)$/gm)].map(([, route, count]) => [
      route,
      Number(count),
    ]),
  );
}

describe('the time of a request', () => {
  it.each([
    ['/api/outcomes/', 'outcomes'],
    ['/api/analytics/outcomes/?limit=0', 'outcomes'],
    ['/api/outcomes/nobody:1/', 'outcome'],
    ['/api/outcomes/?format=csv', 'csv'],
    ['/api/stats/timeseries/', 'timeseries'],
    ['/api/stats/breakdown/?by=site', 'breakdown'],
    ['/api/stats/summary/', 'summary'],
    ['/nothing/user-0000042', 'other'],
  ])('of %s counts under %s, and nowhere else', async (path, route) => {
    const before = await counts();
    await (await fetch(`${url}${path}`)).text();
    await vi.waitFor(async () => expect(await counts()).toEqual({ ...before, [route]: (before[route] ?? Number.NaN) + 1 }));
    expect(await registry.registry.metrics()).toContain('\nhelios_api_requests_in_flight 0\n');
  });
});
