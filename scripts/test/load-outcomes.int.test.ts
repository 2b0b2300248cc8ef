import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { auditRollups } from '@helios/analytics/audit/rollup-audit';
import { type Database, openDatabase } from '@helios/analytics/db';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseConfigOf } from '../src/replay-access.js';
import { type HelperProcess, startHelper } from './helper-process.js';

const file = fileURLToPath(new URL('../dist/load-outcomes.js', import.meta.url));
const analytics = fileURLToPath(new URL('../../analytics/dist/main.js', import.meta.url));
const ROWS = 6000;
const args = ['--rows', String(ROWS), '--days', '1', '--seed', '7', '--until', '2026-03-01T10:20:00Z'];

let folder: string;
let server: HelperProcess;
let env: Record<string, string>;
let database: Database;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'helios-load-'));
  chmodSync(folder, 0o755); // the server's own user passes through it
  server = await startHelper('database', ['--data', folder]);
  const password = readFileSync(join(folder, 'postgres-password'), 'utf8').trim();
  env = { DB_HOST: '127.0.0.1', DB_PORT: String(server.ready['port']), DB_PASSWORD: password };
  database = openDatabase(databaseConfigOf(env, null), { applicationName: 'test', poolSize: 2, statementTimeoutMs: 60_000 });
});
afterAll(async () => {
  await database.close();
  server.child.kill('SIGTERM');
  await server.exited;
  rmSync(folder, { recursive: true, force: true });
});

const run = (program: string, flags: readonly string[]) =>
  spawnSync(process.execPath, [program, ...flags], { encoding: 'utf8', env: { ...process.env, ...env, LOG_LEVEL: 'error' } });
const load = (...flags: string[]) => run(file, flags);

async function one<Row>(text: string): Promise<Row> {
  const [row] = await database.query<Row>({ text }, []);
  if (row === undefined) throw new Error('no row');
  return row;
}

/** A mark of everything that is stored; the sum of floats depends on the order of counting and is left out. */
async function stored(): Promise<unknown> {
  return one(`select (select md5(string_agg(o::text, '|' order by bid_id)) from auction_outcomes as o) as rows,
    (select md5(string_agg((to_jsonb(m) - 'latency_sum_ms')::text, '|' order by minute)) from outcome_minutes as m) as minutes,
    (select md5(string_agg(h::text, '|' order by dimension, hour, value)) from outcome_hours as h) as hours`);
}

describe('load-outcomes', () => {
  it('refuses a database that is not migrated, with a sentence', () => {
    const { status, stdout, stderr } = load(...args);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/is not migrated: run node analytics\/dist\/main\.js migrate .+ first\.\n$/);
  });

  it('stores as many rows as asked for, and rollups that equal them', async () => {
    expect(run(analytics, ['migrate']).status).toBe(0);
    const { status, stdout } = load(...args);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ rows: ROWS, inserted: ROWS, seed: 7, until: '2026-03-01T10:20:00.000Z' });
    const audit = await auditRollups(database);
    expect([audit.holds, audit.minutes.compared > 1000, audit.hours.compared > 1000]).toEqual([true, true, true]);
  });

  it('changes nothing when it loads again, and makes the same rows anew', async () => {
    const before = await stored();
    expect(JSON.parse(load(...args).stdout)).toMatchObject({ rows: ROWS, inserted: 0 });
    expect(await stored()).toEqual(before);
    for (const table of ['auction_outcomes', 'outcome_minutes', 'outcome_hours']) await database.query({ text: `truncate ${table}` }, []);
    load(...args, '--connections', '1', '--database', `postgres://helios:${env['DB_PASSWORD']}@127.0.0.1:${env['DB_PORT']}/helios`);
    expect(await stored()).toEqual(before);
  });

  it('prices, decides and clears by the rules, with the shares that they give', async () => {
    const faults = await one(`select
      count(*) filter (where bid_price <> case when top_score > 0.9 then 0.10 when top_score >= 0.7 then 0.05 else 0.01 end)::int4 as price,
      count(*) filter (where win_status <> (bid_price >= floor and bid_price > market_price))::int4 as win,
      count(*) filter (where win_price <> case when not win_status then 0 when auction_type = 1 then bid_price else greatest(market_price, floor) end)::int4 as clearing,
      count(*) filter (where top_interest is not null and not enriched)::int4 as interest,
      count(*) filter (where not (accepted_at <= bid_at and bid_at <= "timestamp"))::int4 as times,
      count(*) filter (where bid_id <> bid_request_id || ':' || slot_id or not starts_with(bid_id, 'load-7-'))::int4 as ids,
      count(*) filter (where creative_id <> coalesce(replace(top_interest, '_', '-'), 'house') || '-' || creative_w || 'x' || creative_h)::int4 as creatives,
      count(*) filter (where "timestamp" >= '2026-03-01T10:20:00Z' or "timestamp" < '2026-02-28T10:20:00Z')::int4 as range
      from auction_outcomes`);
    expect(faults).toEqual({ price: 0, win: 0, clearing: 0, interest: 0, times: 0, ids: 0, creatives: 0, range: 0 });
    // The shares of one seed: fixed numbers, compared with what the rules make of many rows.
    const shares = await one<Record<string, number>>(`select (avg(win_status::int) filter (where bid_price = 0.01))::float8 as low,
      (avg(win_status::int) filter (where bid_price = 0.05))::float8 as middle, (avg(win_status::int) filter (where bid_price = 0.10))::float8 as high,
      avg(enriched::int)::float8 as enriched, count(distinct user_id)::float8 as users, count(distinct bid_request_id)::float8 as requests from auction_outcomes`);
    expect(shares['low']).toBeCloseTo(0.13, 1);
    expect(shares['middle']).toBeCloseTo(0.6, 1);
    expect(shares['high']).toBeCloseTo(0.8, 1);
    expect(shares['enriched']).toBeCloseTo(0.46, 1);
    expect(shares['users']).toBeGreaterThan(1200);
    expect(shares['requests']).toBe(ROWS / 3);
  });

  it('ends between two statements when it is interrupted, and says how to go on', async () => {
    const child = spawn(process.execPath, [file, '--rows', '600000', '--days', '3', '--seed', '8', '--until', '2026-03-01T00:00:00Z'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (said === '') child.kill('SIGINT');
      said += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    expect(said).toMatch(/of 600,000 rows · [\d,]+ rows\/s · \d+ min \d+ s remain/);
    expect(said).toContain('To go on: npm run -s load-outcomes -- --rows 600000 --days 3 --seed 8 --until 2026-03-01T00:00:00.000Z');
    expect((await auditRollups(database)).holds).toBe(true);
  });

  it('says what a flag accepts and exits with 2', () => {
    const wrong = [['--rows', '0'], ['--until', 'tomorrow'], ['--database', 'http://h/x'], ['extra']];
    for (const flags of wrong) {
      const { status, stdout, stderr } = load(...flags);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^load-outcomes: .+\. See --help\.\n$/);
    }
  });
});
