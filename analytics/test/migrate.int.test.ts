import { createLogger } from '@helios/runtime/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeSchema } from '../src/api/outcome-rows.js';
import { type Database, openDatabase } from '../src/db.js';
import { migrate } from '../src/migrate.js';
import { latencyEdgesMs } from '../src/rollup-columns.js';
import { type PostgresServer, startPostgres } from './postgres-server.js';

const log = createLogger('test', 'fatal');
let server: PostgresServer;
let database: Database;
const config = () => ({ ...server.config, migrateWaitMs: 10_000 });

beforeAll(async () => {
  server = await startPostgres();
  database = openDatabase(server.config, { applicationName: 'test', poolSize: 2, statementTimeoutMs: 5000 });
});
afterAll(async () => {
  await database.close();
  await server.remove();
});

async function columnsOf(table: string): Promise<string[]> {
  const text = 'select column_name from information_schema.columns where table_name = $1 order by ordinal_position';
  const rows = await database.query<{ column_name: string }>({ text }, [table]);
  return rows.map(({ column_name }) => column_name);
}

describe('migrate', () => {
  it('runs each migration once when four instances start together, and nothing the next time', async () => {
    const ran = await Promise.all([1, 2, 3, 4].map(() => migrate(config(), log)));
    expect(ran.flat()).toEqual(['1764000000000_auction-outcomes', '1764200000000_folded-days', '1764200000001_filter-indexes']);
    expect(await migrate(config(), log)).toEqual([]);
  });

  it('makes exactly the columns of the contract, which are the ones the API shows', async () => {
    const contract =
      'bid_id bid_request_id slot_id user_id site_domain bid_price floor auction_type test win_status win_price market_price enriched ' +
      'top_interest top_score strategy creative_id creative_w creative_h trace_id bid_at accepted_at timestamp';
    expect(await columnsOf('auction_outcomes')).toEqual(contract.split(' '));
    expect(Object.keys(outcomeSchema.properties)).toEqual(contract.split(' '));
  });

  it('has a column for every latency bucket that the writer counts', async () => {
    const buckets = (await columnsOf('outcome_minutes')).filter((name) => name.startsWith('latency_le_'));
    expect(buckets).toEqual(latencyEdgesMs.map((edgeMs) => `latency_le_${edgeMs}_ms`));
  });

  it('says so when another instance holds the lock for too long', async () => {
    await database.query({ text: 'select pg_advisory_lock(7241865325823964)' }, []);
    await expect(migrate({ ...config(), migrateWaitMs: 200 }, log)).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('another instance'),
    });
    await database.query({ text: 'select pg_advisory_unlock_all()' }, []);
  });

  it('waits for a server that is down, within its bound', async () => {
    await server.crash();
    await expect(migrate({ ...config(), migrateWaitMs: 0 }, log)).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('does not answer'),
    });
    const waiting = migrate(config(), log);
    await server.start();
    expect(await waiting).toEqual([]);
  });
});
