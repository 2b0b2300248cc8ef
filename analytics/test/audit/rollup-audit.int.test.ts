import { headerNames } from '@helios/proto/topics';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { foldDay } from '../../src/writer/fold-days.js';
import { auditRollups } from '../../src/audit/rollup-audit.js';
import { message, outcome } from '../outcomes.js';
import { startHarness, type WriterHarness } from '../writer/writer-harness.js';

const COUNT = 600;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Noon of the last day that is over: which minutes, hours and days there are does not depend on when the test runs. */
const nowUnixMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS / 2;

let harness: WriterHarness;
/** Rows over three hours, every seventh a test bid, every fifth without a time of acceptance, latencies around every edge. */
beforeAll(async () => {
  harness = await startHarness();
  const latenciesMs = [-5, 0, 4, 5, 6, 30, 31, 500, 501, 60_000, 70_000];
  const events = Array.from({ length: COUNT }, (_, index) => {
    const decidedUnixMs = nowUnixMs - (index % 3) * HOUR_MS - (index % 50) * 1500;
    const event = outcome(index, { timestamp: new Date(decidedUnixMs).toISOString(), test: index % 7 === 0 }, nowUnixMs);
    const acceptedAtUnixMs = decidedUnixMs - (latenciesMs[index % latenciesMs.length] ?? 0);
    return message(event, index, index % 5 === 0 ? {} : { [headerNames.acceptedAt]: String(acceptedAtUnixMs) });
  });
  for (let at = 0; at < COUNT; at += 100) await harness.newWriter().writer.handle(events.slice(at, at + 100), new AbortController().signal);
});
afterAll(() => harness.stop());

/** Undone by the next test. */
const tables = ['outcome_minutes', 'outcome_hours', 'auction_outcomes'] as const;
beforeAll(async () => {
  for (const table of tables) await sql(`create table kept_${table} as table ${table}`);
});
beforeEach(async () => {
  for (const table of tables) {
    await sql(`truncate ${table}`);
    await sql(`insert into ${table} select * from kept_${table}`);
  }
});

function sql<Row = unknown>(text: string): Promise<Row[]> {
  return harness.database.query<Row>({ text }, []);
}

async function rowsOf(table: string): Promise<number> {
  const [row] = await sql<{ rows: number }>(`select count(*)::int4 as rows from ${table}`);
  return row?.rows ?? -1;
}

describe('the audit of the rollups', () => {
  it('holds for what the writer stored, and compares every row of both tables', async () => {
    const audit = await auditRollups(harness.database);
    expect(audit).toEqual({
      holds: true,
      minutes: { compared: await rowsOf('outcome_minutes'), differing: 0, rows: [] },
      hours: { compared: await rowsOf('outcome_hours'), differing: 0, rows: [] },
      dayTotals: { compared: 0, differing: 0, rows: [] },
      days: { compared: 0, differing: 0, rows: [] },
    });
    expect(audit.minutes.compared).toBeGreaterThan(3);
    expect(audit.hours.compared).toBeGreaterThan(30);
  });

  it.each(['outcome_minutes', 'outcome_hours'])('shows a wrong value in any column of %s', async (table) => {
    const numbers = await sql<{ name: string }>(
      `select column_name as name from information_schema.columns where table_name = '${table}' and data_type in ('bigint', 'numeric', 'double precision')`,
    );
    expect(numbers.length).toBeGreaterThanOrEqual(5);
    for (const { name } of numbers) {
      await sql(`update ${table} set ${name} = ${name} + 1 where ctid = (select min(ctid) from ${table})`);
      const audit = await auditRollups(harness.database);
      const found = table === 'outcome_minutes' ? audit.minutes : audit.hours;
      expect([name, audit.holds, found.differing, found.rows[0]?.differences.map((difference) => difference.column)]).toEqual([
        name,
        false,
        1,
        [name],
      ]);
      await sql(`truncate ${table}`);
      await sql(`insert into ${table} select * from kept_${table}`);
    }
  });

  it('says what is stored and what the rows say', async () => {
    const at = new Date(nowUnixMs).toISOString().replace('.000Z', 'Z');
    const which = `dimension = 'site' and value = 'news.example' and hour = '${at}'`;
    const [before] = await sql<{ wins: string }>(
      `update outcome_hours set wins = wins + 2 where ${which} returning (wins - 2)::text as wins`,
    );
    const { hours } = await auditRollups(harness.database);
    expect(hours.rows).toEqual([
      {
        at,
        dimension: 'site',
        value: 'news.example',
        differences: [{ column: 'wins', stored: String(Number(before?.wins) + 2), recomputed: before?.wins }],
      },
    ]);
  });

  it('shows a rollup row that is gone, and one that no stored row accounts for', async () => {
    await sql(`delete from outcome_minutes where minute = (select min(minute) from outcome_minutes)`);
    await sql(`insert into outcome_hours select 'site', hour, 'nobody.example', bids, wins, bid_price_sum, win_price_sum, market_price_sum
      from outcome_hours where dimension = 'enriched' and value = 'true' order by hour limit 1`);
    const { minutes, hours } = await auditRollups(harness.database);
    expect(minutes.rows[0]?.differences.find(({ column }) => column === 'bids')).toMatchObject({ stored: null });
    expect(hours.rows[0]).toMatchObject({ value: 'nobody.example' });
    expect(hours.rows[0]?.differences.find(({ column }) => column === 'bids')).toMatchObject({ recomputed: null });
    expect([minutes.differing, hours.differing]).toEqual([1, 1]);
  });

  it('shows a row that was counted twice, one that was lost after it was counted, and a test bid that was counted', async () => {
    await sql(`delete from auction_outcomes where bid_id = (select min(bid_id) from auction_outcomes where not test)`);
    const lost = await auditRollups(harness.database);
    expect([lost.minutes.differing, lost.hours.differing]).toEqual([1, 5]);
    await sql(`insert into auction_outcomes select * from kept_auction_outcomes on conflict do nothing`);
    await sql(`update auction_outcomes set test = false where bid_id = (select min(bid_id) from auction_outcomes where test)`);
    const counted = await auditRollups(harness.database);
    expect([counted.minutes.differing, counted.hours.differing]).toEqual([1, 5]);
  });

  it('keeps to the hours of its range', async () => {
    await sql(`update outcome_minutes set bids = bids + 1`);
    const whole = await auditRollups(harness.database);
    const since = new Date(nowUnixMs - HOUR_MS + 60_000);
    const lastHours = await auditRollups(harness.database, { since });
    const oneHour = await auditRollups(harness.database, { since, until: new Date(nowUnixMs - 1) });
    const [rows] = await sql<{ last: number; one: number }>(`select count(*)::int4 as last,
      (count(*) filter (where minute < to_timestamp(${nowUnixMs / 1000})))::int4 as one
      from outcome_minutes where minute >= to_timestamp(${(nowUnixMs - HOUR_MS) / 1000})`);
    expect(whole.minutes.differing).toBe(await rowsOf('outcome_minutes'));
    expect([lastHours.minutes.differing, oneHour.minutes.differing]).toEqual([rows?.last, rows?.one]);
    expect([oneHour.minutes.compared, oneHour.hours.differing]).toEqual([rows?.one, 0]);
    expect(rows?.one).toBeGreaterThan(0);
  });

  it('names the first hundred of more rows, and counts all', async () => {
    await sql(`insert into outcome_minutes select minute - make_interval(days => day), ${await minuteColumns()}
      from outcome_minutes, generate_series(10, 160) as day where minute = (select min(minute) from outcome_minutes)`);
    const { minutes } = await auditRollups(harness.database);
    expect(minutes.differing).toBe(151);
    expect(minutes.rows).toHaveLength(100);
  });
});

