import { fileURLToPath } from 'node:url';
import type { AuctionOutcome } from '@helios/proto/events';
import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import type { FastifyInstance } from 'fastify';
import { ApiMetrics } from '../../../analytics/src/api/api-metrics.js';
import { buildApi } from '../../../analytics/src/api/server.js';
import { message } from '../../../analytics/test/outcomes.js';
import { startHarness, type WriterHarness } from '../../../analytics/test/writer/writer-harness.js';
import { PortBlocks } from '../../../bench/test/e2e/processes.js';
import { buildDashboard, listen } from '../../server/server.js';

/**
 * The page as it is served, over a real database: an embedded PostgreSQL, outcomes stored by the writer's own code, the API and the
 * dashboard's server on ports of their own. Only Kafka is left out.
 */

const clientFolder = fileURLToPath(new URL('../../dist/client', import.meta.url));
const ports = new PortBlocks(2);
/** Like the writer's own batches: a statement with all of a large load would be another program. */
const BATCH_ROWS = 2000;

export class DashboardUnderTest {
  /** Of the page, with a slash at its end. */
  readonly address: string;
  readonly apiAddress: string;
  readonly #harness: WriterHarness;
  readonly #servers: readonly FastifyInstance[];
  #offset = 0;

  /** Starts everything with these outcomes stored. The page must have been built. */
  static async start(events: readonly AuctionOutcome[]): Promise<DashboardUnderTest> {
    const harness = await startHarness();
    const apiPort = await ports.take();
    const dashboardPort = apiPort + 1;
    const apiAddress = `http://127.0.0.1:${apiPort}`;
    const api = await buildApi({
      database: harness.database,
      state: harness.state,
      metrics: new ApiMetrics(new Metrics('test', '0')),
      rateLimitPerSecond: 0,
      corsOrigins: [`http://127.0.0.1:${dashboardPort}`],
      exports: { exportsMax: 2, stallMs: 30_000 },
      log: createLogger('test', 'silent'),
    });
    await api.listen({ host: '127.0.0.1', port: apiPort });
    const dashboard = await buildDashboard({ clientFolder, analyticsApiUrl: apiAddress, answered: () => undefined });
    await listen(dashboard, '127.0.0.1', dashboardPort);
    const started = new DashboardUnderTest(harness, [dashboard, api], `http://127.0.0.1:${dashboardPort}/`, apiAddress);
    await started.store(events);
    return started;
  }

  private constructor(harness: WriterHarness, servers: readonly FastifyInstance[], address: string, apiAddress: string) {
    this.#harness = harness;
    this.#servers = servers;
    this.address = address;
    this.apiAddress = apiAddress;
  }

  /** Stores outcomes as the writer does; fails when one of them becomes a dead letter instead of a row. */
  async store(events: readonly AuctionOutcome[]): Promise<void> {
    const { writer } = this.#harness.newWriter();
    for (let at = 0; at < events.length; at += BATCH_ROWS) {
      const batch = events.slice(at, at + BATCH_ROWS).map((event) => message(event, this.#offset++));
      await writer.handle(batch, new AbortController().signal);
    }
    const [letter] = this.#harness.letters;
    if (letter !== undefined) throw new Error(`an outcome could not be stored: ${letter.code}: ${letter.text}`);
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) await server.close();
    await this.#harness.stop();
  }
}
