import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditableSince, auditRollups } from '../../src/audit/rollup-audit.js';
import type { TransactionalDatabase } from '../../src/db.js';
import { DatabaseState } from '../../src/database-state.js';
import { MAINTENANCE_LOCK } from '../../src/writer/fold-days.js';
import { maintain, type MaintenanceOptions, startMaintenance } from '../../src/writer/maintenance.js';
import { REMOVAL_GRACE_MS } from '../../src/writer/remove-outcomes.js';
import { message, outcome } from '../outcomes.js';
import { storeOutcomes } from '../stored-outcomes.js';
import { rollups, startHarness, type WriterHarness } from './writer-harness.js';

const DAY_MS = 86_400_000;
const RETENTION_DAYS = 90;
const nowUnixMs = Date.now();
const aged = (index: number, ageMs: number) => outcome(index, { timestamp: new Date(nowUnixMs - ageMs).toISOString() }, nowUnixMs);
/** Past the window and its grace; past the window only; within. */
const old = Array.from({ length: 50 }, (_, index) => aged(index, RETENTION_DAYS * DAY_MS + REMOVAL_GRACE_MS + 1 + index * 3_600_000));
const due = Array.from({ length: 5 }, (_, index) => aged(100 + index, RETENTION_DAYS * DAY_MS + REMOVAL_GRACE_MS - 60_000));
const young = Array.from({ length: 20 }, (_, index) => aged(200 + index, 60_000 + index * 7 * 3_600_000));

let harness: WriterHarness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());
beforeEach(async () => {
  await sql('truncate auction_outcomes, outcome_minutes, outcome_hours, outcome_days, outcome_day_totals');
  await storeOutcomes(
    harness.database,
    [...old, ...due, ...young].toSorted((a, b) => (a.bid_id < b.bid_id ? -1 : 1)),
  );
});

function sql<Row = unknown>(text: string): Promise<Row[]> {
  return harness.database.query<Row>({ text }, []);
}
async function storedIds(): Promise<string[]> {
  return (await sql<{ bid_id: string }>('select bid_id from auction_outcomes order by 1')).map(({ bid_id }) => bid_id);
}
const idsOf = (events: readonly { bid_id: string }[]) => events.map(({ bid_id }) => bid_id).toSorted();

function options(changes: Partial<MaintenanceOptions> = {}): MaintenanceOptions & { lines: () => Record<string, unknown>[] } {
  const written: Record<string, unknown>[] = [];
  const log = createLogger('test', 'silent');
  log.info = ((fields: Record<string, unknown>, event: string) => written.push({ event, ...fields })) as unknown as typeof log.info;
  return {
    database: harness.database,
    state: new DatabaseState(log, new Metrics('test', '0')),
    metrics: { removed: 0, folded: 0 },
    log,
    retentionDays: RETENTION_DAYS,
    intervalMs: 100,
    removeBatchRows: 7,
    removePauseMs: 0,
    now: () => nowUnixMs,
    random: () => 0,
    lines: () => written,
    ...changes,
  };
}
const never = new AbortController().signal;

