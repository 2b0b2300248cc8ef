import { setTimeout as sleep } from 'node:timers/promises';
import type { AuctionOutcome } from '@helios/proto/events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditRollups } from '../../src/audit/rollup-audit.js';
import { foldDay, FOLD_GRACE_MS, MAINTENANCE_LOCK, openDays } from '../../src/writer/fold-days.js';
import { outcome } from '../outcomes.js';
import { storeOutcomes } from '../stored-outcomes.js';
import { startHarness, type WriterHarness } from './writer-harness.js';

const DAY_MS = 86_400_000;
const firstDay = Date.parse('2026-10-20T00:00:00Z');
const day = (index: number) => new Date(firstDay + index * DAY_MS).toISOString().replace('.000Z', 'Z');
let next = 0;
/** `count` outcomes of the day, each counted in every dimension. */
const ofDay = (index: number, count: number, changes: Partial<AuctionOutcome> = {}): AuctionOutcome[] =>
  Array.from({ length: count }, () => {
    const at = next++;
    return outcome(at, { timestamp: new Date(firstDay + index * DAY_MS + ((at * 61_007) % DAY_MS)).toISOString(), ...changes });
  });

let harness: WriterHarness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());
beforeEach(() => sql('truncate auction_outcomes, outcome_minutes, outcome_hours, outcome_days, outcome_day_totals'));

function sql<Row = unknown>(text: string): Promise<Row[]> {
  return harness.database.query<Row>({ text }, []);
}
const store = (events: AuctionOutcome[]) => storeOutcomes(harness.database, events);
async function folded(): Promise<Record<string, number>> {
  const rows = await sql<{ day: string; bids: number }>(
    `select to_char(day at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as day, bids::int4 from outcome_day_totals order by 1`,
  );
  return Object.fromEntries(rows.map((row) => [row.day, row.bids]));
}

/** Another session's transaction, open until `end` is called. */
async function openTransaction(text: string): Promise<{ end: () => Promise<void> }> {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const begun = deferred();
  const running = harness.database.transaction(async (query) => {
    await query({ text }, []);
    begun.resolve();
    await ended;
  });
  await begun.promise;
  return {
    end: () => {
      end();
      return running;
    },
  };
}
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Waits until a session waits for a lock on the table of marks. */
async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const [row] = await sql<{ waiting: boolean }>(
      `select exists (select from pg_locks where not granted and relation = 'outcome_day_totals'::regclass) as waiting`,
    );
    if (row?.waiting === true) return;
    await sleep(5);
  }
}

