import { loadConfig } from '@helios/runtime/config';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyProfile } from '../src/profile-store.js';
import { RedisStore } from '../src/redis-store.js';
import { type ProfileConfig, profileSettings } from '../src/settings.js';
import { captureLog } from './capture-log.js';
import { freePort, redisAbsent, RedisServer, until } from './redis-server.js';

const unavailable = { code: 'PROFILE_STORE_UNAVAILABLE' };
const stored = {
  user_id: 'user-1',
  locale: 'en-US',
  interests: [{ category: 'sports', score: 0.93 }],
  demographics: { age_bracket: '25-34' },
};

function configOf(env: Record<string, string>): ProfileConfig {
  return loadConfig({ service: 'profile-svc', schema: profileSettings, env, knownVariables: [] });
}

describe.skipIf(redisAbsent !== undefined)(`the Redis store${redisAbsent === undefined ? '' : ` (skipped: ${redisAbsent})`}`, () => {
  let server: RedisServer;
  let admin: Redis;
  let store: RedisStore;
  let captured: ReturnType<typeof captureLog>;
  const stores: RedisStore[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(async () => {
    await server.close();
  });
  beforeEach(async () => {
    captured = captureLog();
    admin = new Redis({ port: server.port });
    admin.on('error', () => undefined);
    await admin.flushall();
    await admin.set('user-1', JSON.stringify(stored));
    store = open();
    await until('the store is up', () => store.up);
  });
  afterEach(async () => {
    admin.disconnect();
    await Promise.all(stores.splice(0).map((opened) => opened.close()));
  });

  function open(env: Record<string, string> = {}): RedisStore {
    const opened = new RedisStore(configOf({ REDIS_PORT: String(server.port), ...env }), captured.log);
    stores.push(opened);
    return opened;
  }

  it('answers stored and unknown users in the order of the ids', async () => {
    expect(await store.get(['nobody', 'user-1', '', 'user-1'])).toEqual([emptyProfile, stored, emptyProfile, stored]);
    expect(store.counts).toMatchObject({ found: 2, unknown: 2, corrupt: 0, failures: { late: 0, unreachable: 0, saturated: 0 } });
  });

  it('answers a batch of 1,000', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `user-b${index}`);
    await admin.mset(ids.flatMap((id, index) => (index % 2 === 0 ? [id, JSON.stringify({ ...stored, user_id: id })] : [])));
    const answer = await store.get(ids);
    expect(answer.map((profile) => profile.user_id)).toEqual(ids.map((id, index) => (index % 2 === 0 ? id : '')));
  });

  it('answers an empty profile for what is corrupt, counts it and logs why; the others of the batch are not harmed', async () => {
    await admin.mset({ broken: '{"locale":', shape: '[]', empty: '' });
    await admin.set('huge', `{"locale":"${'x'.repeat(3_000_000)}"}`);
    await admin.hset('hash', 'a', 'b');
    expect(await store.get(['broken', 'user-1', 'shape', 'empty', 'huge', 'hash'])).toEqual([
      emptyProfile,
      stored,
      emptyProfile,
      emptyProfile,
      emptyProfile,
      emptyProfile,
    ]);
    expect(store.counts).toMatchObject({ found: 1, unknown: 0, corrupt: 5 });
    const lines = captured.lines.filter((line) => line.msg === 'stored profile is corrupt');
    expect(lines.map((line) => [line['user_id'], line['fault']])).toEqual([
      ['broken', 'not_json'],
      ['shape', 'wrong_shape'],
      ['empty', 'not_json'],
      ['huge', 'too_large'],
      ['hash', 'not_json'],
    ]);
  });

  it('drops interests without a usable score and counts them', async () => {
    await admin.set('user-2', '{"interests":[{"category":"a","score":7},{"category":"b","score":0.5},{"category":"c"}]}');
    const [profile] = await store.get(['user-2']);
    expect(profile?.interests).toEqual([{ category: 'b', score: 0.5 }]);
    expect(store.counts).toMatchObject({ found: 1, corrupt: 0, droppedInterests: 2 });
  });

  it('rejects within its limit when Redis is late, and answers again when it is back', async () => {
    await admin.client('PAUSE', 900);
    const startedMonoMs = performance.now();
    await expect(store.get(['user-1'])).rejects.toMatchObject({ ...unavailable, fields: { reason: 'late' } });
    // The limit is 40 ms, Redis answers after 900: well apart even on a busy machine.
    expect(performance.now() - startedMonoMs).toBeLessThan(600);
    await until('it answers', () =>
      store.get(['user-1']).then(
        ([profile]) => profile?.user_id === 'user-1',
        () => false,
      ),
    );
    expect(store.counts.failures.late).toBeGreaterThan(0);
  });

  it('rejects at once while Redis is dead, says so once, and comes back by itself', async () => {
    await server.kill();
    await until('it fails', () =>
      store.get(['user-1']).then(
        () => false,
        () => true,
      ),
    );
    await expect(store.get(['user-1'])).rejects.toMatchObject({ ...unavailable, fields: { reason: 'unreachable' } });
    await until('it is down', () => !store.up);
    await server.start();
    await admin.set('user-1', JSON.stringify(stored));
    await until('it is up', () => store.up);
    expect(await store.get(['user-1'])).toEqual([stored]);
    expect(captured.messages()).toEqual(['profile store answers', 'profile store does not answer', 'profile store answers']);
  });

  it('gives up a connection that stays silent, bounds what waits for it, and makes a new one', async () => {
    const bounded = open({ PROFILE_REDIS_MAX_READS: '2', PROFILE_REDIS_SILENCE_MS: '400' });
    await until('it is up', () => bounded.up);
    server.signal('SIGSTOP');
    try {
      const reads = await Promise.allSettled([1, 2, 3].map(() => bounded.get(['user-1'])));
      const reasons = reads.map((read) =>
        read.status === 'rejected' ? (read.reason as { fields: { reason: string } }).fields.reason : 'answered',
      );
      expect(reasons).toEqual(['late', 'late', 'saturated']);
      // The two that are given up still wait for the silent connection, so a fourth is not sent after them.
      await expect(bounded.get(['user-1'])).rejects.toMatchObject({ fields: { reason: 'saturated' } });
      await until('the connection is closed', () =>
        bounded.get(['user-1']).then(
          () => false,
          (error: { fields: { reason: string } }) => error.fields.reason === 'unreachable',
        ),
      );
    } finally {
      server.signal('SIGCONT');
    }
    await until('it answers', () =>
      bounded.get(['user-1']).then(
        ([profile]) => profile?.user_id === 'user-1',
        () => false,
      ),
    );
  });

  it('waits for no Redis to be constructed', async () => {
    const alone = open({ REDIS_PORT: String(await freePort()) });
    await expect(alone.get(['user-1'])).rejects.toMatchObject(unavailable);
    await until('it says why', () =>
      captured.lines.some((line) => line['code'] === 'PROFILE_STORE_UNAVAILABLE' && String(line['err']).includes('ECONNREFUSED')),
    );
  });

  it('logs in with a password, and fails with a wrong one', async () => {
    const locked = await RedisServer.start(['--requirepass', 'right']);
    try {
      const right = open({ REDIS_PORT: String(locked.port), REDIS_PASSWORD: 'right' });
      await until('it is up', () => right.up);
      expect(await right.get(['user-1'])).toEqual([emptyProfile]);
      const wrong = open({ REDIS_PORT: String(locked.port), REDIS_PASSWORD: 'wrong' });
      await until('it says why', () => captured.lines.some((line) => String(line['err']).includes('WRONGPASS')));
      await expect(wrong.get(['user-1'])).rejects.toMatchObject(unavailable);
      expect(JSON.stringify(captured.lines)).not.toContain('"wrong"');
    } finally {
      await locked.close();
    }
  });
});
