import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { encodeTracedUsers } from '@helios/proto/traceparent';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultTiers } from '../../src/bidder/pricing.js';
import { ProfileClient } from '../../src/bidder/profile-client.js';
import type { BreakerState, WorkerSettings } from '../../src/bidder/worker-messages.js';
import { type Observed, observed, until } from '../observed.js';
import { type ProfileServer, startProfileServer } from './profile-server.js';

let server: ProfileServer;
let client: ProfileClient | undefined;
let states: BreakerState[];
let seen: Observed;

beforeEach(async () => {
  server = await startProfileServer();
  states = [];
  seen = observed('bidder');
});

afterEach(() => {
  client?.close();
  client = undefined;
  server.stop();
});

function connect(overrides: Partial<WorkerSettings> = {}): ProfileClient {
  const settings: WorkerSettings = {
    tiers: defaultTiers,
    auctionType: 2,
    profileAddress: server.address,
    profileTimeoutMs: 2000,
    breakerErrorPercent: 50,
    breakerMinCalls: 3,
    breakerWindowMs: 10_000,
    breakerResetMs: 100,
    logLevel: 'info',
    breakerStates: new Int32Array(new SharedArrayBuffer(4)),
    breakerOpenings: new Int32Array(new SharedArrayBuffer(4)),
    ...overrides,
  };
  client = new ProfileClient(settings, seen.log, (state) => states.push(state));
  return client;
}

async function failTimes(client: ProfileClient, count: number): Promise<void> {
  for (let index = 0; index < count; index++) expect((await client.lookup(['known'])).profiles).toBeNull();
}

describe('a client', () => {
  test('connects before it is asked for anything', async () => {
    const sockets = createServer().listen(0, '127.0.0.1');
    await once(sockets, 'listening');
    const connected = once(sockets, 'connection');
    connect({ profileAddress: `127.0.0.1:${(sockets.address() as AddressInfo).port}` });
    const [socket] = (await connected) as [Socket];
    socket.destroy();
    sockets.close();
  });
});

describe('a lookup', () => {
  test('gives each user’s profile by id, an empty one for a user who is not known', async () => {
    const { profiles, result, durationMs } = await connect().lookup(['known-1', 'stranger', 'known-2']);
    expect(result).toBe('ok');
    expect(durationMs).toBeGreaterThan(0);
    expect([...(profiles ?? [])].map(([id, profile]) => [id, profile.user_id, profile.interests[0]?.category])).toEqual([
      ['known-1', 'known-1', 'of known-1'],
      ['stranger', '', undefined],
      ['known-2', 'known-2', 'of known-2'],
    ]);
    expect(server.calls).toEqual([['known-1', 'stranger', 'known-2']]);
    expect(server.traced).toEqual([[]]);
  });

  test('names the users of traced requests in its metadata', async () => {
    const traced = [0, 2, 2].map((position, index) => ({ position, traceparent: `00-${String(index).repeat(32)}-b7ad6b7169203331-01` }));
    expect((await connect().lookup(['known-1', 'stranger', 'known-2'], traced)).result).toBe('ok');
    expect(server.traced).toEqual([[encodeTracedUsers(traced)]]);
  });

  test('of a thousand long ids with their profiles fits into one message', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `known-${index}-`.padEnd(256, 'x'));
    const { profiles } = await connect().lookup(ids);
    expect(profiles?.size).toBe(1000);
  });

  test('of nobody asks nobody', async () => {
    expect(await connect().lookup([])).toEqual({ profiles: new Map(), result: 'none', durationMs: 0 });
    expect(server.calls).toEqual([]);
  });

  test('that the service cannot answer is failed', async () => {
    server.mood = 'unavailable';
    expect(await connect().lookup(['known'])).toMatchObject({ profiles: null, result: 'failed' });
  });

  test('that is answered with a profile too few is failed: nobody gets another user’s profile', async () => {
    server.mood = 'short';
    expect(await connect().lookup(['known-1', 'known-2'])).toMatchObject({ profiles: null, result: 'failed' });
  });

  test('that is answered with the profile of another user is failed', async () => {
    server.mood = 'swapped';
    expect(await connect().lookup(['known-1', 'known-2'])).toMatchObject({ profiles: null, result: 'failed' });
  });

  test('that hangs ends at its deadline', async () => {
    server.mood = 'silent';
    const lookup = await connect({ profileTimeoutMs: 50 }).lookup(['known']);
    expect(lookup).toMatchObject({ profiles: null, result: 'deadline' });
    // The sockets' own limits are in the tens of seconds.
    expect(lookup.durationMs).toBeLessThan(5000);
  });
});

describe('the breaker', () => {
  test('stays closed over fewer failures than its least number of calls', async () => {
    server.mood = 'unavailable';
    const client = connect();
    await failTimes(client, 2);
    server.mood = 'good';
    expect((await client.lookup(['known'])).result).toBe('ok');
    expect(states).toEqual([]);
  });

  test('opens over failures, then rejects without asking, and closes by itself when the service is well again', async () => {
    const client = connect();
    server.mood = 'unavailable';
    await failTimes(client, 3);
    expect(states).toEqual(['open']);
    const callsBefore = server.calls.length;
    expect(await client.lookup(['known'])).toMatchObject({ profiles: null, result: 'rejected' });
    expect(server.calls.length).toBe(callsBefore);

    // Half open: one call tries, fails, and the breaker is open again.
    await until(() => states.at(-1) === 'half_open');
    expect((await client.lookup(['known'])).result).toBe('failed');
    expect(states).toEqual(['open', 'half_open', 'open']);

    server.mood = 'good';
    await until(async () => (await client.lookup(['known'])).result === 'ok');
    expect(states).toEqual(['open', 'half_open', 'open', 'half_open', 'closed']);
    expect((await client.lookup(['known'])).result).toBe('ok');
    const messages = seen.logged.map((line) => line['msg']);
    expect(messages).toContain('profile breaker opened: bids go out without enrichment');
    expect(messages.at(-1)).toBe('profile breaker closed: bids are enriched again');
  });

  test('opens over failures in a row, however many calls of its window succeeded before', async () => {
    const client = connect();
    for (let call = 0; call < 20; call++) expect((await client.lookup(['known'])).result).toBe('ok');
    server.mood = 'unavailable';
    await failTimes(client, 2);
    expect(states).toEqual([]);
    server.mood = 'good';
    expect((await client.lookup(['known'])).result).toBe('ok');
    server.mood = 'unavailable';
    await failTimes(client, 2);
    expect(states).toEqual([]);
    await failTimes(client, 1);
    expect(states).toEqual(['open']);
    server.mood = 'good';
    await until(async () => (await client.lookup(['known'])).result === 'ok');
    expect(states.at(-1)).toBe('closed');
  });

  test('opens over a service that hangs', async () => {
    server.mood = 'silent';
    const client = connect({ profileTimeoutMs: 20 });
    await failTimes(client, 3);
    expect(states).toEqual(['open']);
  });

  test('opens when the service is gone and closes by itself when it is back', async () => {
    const client = connect();
    expect((await client.lookup(['known'])).result).toBe('ok');
    server.stop();
    await until(async () => (await client.lookup(['known'])).result === 'rejected');
    expect(states).toContain('open');
    server = await startProfileServer(Number(server.address.split(':')[1]));
    await until(async () => (await client.lookup(['known'])).result === 'ok');
    expect(states.at(-1)).toBe('closed');
  });
});