describe('the audit of folded days', () => {
  const day = `${new Date(nowUnixMs).toISOString().slice(0, 10)}T00:00:00Z`;
  beforeEach(async () => {
    await sql('truncate outcome_days, outcome_day_totals');
    await foldDay(harness.database, day);
  });
  afterAll(async () => sql('truncate outcome_days, outcome_day_totals'));

  it('holds for a day that was folded, and compares each of its rows', async () => {
    const audit = await auditRollups(harness.database);
    expect(audit).toMatchObject({ holds: true, dayTotals: { compared: 1 }, days: { compared: await rowsOf('outcome_days') } });
    expect(audit.days.compared).toBeGreaterThan(10);
  });

  it.each(['outcome_day_totals', 'outcome_days'])('shows a wrong value in any column of %s', async (table) => {
    const numbers = await sql<{ name: string }>(
      `select column_name as name from information_schema.columns where table_name = '${table}' and data_type in ('bigint', 'numeric', 'double precision')`,
    );
    expect(numbers.length).toBeGreaterThanOrEqual(5);
    for (const { name } of numbers) {
      const which = `where ctid = (select min(ctid) from ${table})`;
      await sql(`update ${table} set ${name} = ${name} + 1 ${which}`);
      const audit = await auditRollups(harness.database);
      const found = table === 'outcome_days' ? audit.days : audit.dayTotals;
      expect([name, audit.holds, found.differing, found.rows[0]?.differences[0]?.column]).toEqual([name, false, 1, name]);
      await foldDay(harness.database, day);
    }
  });

  it('shows a value that is gone, one that nothing accounts for, and a minute that was added behind its back', async () => {
    await sql(`delete from outcome_days where dimension = 'enriched' and value = 'true'`);
    await sql(`insert into outcome_days select 'site', day, 'nobody.example', bids, wins, bid_price_sum, win_price_sum, market_price_sum
      from outcome_days where dimension = 'enriched' limit 1`);
    await sql(`update outcome_minutes set bids = bids + 1 where minute = (select max(minute) from outcome_minutes)`);
    const { holds, dayTotals, days } = await auditRollups(harness.database);
    expect([holds, dayTotals.differing, days.differing]).toEqual([false, 1, 2]);
  });

  it('leaves days alone that are not folded', async () => {
    await sql('delete from outcome_day_totals');
    await sql('update outcome_days set bids = bids + 1');
    expect(await auditRollups(harness.database)).toMatchObject({ holds: true, dayTotals: { compared: 0 }, days: { compared: 0 } });
  });
});

async function minuteColumns(): Promise<string> {
  const columns = await sql<{ name: string }>(
    `select column_name as name from information_schema.columns where table_name = 'outcome_minutes' and column_name <> 'minute' order by ordinal_position`,
  );
  return columns.map(({ name }) => name).join(', ');
}
