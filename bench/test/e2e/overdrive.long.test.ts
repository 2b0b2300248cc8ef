import { setTimeout as sleep } from 'node:timers/promises';
import { userIdAt } from '@helios/profile-svc/mock-profiles';
import { sumOf } from '@helios/scripts/metrics-text';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { accountOf, answersOf, freshPrefix, generatedRequests, nothingLost, simpleRequest } from './bid-stream.js';
import { flood, type FloodSecond, templateOf } from './flood.js';
import { consumers, HeliosUnderTest, services, stopped } from './helios-under-test.js';

/** More bids than Helios can take, until every topic is full. Source: spec section 6. */

const CONNECTIONS = 256;
/** Full seconds of overload that are wanted, and when to give up on reaching them. */
const OVERLOADED_SECONDS = 3;
const SECONDS_MAX = 30;
/** The last hop runs for a tenth of the time: what comes in is many times what can be handled, on any machine. */
const RUNS_MS = 50;
const HELD_MS = 450;

let helios: HeliosUnderTest;
beforeAll(async () => {
  helios = await HeliosUnderTest.start();
});
afterAll(() => stopped(helios));

/** Runs `work` while a process runs for a part of the time only. */
async function whileHeldBack<T>(pid: number, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const cycle = (async () => {
    while (!over.signal.aborted) {
      process.kill(pid, 'SIGSTOP');
      await sleep(HELD_MS);
      process.kill(pid, 'SIGCONT');
      await sleep(RUNS_MS);
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await cycle;
  }
}

async function lag(): Promise<number> {
  const scrapes = await Promise.all(consumers.map((service) => helios.metrics(service)));
  return sumOf(scrapes, 'helios_consumer_lag_messages');
}

it(
  'overdriven until the topics are full it answers 503, loses nothing that it answered 202, and recovers by itself',
  { timeout: 240_000 },
  async () => {
    const port = Number(new URL(helios.addresses.bid).port);
    const request = generatedRequests(31);
    const templates = Array.from({ length: 200 }, () => templateOf(request));
    const prefix = freshPrefix();

    const overloaded = (seconds: readonly FloodSecond[]) => seconds.filter((second) => second.answered > second.accepted);
    const enough = (soFar: readonly FloodSecond[]) => overloaded(soFar).length > OVERLOADED_SECONDS;
    const { posted, seconds } = await whileHeldBack(helios.pid('writer'), () =>
      flood({ port, connections: CONNECTIONS, enough, secondsMax: SECONDS_MAX, prefix, templates }),
    );
    const answers = answersOf(posted);
    expect(Object.keys(answers)).toEqual(['202', '503']);
    // The topics filled up somewhere in the first of them.
    const full = overloaded(seconds).slice(1);
    expect(full.length).toBeGreaterThanOrEqual(OVERLOADED_SECONDS);
    const total = (key: keyof FloodSecond) => full.reduce((sum, second) => sum + second[key], 0);
    expect(total('answered')).toBeGreaterThan(2 * total('accepted'));

    // Nobody does anything about it: what was accepted is handled, and there is room again.
    await vi.waitFor(async () => expect(await lag()).toBe(0), { timeout: 90_000, interval: 250 });
    const after = simpleRequest(`${prefix}after`, userIdAt(1));
    expect((await fetch(helios.addresses.bid, { method: 'POST', body: JSON.stringify(after) })).status).toBe(202);
    const path = `/api/outcomes/${encodeURIComponent(`${prefix}after:slot-1`)}/`;
    await vi.waitFor(async () => expect((await fetch(`${helios.addresses.api}${path}`)).status).toBe(200), { timeout: 5000, interval: 50 });

    const all = [...posted, { id: `${prefix}after`, status: 202, slots: [{ id: 'slot-1', expectation: 'bid' as const }] }];
    const report = await accountOf(helios, prefix, all);
    expect(report).toMatchObject(nothingLost);
    expect(report.acceptedRequests).toBe((answers['202'] ?? 0) + 1);
    for (const service of consumers)
      expect([service, sumOf([await helios.metrics(service)], 'helios_events_lost_total')]).toEqual([service, 0]);
    for (const service of services)
      expect([service, (await helios.admin(service, '/readyz')).status, helios.deaths(service)]).toEqual([service, 200, 0]);
  },
);
