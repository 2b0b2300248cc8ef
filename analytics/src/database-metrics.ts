import { LatencyHistogram, type Metrics } from '@helios/runtime/metrics';
import type { Database } from './db.js';

/** What a service counts of its way to PostgreSQL; read on scrape. */
export class DatabaseMetrics {
  readonly #statements = new LatencyHistogram();

  constructor(metrics: Metrics) {
    metrics.histogram(
      'helios_database_query_duration_seconds',
      'Time of a statement on its connection, failed ones included; the wait for a connection is not.',
      () => this.#statements,
    );
  }

  readonly statementEnded = (seconds: number): void => this.#statements.observe(seconds);

  /** Shows how full the pool is. */
  watchPool(metrics: Metrics, database: Pick<Database, 'pool'>, poolSize: number): void {
    metrics.gauge(
      'helios_database_pool_connections',
      'Connections of the pool that are busy or idle; waiting: callers that wait for one.',
      () => {
        const { open, idle, waiting } = database.pool();
        return { busy: open - idle, idle, waiting };
      },
      'state',
    );
    metrics.gauge('helios_database_pool_limit_connections', 'Most connections of the pool.', () => poolSize);
  }
}
