import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AuctionOutcome, encodeBidId } from '@helios/proto/events';
import { setTimeout as sleep } from 'node:timers/promises';
import { message, outcome } from '../outcomes.js';
import { recount, rollups, startHarness, type WriterHarness } from './writer-harness.js';

let harness: WriterHarness;
const never = new AbortController().signal;

beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());
beforeEach(async () => {
  await harness.database.query({ text: 'truncate auction_outcomes, outcome_minutes, outcome_hours' }, []);
  harness.letters.length = 0;
});

const range = (from: number, to: number, changes: (index: number) => Partial<AuctionOutcome> = () => ({})) =>
  Array.from({ length: to - from }, (_, i) =>
    message(outcome(from + i, changes(from + i)), from + i, { 'helios-accepted-at': String(Date.now() - 7 * ((from + i) % 400)) }),
  );

async function storedIds(): Promise<string[]> {
  const rows = await harness.database.query<{ bid_id: string }>({ text: 'select bid_id from auction_outcomes order by bid_id' }, []);
  return rows.map(({ bid_id }) => bid_id);
}

async function expectRollupsToEqualRows(): Promise<void> {
  const [counted, expected] = [await rollups(harness.database), await recount(harness.database)];
  expect(Object.keys(expected.hours).length).toBeGreaterThan(5);
  expect(counted).toEqual(expected);
}

