import type { ConsumedMessage } from '@helios/runtime/kafka/consumer';
import { createLogger, LogSampler } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import { DatabaseState } from '../../src/database-state.js';
import { type Database, openDatabase, type TransactionalDatabase } from '../../src/db.js';
import { migrate } from '../../src/migrate.js';
import { OutcomeStore } from '../../src/writer/outcome-store.js';
import { OutcomeWriter } from '../../src/writer/outcome-writer.js';
import { latencyEdgesMs } from '../../src/rollup-columns.js';
import { WriterMetrics } from '../../src/writer/writer-metrics.js';
import type { DatabaseConfig } from '../../src/database-settings.js';
import { type PostgresOptions, type PostgresServer, startPostgres } from '../postgres-server.js';

/** A writer over a real PostgreSQL, without Kafka: messages go straight in, dead letters are collected. */
export interface WriterHarness {
  readonly server: PostgresServer;
  readonly database: TransactionalDatabase;
  readonly state: DatabaseState;
  readonly letters: { message: ConsumedMessage; code: string; text: string }[];
  newWriter(): { writer: OutcomeWriter; rows: WriterMetrics['rows']; metrics: WriterMetrics };
  stop(): Promise<void>;
}

/** @param way how the writer reaches the server, where that is not as it stands. */
export async function startHarness(options: PostgresOptions = {}, way: Partial<DatabaseConfig> = {}): Promise<WriterHarness> {
  const server = await startPostgres(options);
  const log = createLogger('test', 'silent');
  const config = { ...server.config, ...way };
  await migrate({ ...config, migrateWaitMs: 10_000 }, log).catch(async (error: unknown) => {
    await server.remove();
    throw error;
  });
  const database = openDatabase(config, { applicationName: 'test', poolSize: 8, statementTimeoutMs: 10_000 });
  const state = new DatabaseState(log, new Metrics('test', '0'));
  const letters: WriterHarness['letters'] = [];
  return {
    server,
    database,
    state,
    letters,
    newWriter() {
      const metrics = new WriterMetrics(new Metrics('test', '0'));
      const writer = new OutcomeWriter({
        store: new OutcomeStore({ database, state, retryMinMs: 5, retryMaxMs: 50, random: Math.random }),
        deadLetters: {
          async send(message, code, text) {
            letters.push({ message, code, text });
          },
        },
        retentionDays: 90,
        metrics,
        log,
        sampler: new LogSampler(1, 50),
      });
      return { writer, rows: metrics.rows, metrics };
    },
    async stop() {
      await database.close();
      await server.remove();
    },
  };
}

interface Stored {
  bid_price: number;
  win_price: number;
  market_price: number;
  win_status: boolean;
  enriched: boolean;
  site_domain: string;
  top_interest: string | null;
  creative_w: number;
  creative_h: number;
  decided: number;
  accepted: number | null;
}

type Totals = Record<string, number>;
/** A rollup row as the driver gives it: counts and sums as text. */
type RollupRow = Record<string, unknown>;

/** The rollups counted anew in JavaScript from the stored rows: what the tables must say. Prices in micros. */
export async function recount(database: Database): Promise<{ minutes: Record<string, Totals>; hours: Record<string, Totals> }> {
  const text = `select bid_price::float8 as bid_price, win_price::float8 as win_price, market_price::float8 as market_price, win_status, enriched, site_domain,
    top_interest, creative_w, creative_h, extract(epoch from "timestamp")::float8 * 1000 as decided, extract(epoch from accepted_at)::float8 * 1000 as accepted
    from auction_outcomes where not test`;
  const minutes: Record<string, Totals> = {};
  const hours: Record<string, Totals> = {};
  for (const row of await database.query<Stored>({ text }, [])) {
    const shared: Totals = {
      bids: 1,
      wins: row.win_status ? 1 : 0,
      bid_price_sum: micros(row.bid_price),
      win_price_sum: row.win_status ? micros(row.win_price) : 0,
      market_price_sum: micros(row.market_price),
    };
    const latencyMs = row.accepted === null ? null : Math.max(0, row.decided - row.accepted);
    const latency: Totals = { latency_count: latencyMs === null ? 0 : 1 };
    for (const edgeMs of latencyEdgesMs) latency[`latency_le_${edgeMs}_ms`] = latencyMs !== null && latencyMs <= edgeMs + 1e-3 ? 1 : 0;
    add(minutes, start(row.decided, 60_000), { ...shared, ...latency, enriched: row.enriched ? 1 : 0 });
    const tier = row.bid_price < 0.05 ? 'under-0.05' : row.bid_price < 0.1 ? '0.05-to-0.10' : '0.10-and-up';
    const values = {
      site: row.site_domain,
      interest: row.top_interest ?? '',
      price_tier: tier,
      creative_size: `${row.creative_w}x${row.creative_h}`,
      enriched: String(row.enriched),
    };
    for (const [dimension, value] of Object.entries(values)) add(hours, `${dimension} ${start(row.decided, 3_600_000)} ${value}`, shared);
  }
  return { minutes, hours };
}

/** The rollups as the tables have them, in the shape of `recount`. */
export async function rollups(database: Database): Promise<{ minutes: Record<string, Totals>; hours: Record<string, Totals> }> {
  const minutes: Record<string, Totals> = {};
  const hours: Record<string, Totals> = {};
  const epoch = (column: string) => `(extract(epoch from ${column}) * 1000)::float8 as at`;
  for (const row of await database.query<RollupRow>({ text: `select *, ${epoch('minute')} from outcome_minutes` }, []))
    minutes[start(Number(row['at']), 1)] = totals(row);
  for (const row of await database.query<RollupRow>({ text: `select *, ${epoch('hour')} from outcome_hours` }, [])) {
    hours[`${String(row['dimension'])} ${start(Number(row['at']), 1)} ${String(row['value'])}`] = totals(row);
  }
  return { minutes, hours };
}

function totals(row: RollupRow): Totals {
  const counted: Totals = {};
  for (const [name, value] of Object.entries(row)) {
    if (['minute', 'hour', 'at', 'dimension', 'value', 'latency_sum_ms'].includes(name)) continue;
    counted[name] = name.endsWith('price_sum') ? micros(Number(value)) : Number(value);
  }
  return counted;
}

function add(into: Record<string, Totals>, key: string, more: Totals): void {
  const sum = (into[key] ??= {});
  for (const [name, value] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + value;
}

const micros = (usd: number): number => Math.round(usd * 1e6);
const start = (unixMs: number, widthMs: number): string => new Date(Math.floor(unixMs / widthMs) * widthMs).toISOString();