describe('folding days', () => {
  it('takes days that are over by the grace and have outcomes, the newest first, and each once', async () => {
    await store([...ofDay(0, 3), ...ofDay(1, 4), ...ofDay(4, 5)]);
    const end = firstDay + 5 * DAY_MS + FOLD_GRACE_MS;
    expect(await openDays(harness.database, end - 1, 10)).toEqual([day(1), day(0)]);
    expect(await openDays(harness.database, end, 10)).toEqual([day(4), day(1), day(0)]);
    expect(await openDays(harness.database, end, 2)).toEqual([day(4), day(1)]);
    expect(await foldDay(harness.database, day(1))).toBe(true);
    expect(await openDays(harness.database, end, 10)).toEqual([day(4), day(0)]);
    expect(await folded()).toEqual({ [day(1)]: 4 });
  });

  it('finds nothing in an empty database, and leaves a day without outcomes unfolded', async () => {
    expect(await openDays(harness.database, Date.now(), 10)).toEqual([]);
    await foldDay(harness.database, day(0));
    expect(await folded()).toEqual({});
  });

  it('counts a late outcome: it unfolds its day and no other, and folding anew has it', async () => {
    await store([...ofDay(0, 20), ...ofDay(1, 20), ...ofDay(2, 20)]);
    for (const index of [0, 1, 2]) await foldDay(harness.database, day(index));
    await store([...ofDay(1, 1, { site_domain: 'late.example' }), ...ofDay(2, 2)]);
    expect(await folded()).toEqual({ [day(0)]: 20 });
    for (const index of [1, 2]) await foldDay(harness.database, day(index));
    expect(await folded()).toEqual({ [day(0)]: 20, [day(1)]: 21, [day(2)]: 22 });
    const late = await sql(`select bids::int4, day from outcome_days where dimension = 'site' and value = 'late.example'`);
    expect(late).toEqual([{ bids: 1, day: new Date(day(1)) }]);
    expect(await auditRollups(harness.database)).toMatchObject({ holds: true, dayTotals: { compared: 3 } });
  });

  it('leaves days folded when outcomes of theirs are delivered again, and when a test bid is stored', async () => {
    const events = ofDay(0, 10);
    await store(events);
    await foldDay(harness.database, day(0));
    await store(events);
    await store(ofDay(0, 3, { test: true }));
    expect(await folded()).toEqual({ [day(0)]: 10 });
  });

  it('waits for a writer that is in the middle of its statement, and has its outcomes', async () => {
    await store(ofDay(0, 10));
    // The row of one minute is held: a writer that counts in it holds its locks and waits.
    const holder = await openTransaction('select from outcome_minutes for update');
    const [first] = await sql<{ at: Date }>('select min(minute) as at from outcome_minutes');
    const writing = store(ofDay(0, 1, { timestamp: first?.at.toISOString() ?? '' }));
    for (let busy = 0; busy === 0;) {
      const [row] = await sql<{ busy: number }>(`select count(*)::int4 as busy from pg_locks where not granted`);
      busy = row?.busy ?? 0;
    }
    const folding = foldDay(harness.database, day(0));
    await untilSomebodyWaits();
    await holder.end();
    await Promise.all([writing, folding]);
    expect(await folded()).toEqual({ [day(0)]: 11 });
    expect((await auditRollups(harness.database)).holds).toBe(true);
  });

  it('is seen by a writer that waited for it: the writer unfolds the day', async () => {
    await store(ofDay(0, 10));
    const folding = await openTransaction(`lock table outcome_day_totals in share row exclusive mode`);
    const writing = store(ofDay(0, 1));
    await untilSomebodyWaits();
    // What the fold does behind its lock, before it commits.
    await folding.end();
    await writing;
    expect(await folded()).toEqual({});
    const again = harness.database.transaction(async (query) => {
      await query({ text: 'lock table outcome_day_totals in share row exclusive mode' }, []);
      const late = store(ofDay(0, 1));
      await untilSomebodyWaits();
      const columns = await query<{ names: string }>(
        {
          text: `select string_agg(column_name, ', ' order by ordinal_position) as names from information_schema.columns
            where table_name = 'outcome_day_totals' and column_name <> 'day'`,
        },
        [],
      );
      const names = columns[0]?.names ?? '';
      const sums = names.split(', ').map((name) => `sum(${name})`);
      await query(
        { text: `insert into outcome_day_totals (day, ${names}) select $1::timestamptz, ${sums.join(', ')} from outcome_minutes` },
        [day(0)],
      );
      return { late };
    });
    await (
      await again
    ).late;
    expect(await folded()).toEqual({});
  });

  it('gives up when a writer lasts too long, so that others do not wait behind it for long', async () => {
    await store(ofDay(0, 10));
    const writer = await openTransaction('lock table outcome_day_totals in row exclusive mode');
    await expect(foldDay(harness.database, day(0))).rejects.toMatchObject({ code: '55P03' });
    await writer.end();
    expect(await folded()).toEqual({});
    expect(await foldDay(harness.database, day(0))).toBe(true);
  });

  it('leaves the work to another writer that is at it', async () => {
    await store(ofDay(0, 10));
    const other = await openTransaction(`select pg_advisory_xact_lock(${MAINTENANCE_LOCK})`);
    expect(await foldDay(harness.database, day(0))).toBe(false);
    await other.end();
    expect(await folded()).toEqual({});
  });

  it('never misses an outcome while writers store outcomes of the days that are folded', async () => {
    const work = { writing: true };
    const writers = [0, 1, 2].map(async () => {
      for (let round = 0; round < 25; round++) await store([...ofDay(0, 3), ...ofDay(1, 3)].toSorted(byBid));
    });
    const folder = (async () => {
      let folds = 0;
      while (work.writing) for (const index of [0, 1]) if (await foldDay(harness.database, day(index))) folds++;
      return folds;
    })();
    await Promise.all(writers);
    work.writing = false;
    expect(await folder).toBeGreaterThan(2);
    const audit = await auditRollups(harness.database);
    expect([audit.holds, audit.minutes.differing, audit.dayTotals.differing, audit.days.differing]).toEqual([true, 0, 0, 0]);
    for (const index of [0, 1]) await foldDay(harness.database, day(index));
    expect(await folded()).toEqual({ [day(0)]: 225, [day(1)]: 225 });
  });
});

const byBid = (a: AuctionOutcome, b: AuctionOutcome) => (a.bid_id < b.bid_id ? -1 : 1);
