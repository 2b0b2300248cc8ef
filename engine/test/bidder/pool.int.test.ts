import { fileURLToPath } from 'node:url';
import type { ConsumedMessage } from '@helios/runtime/kafka/consumer';
import type { OutgoingEvent } from '@helios/runtime/kafka/producer';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bidder } from '../../src/bidder/consumer.js';
import { BidderMetrics } from '../../src/bidder/metrics.js';
import { createPool, type PricingPool } from '../../src/bidder/pool.js';
import { type BidResult, packMessages } from '../../src/bidder/worker-messages.js';
import { observed, until } from '../observed.js';
import { bidderConfig } from './bidder-config.js';
import { type ProfileServer, startProfileServer } from './profile-server.js';

const worker = fileURLToPath(new URL('../../dist/bidder/worker.js', import.meta.url));
const deadlyWorker = fileURLToPath(new URL('deadly-worker.mjs', import.meta.url));

let server: ProfileServer;
const pools: PricingPool[] = [];

beforeAll(async () => {
  server = await startProfileServer();
});

afterEach(async () => {
  server.mood = 'good';
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

afterAll(() => server.stop());

function poolOf(threads: number, env: Record<string, string> = {}, file = worker): PricingPool {
  const config = bidderConfig({
    BIDDER_THREADS: String(threads),
    USER_PROFILE_SVC_ADDR: server.address,
    PROFILE_TIMEOUT_MS: '5000',
    LOG_LEVEL: 'fatal',
    ...env,
  });
  const pool = createPool(config, observed('bidder').log, file);
  pools.push(pool);
  return pool;
}

function requests(): string[] {
  const banner = { w: 300, h: 250 };
  const good = Array.from({ length: 40 }, (_, index) =>
    JSON.stringify({
      id: `größe-${index}`,
      imp: [
        { id: '1', banner },
        { id: '2', banner, bidfloor: index % 3 === 0 ? 16.1 : 0.001 },
      ],
      site: { domain: '新聞.example' },
      user: { id: index % 2 === 0 ? `known-${index}` : `stranger-${index}` },
    }),
  );
  return [...good.slice(0, 10), '{', '', '[]', ...good.slice(10)];
}

function taskOf(texts: readonly string[], logged: readonly number[] = []) {
  return packMessages(
    texts.map((text) => Buffer.from(text)),
    logged,
  );
}

/** All of a result but its clocks. */
function timeless(result: BidResult): unknown {
  const texts = Array.from(result.ends, (end, index) => {
    const start = index === 0 ? 0 : (result.ends[index - 1] ?? Number.NaN);
    const text = Buffer.from(result.bytes, start, end - start).toString();
    expect(text).toMatch(/"bid_at":"[^"]+"/);
    return text.replace(/"bid_at":"[^"]+"/, '');
  });
  const { bytes: _bytes, ends: _ends, workMs: _workMs, lookup, ...rest } = result;
  return { ...rest, sources: [...result.sources], texts, lookup: { result: lookup.result, userIds: lookup.userIds } };
}

describe('a pool', () => {
  test('gives byte for byte the same bids inline, on one thread and on two', async () => {
    const [inline, one, two] = await Promise.all([0, 1, 2].map((threads) => poolOf(threads).price(taskOf(requests(), [0, 11, 40]))));
    if (inline === undefined || one === undefined || two === undefined) throw new Error('three pools, three results');
    const expected = timeless(inline);
    expect(expected).toMatchObject({
      enrichedBids: 33,
      lookup: { result: 'ok', userIds: 40 },
      faults: [{ index: 10 }, { index: 11 }, { index: 12 }],
    });
    expect(timeless(one)).toEqual(expected);
    expect(timeless(two)).toEqual(expected);
  });

  test('prices several batches at once, each by itself', async () => {
    const pool = poolOf(2, { BIDDER_MAX_BATCHES_IN_FLIGHT: '8' });
    const results = await Promise.all(Array.from({ length: 8 }, (_, index) => pool.price(taskOf(requests().slice(index, index + 1)))));
    expect(results.map((result) => Buffer.from(result.bytes, 0, result.ends[0]).toString().includes('größe'))).toEqual(
      results.map(() => true),
    );
    expect(results.map((result, index) => Buffer.from(result.bytes, 0, result.ends[0]).toString().includes(`"größe-${index}"`))).toEqual(
      results.map(() => true),
    );
  });

  test('lets no batch in flight wait for the profiles of another', async () => {
    const pool = poolOf(1, { BIDDER_MAX_BATCHES_IN_FLIGHT: '4' });
    server.mood = 'silent';
    const before = server.calls.length;
    let priced = 0;
    const all = Promise.allSettled(
      Array.from({ length: 4 }, (_, index) => pool.price(taskOf(requests().slice(index, index + 1))).then(() => priced++)),
    );
    await until(() => server.calls.length - before === 4);
    expect(priced).toBe(0);
    await pool.close();
    await all;
  });

  test.each([0, 1])('tells the state of its breakers (%i threads)', async (threads) => {
    const pool = poolOf(threads, { BIDDER_BREAKER_MIN_CALLS: '2', BIDDER_BREAKER_RESET_MS: '50' });
    const price = async () => (await pool.price(taskOf(requests().slice(0, 1)))).lookup.result;
    expect(await price()).toBe('ok');
    expect(pool.breakers()).toEqual({ closed: 1, open: 0, half_open: 0 });
    expect(pool.breakerOpenings()).toBe(0);
    server.mood = 'unavailable';
    await until(async () => (await price()) === 'rejected');
    expect(pool.breakers().closed).toBe(0);
    expect(pool.breakerOpenings()).toBeGreaterThan(0);
    server.mood = 'good';
    await until(async () => (await price()) === 'ok');
    expect(pool.breakers()).toEqual({ closed: 1, open: 0, half_open: 0 });
  });
});

function bidderOn(pool: PricingPool) {
  const seen = observed('bidder');
  const published: string[] = [];
  const letters: { offset: number; code: string }[] = [];
  const bidder = new Bidder({
    config: bidderConfig(),
    log: seen.log,
    pool,
    producer: {
      sendAll: async (_topic: string, events: readonly OutgoingEvent[]) => {
        for (const event of events) published.push((JSON.parse(String(event.value)) as { bid_request_id: string }).bid_request_id);
      },
    },
    deadLetters: { send: async (message, code) => void letters.push({ offset: message.offset, code }) },
    counts: new BidderMetrics(seen.metrics, pool),
  });
  return { bidder, published, letters, seen };
}

function messages(ids: readonly string[]): ConsumedMessage[] {
  return ids.map((id, offset) => ({
    topic: 'bid_requests',
    partition: 0,
    offset,
    key: Buffer.from(id),
    value: Buffer.from(JSON.stringify({ id, imp: [{ id: '1', banner: { w: 300, h: 250 } }] })),
    headers: [{ 'helios-accepted-at': Buffer.from(String(Date.now() - 61_000)) }],
  }));
}

describe('a message that kills its worker', () => {
  test('is dead-lettered alone, and the other bids of its batch go out', async () => {
    const { bidder, published, letters, seen } = bidderOn(poolOf(1, {}, deadlyWorker));
    const ids = ['a', 'b', 'c', 'deadly', 'd', 'e', 'f'];
    await bidder.handle(messages(ids), new AbortController().signal);
    expect(letters).toEqual([{ offset: 3, code: 'worker_failed' }]);
    expect(published).toEqual(ids.filter((id) => id !== 'deadly'));
    expect(await seen.metric('helios_worker_failures_total')).toBeGreaterThanOrEqual(2);
    // All were accepted longer ago than the last edge.
    expect(await seen.metric('helios_accepted_to_bid_seconds_count')).toBe(6);
    expect(await seen.metric('helios_accepted_to_bid_seconds_bucket{le="60"}')).toBe(0);
    expect(await seen.metric('helios_ad_slots_total')).toBe(6);
    for (const stage of ['wait', 'price', 'publish'])
      expect(await seen.metric(`helios_bidder_stage_duration_seconds_count{stage="${stage}"}`)).toBeGreaterThan(0);
  });

  test('takes no other batch with it that the same worker has under way', async () => {
    const { bidder, published, letters } = bidderOn(poolOf(1, {}, deadlyWorker));
    const { signal } = new AbortController();
    const ids = ['a', 'deadly', 'b', 'c', 'd', 'e'];
    await Promise.all(messages(ids).map((message) => bidder.handle([message], signal)));
    expect(letters).toEqual([{ offset: 1, code: 'worker_failed' }]);
    expect(published.sort()).toEqual(ids.filter((id) => id !== 'deadly').sort());
  });
});

describe('a request that is logged', () => {
  test('stands in the log as it came', async () => {
    const { bidder, seen } = bidderOn(poolOf(1));
    const request = { id: 'größe', ad_slots: [{ id: 's' }], ext: { ü: [1, null, 'x'] } };
    const [message] = messages(['größe']);
    if (message === undefined) throw new Error('one message');
    await bidder.handle([{ ...message, value: Buffer.from(JSON.stringify(request)) }], new AbortController().signal);
    expect(seen.logged).toContainEqual(
      expect.objectContaining({ msg: 'bid request received', bid_request: request, no_bids: [{ slotId: 's', reason: 'no_size' }] }),
    );
  });

  test.each(['[]', '{}'])('fails no worker, however deeply %s is nested in it', async ([open = '', close = '']) => {
    const { bidder, published, seen } = bidderOn(poolOf(1));
    const batch = messages(['before', 'deep', 'after']);
    const deep = `${(open === '{' ? '{"x":' : '[').repeat(100_000)}0${close.repeat(100_000)}`;
    const value = Buffer.from(`{"id":"deep","imp":[{"id":"1","banner":{"w":300,"h":250}}],"x":${deep}}`);
    await bidder.handle(
      batch.map((message, index) => (index === 1 ? { ...message, value } : message)),
      new AbortController().signal,
    );
    expect(published).toEqual(['before', 'deep', 'after']);
    expect(await seen.metric('helios_worker_failures_total')).toBe(0);
    const lines = seen.logged.filter(({ msg }) => msg === 'bid request received');
    expect(lines.map((line) => line['request_id'])).toEqual(['before', 'deep', 'after']);
  });
});