describe('the maintenance of outcomes', () => {
  it('removes what is past the window in batches, counts it, says so once, and leaves the rollups', async () => {
    const before = await rollups(harness.database);
    const work = options();
    expect(await maintain(work, never)).toMatchObject({ removed: old.length });
    expect(await storedIds()).toEqual(idsOf([...due, ...young]));
    expect(await rollups(harness.database)).toEqual(before);
    expect(work.metrics.removed).toBe(old.length);
    expect(work.lines().filter(({ event }) => event === 'outcomes past their retention removed')).toMatchObject([{ rows: old.length }]);
    expect(await maintain(work, never)).toEqual({ folded: 0, removed: 0 });
    expect(work.lines().filter(({ event }) => event === 'outcomes past their retention removed')).toHaveLength(1);
  });

  it('never takes more rows in one statement than it may', async () => {
    const taken: number[] = [];
    const database = {
      ...harness.database,
      query: async (...asked: Parameters<TransactionalDatabase['query']>) => {
        const rows = await harness.database.query<Record<string, unknown>>(...asked);
        if (asked[0].text.includes('delete from auction_outcomes')) taken.push(Number(rows[0]?.['rows']));
        return rows as never;
      },
    } as TransactionalDatabase;
    await maintain(options({ database }), never);
    expect(taken).toEqual([7, 7, 7, 7, 7, 7, 7, 1]);
  });

  it('changes nothing when what was removed is delivered again', async () => {
    await maintain(options(), never);
    const [before, ids] = [await rollups(harness.database), await storedIds()];
    const { writer, rows } = harness.newWriter();
    await writer.handle(
      [...old, ...due, ...young].map((event, offset) => message(event, offset)),
      never,
    );
    expect(rows).toMatchObject({ inserted: 0, expired: old.length + due.length, duplicate: young.length });
    expect(await storedIds()).toEqual(ids);
    expect(await rollups(harness.database)).toEqual(before);
  });

  it('leaves rollups that the audit cannot compare any more, and whose bounds leave them out', async () => {
    await maintain(options(), never);
    expect((await auditRollups(harness.database)).holds).toBe(false);
    const audit = await auditRollups(harness.database, { since: auditableSince(RETENTION_DAYS, nowUnixMs) });
    expect([audit.holds, audit.minutes.compared]).toEqual([true, young.length]);
    expect(audit.dayTotals.compared).toBeGreaterThan(0);
  });

  it('goes on where it was ended', async () => {
    const ending = new AbortController();
    let statements = 0;
    const database: TransactionalDatabase = {
      ...harness.database,
      query: (statement, values) => {
        if (statement.text.includes('delete from auction_outcomes') && ++statements === 3) ending.abort();
        return harness.database.query(statement, values);
      },
    };
    expect(await maintain(options({ database }), ending.signal)).toMatchObject({ removed: 21 });
    expect(await maintain(options(), never)).toMatchObject({ removed: old.length - 21 });
    expect(await storedIds()).toEqual(idsOf([...due, ...young]));
  });

  it('folds the days that are over, and leaves the day of now', async () => {
    const work = options();
    const { folded } = await maintain(work, never);
    const [days] = await sql<{ days: number }>(`select count(distinct date_trunc('day', minute, 'UTC'))::int4 as days from outcome_minutes
      where minute < date_trunc('day', to_timestamp(${nowUnixMs / 1000}) - interval '1 hour', 'UTC')`);
    expect(folded).toBe(days?.days);
    expect(work.metrics.folded).toBe(folded);
    expect(await sql(`select from outcome_day_totals where day = date_trunc('day', to_timestamp(${nowUnixMs / 1000}), 'UTC')`)).toEqual([]);
  });

  it('leaves the work to another writer that is at it', async () => {
    await harness.database.transaction(async (query) => {
      await query({ text: `select pg_advisory_xact_lock(${MAINTENANCE_LOCK})` }, []);
      expect(await maintain(options(), never)).toEqual({ folded: 0, removed: 0 });
    });
    expect(await maintain(options(), never)).toMatchObject({ removed: old.length });
  });

  it('ends a pass without a word of its own when the database is away, and works when it is back', async () => {
    const work = options();
    await harness.server.crash();
    try {
      expect(await maintain(work, never)).toEqual({ folded: 0, removed: 0 });
      expect([work.state.down, work.lines()]).toEqual([true, []]);
    } finally {
      await harness.server.start();
    }
    // A connection of the pool that broke unnoticed may cost one more pass.
    while (!work.state.up) await maintain(work, never);
    expect(await storedIds()).toEqual(idsOf([...due, ...young]));
  });

  it('passes again and again until it is stopped, which does not wait for the rest', async () => {
    const work = options();
    const maintenance = startMaintenance(work);
    await expect.poll(storedIds, { timeout: 10_000 }).toEqual(idsOf([...due, ...young]));
    await maintenance.stop();
    const resting = startMaintenance(options({ intervalMs: 86_400_000 }));
    await resting.stop();
  });
});
