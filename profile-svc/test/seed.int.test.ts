import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mockProfile, userIdAt } from '../src/mock-profiles.js';
import { freePort, redisAbsent, RedisServer } from './redis-server.js';
import { ServiceProcess } from './service-process.js';

describe('the seed program', () => {
  it('says what it does', async () => {
    const seed = new ServiceProcess('seed.js', {}, ['--help']);
    expect(await seed.exit).toBe(0);
    expect(seed.stdout).toContain('Stores mock user profiles in Redis');
  });

  it('names a Redis that cannot be reached, and fails', async () => {
    const port = await freePort();
    const seed = new ServiceProcess('seed.js', { REDIS_PORT: String(port) });
    expect(await seed.exit).toBe(1);
    expect(seed.stderr).toBe(
      `seed: Redis at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}. Check REDIS_HOST, REDIS_PORT, the credentials, REDIS_TLS and the server.\n`,
    );
  });

  it.each([
    [['--count', '0'], 64, '--count is "0"'],
    [['--count', 'many'], 64, '--count is "many"'],
    [['--seed', '-1'], 64, '--seed'],
    [['--users', '3'], 64, '--users'],
  ])('refuses %j', async (args, code, sentence) => {
    const seed = new ServiceProcess('seed.js', {}, args);
    expect(await seed.exit).toBe(code);
    expect(seed.stderr).toContain(sentence);
  });

  it('lists configuration faults and exits 78', async () => {
    const seed = new ServiceProcess('seed.js', { REDIS_PORT: '0', PROFILE_STOR: 'redis' });
    expect(await seed.exit).toBe(78);
    expect(seed.stderr).toContain('REDIS_PORT is "0"');
    expect(seed.stderr).toContain('did you mean PROFILE_STORE?');
  });
});

describe.skipIf(redisAbsent !== undefined)(
  `the seed program with Redis${redisAbsent === undefined ? '' : ` (skipped: ${redisAbsent})`}`,
  () => {
    let server: RedisServer;
    let redis: Redis;
    beforeAll(async () => {
      server = await RedisServer.start();
      redis = new Redis({ port: server.port });
    });
    beforeEach(async () => {
      await redis.flushall();
    });
    afterAll(async () => {
      redis.disconnect();
      await server.close();
    });

    it('stores ten profiles as JSON under their users, and logs a confirmation', async () => {
      const seed = new ServiceProcess('seed.js', { REDIS_PORT: String(server.port) });
      expect(await seed.exit).toBe(0);
      expect(seed.lines).toMatchObject([{ msg: 'mock profiles stored', count: 10, first: userIdAt(0), last: userIdAt(9) }]);
      expect(await redis.dbsize()).toBe(10);
      expect(JSON.parse((await redis.get(userIdAt(7))) ?? '')).toEqual(mockProfile(7, 1));
    });

    it('stores as many as asked, drawn from the seed given', async () => {
      const seed = new ServiceProcess('seed.js', { REDIS_PORT: String(server.port) }, ['--count', '1234', '--seed', '9']);
      expect(await seed.exit).toBe(0);
      expect(await redis.dbsize()).toBe(1234);
      expect(JSON.parse((await redis.get(userIdAt(1233))) ?? '')).toEqual(mockProfile(1233, 9));
    });
  },
);