describe('the writer', () => {
  it('stores every column, to the micro and the microsecond', async () => {
    const event = outcome(0, {
      bid_id: 'a"b\\c{,}%3A:NULL',
      bid_request_id: 'a"b\\c{,}:',
      slot_id: 'NULL',
      site_domain: 'NULL',
      user_id: '',
      bid_price: 0.100001,
      market_price: 1e-7,
      floor: 999_999_999.999999,
      timestamp: new Date().toISOString().replace('Z', '456Z'),
      top_interest: { category: 'überraschung 🎾', score: 0.123456789 },
    });
    event.user_id = 'u"1';
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const { writer, rows } = harness.newWriter();
    await writer.handle([message(event, 0, { 'helios-accepted-at': '1764000000123', traceparent })], never);
    const text = `select *, to_char("timestamp" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as decided, extract(epoch from accepted_at)::float8 as accepted from auction_outcomes`;
    const [row] = await harness.database.query<Record<string, unknown>>({ text }, []);
    expect(row).toMatchObject({
      bid_id: event.bid_id,
      site_domain: 'NULL',
      user_id: 'u"1',
      bid_price: '0.100001',
      market_price: '0.000000',
      floor: '999999999.999999',
      top_interest: 'überraschung 🎾',
      top_score: 0.123456789,
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      decided: event.timestamp,
      accepted: 1_764_000_000.123,
    });
    expect(rows.inserted).toBe(1);
  });

  it('counts nothing twice when batches are redelivered, overlap, and repeat bids inside', async () => {
    const { writer, rows } = harness.newWriter();
    await writer.handle(range(0, 300), never);
    await writer.handle(range(0, 300), never);
    await writer.handle([...range(200, 400), ...range(350, 380)], never);
    expect(await storedIds()).toHaveLength(400);
    expect(rows).toMatchObject({ inserted: 400, conflicting: 0, dead_lettered: 0 });
    expect(rows.duplicate).toBe(300 + 100 + 30);
    await expectRollupsToEqualRows();
  });

  it('lets the first outcome of a bid stand and counts later ones that differ', async () => {
    const { writer, rows } = harness.newWriter();
    const first = outcome(1, { win_status: false, win_price: 0, market_price: 0.5 });
    await writer.handle([message(first)], never);
    await writer.handle([message({ ...first, win_status: true, win_price: 0.01 }), message(outcome(2))], never);
    await writer.handle([message({ ...first, market_price: 0.50000001 })], never);
    const [row] = await harness.database.query({ text: 'select win_status from auction_outcomes where bid_id = $1' }, [first.bid_id]);
    expect(row).toEqual({ win_status: false });
    expect(rows).toMatchObject({ inserted: 2, conflicting: 1, duplicate: 1 });
    await expectRollupsToEqualRows();
  });

  it('stores test bids and counts them nowhere', async () => {
    const { writer, metrics } = harness.newWriter();
    await writer.handle(
      range(0, 40, (index) => ({ test: index % 2 === 0 })),
      never,
    );
    expect(await storedIds()).toHaveLength(40);
    const { minutes } = await rollups(harness.database);
    expect(Object.values(minutes).reduce((sum, { bids = 0 }) => sum + bids, 0)).toBe(20);
    expect(metrics.outcomes.true + metrics.outcomes.false).toBe(20);
    await expectRollupsToEqualRows();
  });

  it('lets several writers store the same bids at once without a deadlock or a double count', async () => {
    const before = await deadlocks();
    const batches = [range(0, 500), range(250, 750), range(0, 750).toReversed(), range(100, 600)];
    await Promise.all(batches.map((batch) => harness.newWriter().writer.handle(batch, never)));
    expect(await storedIds()).toHaveLength(750);
    expect(await deadlocks()).toBe(before);
    await expectRollupsToEqualRows();
  });

  it('dead-letters exactly the row that PostgreSQL refuses, with its source and the reason', async () => {
    await harness.database.query({ text: `alter table auction_outcomes add constraint refused check (bid_id <> 'req-111:slot-1')` }, []);
    const { writer, rows } = harness.newWriter();
    await writer.handle(range(0, 333), never);
    await harness.database.query({ text: 'alter table auction_outcomes drop constraint refused' }, []);
    expect(harness.letters.map(({ message: { offset }, code }) => ({ offset, code }))).toEqual([{ offset: 223, code: 'bad_row' }]);
    expect(harness.letters[0]?.text).toContain('23514');
    expect(rows).toMatchObject({ inserted: 332, dead_lettered: 1 });
    expect(await storedIds()).not.toContain('req-111:slot-1');
    await expectRollupsToEqualRows();
  });

  it('stores everything that the validator lets through', async () => {
    const long = (bytes: number) => 'x'.repeat(bytes);
    const escaped = Array.from({ length: 256 }, (_, i) => '%:'[((i * i) >> 3) % 2]).join('');
    const edges: Partial<AuctionOutcome>[] = [
      {
        bid_id: encodeBidId(escaped, long(256)),
        bid_request_id: escaped,
        slot_id: long(256),
        site_domain: long(255),
        user_id: long(256),
      },
      { bid_price: 1e9, floor: 1e9, market_price: 1e9, win_price: 1e9, win_status: true },
      { bid_price: 5e-324, floor: 0.1234567891234 },
      { timestamp: '9999-12-31T23:59:59.999999999-14:00' },
      { bid_at: '0001-01-01T00:00:00+14:00' },
      { creative: { id: '{', w: 2_147_483_647, h: 0, adm: '' } },
      { top_interest: { category: 'NULL', score: 1 } },
    ];
    const { writer, rows } = harness.newWriter();
    await writer.handle(
      edges.map((changes, index) => message(outcome(index, { ...changes }), index)),
      never,
    );
    expect(harness.letters).toEqual([]);
    expect(rows.inserted).toBe(edges.length);
  });

  it('dead-letters messages that are no outcome, and stores their neighbours', async () => {
    const { writer, rows } = harness.newWriter();
    await writer.handle([message(Buffer.from('nonsense'), 5), ...range(0, 3), message(null, 6)], never);
    expect(harness.letters.map(({ message: { offset } }) => offset)).toEqual([5, 6]);
    expect(rows).toMatchObject({ inserted: 3, dead_lettered: 2 });
  });

  it('loses nothing and dead-letters nothing when the server dies under load and comes back', async () => {
    const { writer, rows } = harness.newWriter();
    const batches = Array.from({ length: 12 }, (_, batch) => range(batch * 100, batch * 100 + 100));
    const work = Promise.all(batches.map((batch) => writer.handle(batch, new AbortController().signal)));
    await harness.server.crash();
    await untilTrue(() => !harness.state.up);
    await harness.server.start();
    await work;
    expect(harness.state.up).toBe(true);
    expect(await storedIds()).toHaveLength(1200);
    expect(harness.letters).toEqual([]);
    expect(rows.inserted + rows.duplicate).toBe(1200);
    await expectRollupsToEqualRows();
  });

  it('waits for a table that is not there yet', async () => {
    await harness.database.query({ text: 'alter table auction_outcomes rename to elsewhere' }, []);
    const work = harness.newWriter().writer.handle(range(0, 10), never);
    await untilTrue(() => !harness.state.up);
    await harness.database.query({ text: 'alter table elsewhere rename to auction_outcomes' }, []);
    await work;
    expect(await storedIds()).toHaveLength(10);
  });

  it('gives a batch back unfinished when it is called off during an outage', async () => {
    await harness.server.crash();
    const abort = new AbortController();
    const work = harness.newWriter().writer.handle(range(0, 10), abort.signal);
    await untilTrue(() => !harness.state.up);
    abort.abort();
    await expect(work).rejects.toThrow(/abort/i);
    await harness.server.start();
    expect(harness.letters).toEqual([]);
  });
});

async function deadlocks(): Promise<number> {
  const [row] = await harness.database.query<{ deadlocks: number }>(
    { text: 'select sum(deadlocks)::int4 as deadlocks from pg_stat_database' },
    [],
  );
  return row?.deadlocks ?? 0;
}

async function untilTrue(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited for 15 s in vain');
    await sleep(10);
  }
}
