import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import { describe, expect, it } from 'vitest';
import { failFast, TRY_EVERY_MS } from '../../src/api/fail-fast.js';
import { RequestProblem } from '../../src/api/problem.js';
import { DatabaseState } from '../../src/database-state.js';
import type { Database } from '../../src/db.js';

const away = new Error('Connection terminated');
const statement = { text: 'select 1' };

function harness() {
  const world = { up: true, asked: 0, nowMonoMs: 0 };
  const state = new DatabaseState(createLogger('test', 'silent'), new Metrics('test', '0'));
  const database: Database = {
    query: async () => {
      world.asked++;
      if (!world.up) throw away;
      return [];
    },
    pool: () => ({ open: 0, idle: 0, waiting: 0 }),
    close: async () => {},
  };
  const fast = failFast(database, state, () => world.nowMonoMs);
  return { world, state, ask: () => fast.query(statement, []) };
}

const fault = { faultClass: 'outage', sqlstate: null, message: away.message } as const;

describe('the database of the API', () => {
  it('is asked by every request as long as nobody said that it is away', async () => {
    const { world, ask } = harness();
    await ask();
    world.up = false;
    await expect(ask()).rejects.toBe(away);
    await expect(ask()).rejects.toBe(away);
    expect(world.asked).toBe(3);
  });

  it('that is away is asked by one request in a while; the others are answered 503 at once', async () => {
    const { world, state, ask } = harness();
    world.up = false;
    state.failed(fault);
    await expect(ask()).rejects.toBe(away);
    for (let request = 0; request < 3; request++) {
      const refused = await ask().catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RequestProblem);
      expect((refused as RequestProblem).fault).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    }
    expect(world.asked).toBe(1);
    world.nowMonoMs += TRY_EVERY_MS;
    await expect(ask()).rejects.toBe(away);
    await expect(ask()).rejects.toBeInstanceOf(RequestProblem);
    expect(world.asked).toBe(2);
  });

  it('is asked by every request again as soon as it is known to answer', async () => {
    const { world, state, ask } = harness();
    state.failed(fault);
    await ask();
    await expect(ask()).rejects.toBeInstanceOf(RequestProblem);
    state.succeeded();
    await ask();
    await ask();
    expect(world.asked).toBe(3);
  });
});
