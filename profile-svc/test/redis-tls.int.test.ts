import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../runtime/test/certificates.js';
import { mockProfile, userIdAt } from '../src/mock-profiles.js';
import { freePort, redisAbsent, RedisServer, until } from './redis-server.js';
import { batchOf, ServiceProcess } from './service-process.js';

/** A real Redis that takes TLS and the password of an ACL user, and nothing else: what a managed one asks for. */

const password = 'correct-horse-battery';
const skipped = redisAbsent === undefined ? '' : ` (skipped: ${redisAbsent})`;

describe.skipIf(redisAbsent !== undefined)(`profile-svc over TLS to Redis, as a user with a password${skipped}`, () => {
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let server: RedisServer;
  let way: Record<string, string>;
  const processes: ServiceProcess[] = [];

  beforeAll(async () => {
    authority = new TestAuthority();
    stranger = new TestAuthority('An authority of somebody else');
    const { certificate, key } = authority.issue('DNS:localhost');
    const tlsPort = String(await freePort());
    const tls = ['--tls-port', tlsPort, '--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', authority.certificate];
    const user = ['--user', 'helios', 'on', `>${password}`, '~*', '+@all'];
    server = await RedisServer.start([...tls, '--tls-auth-clients', 'no', ...user]);
    way = {
      REDIS_HOST: 'localhost',
      REDIS_PORT: tlsPort,
      REDIS_TLS: '1',
      REDIS_CA_LOCATION: authority.certificate,
      REDIS_USERNAME: 'helios',
      REDIS_PASSWORD: password,
      // A machine that is busy with other tests takes its time over a handshake.
      PROFILE_REDIS_CONNECT_TIMEOUT_MS: '5000',
      PROFILE_REDIS_TIMEOUT_MS: '2000',
    };
  });
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.kill()));
  });
  afterAll(async () => {
    await server.close();
    authority.remove();
    stranger.remove();
  });

  function start(file: 'main.js' | 'seed.js', env: Record<string, string>, args: readonly string[] = []): ServiceProcess {
    const started = new ServiceProcess(file, { ...way, ...env }, args);
    processes.push(started);
    return started;
  }

  async function service(env: Record<string, string> = {}): Promise<{ service: ServiceProcess; profilePort: number }> {
    const [profilePort, adminPort] = [await freePort(), await freePort()];
    return { service: start('main.js', { PROFILE_PORT: String(profilePort), ADMIN_PORT: String(adminPort), ...env }), profilePort };
  }

  it('stores profiles and answers them', async () => {
    const seed = start('seed.js', {}, ['--count', '3']);
    expect([await seed.exit, seed.stderr]).toEqual([0, '']);
    const { service: running, profilePort } = await service();
    await until('the store answers', () => running.lines.some(({ msg }) => msg === 'profile store answers'));
    const { profiles } = await batchOf(profilePort, [userIdAt(2), userIdAt(3)]);
    expect(profiles).toEqual([mockProfile(2, 1), { user_id: '', locale: '', interests: [], demographics: {} }]);
  });

  it.each<[string, () => Record<string, string>, RegExp]>([
    [
      'whose certificate comes from another authority',
      () => ({ REDIS_CA_LOCATION: stranger.certificate }),
      /self-signed certificate in certificate chain/,
    ],
    [
      'whose certificate comes from no authority that Node knows',
      () => ({ REDIS_CA_LOCATION: '' }),
      /self-signed certificate in certificate chain/,
    ],
    ['whose certificate names another host', () => ({ REDIS_HOST: '127.0.0.1' }), /IP: 127\.0\.0\.1 is not in the cert's list/],
    ['that does not take the password', () => ({ REDIS_PASSWORD: 'wrong' }), /WRONGPASS/],
  ])('refuses a Redis %s, says why and answers UNAVAILABLE', async (_which, env, why) => {
    const seed = start('seed.js', env());
    const { service: running, profilePort } = await service(env());
    await until('it says why', () => running.lines.some(({ code }) => code === 'PROFILE_STORE_UNAVAILABLE'));
    expect(running.lines.find(({ code }) => code === 'PROFILE_STORE_UNAVAILABLE')?.['err']).toMatch(why);
    await until('the service listens', () => running.lines.some(({ msg }) => msg === 'service started'));
    await expect(batchOf(profilePort, [userIdAt(0)])).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(await seed.exit).toBe(1);
    expect(seed.stderr).toMatch(why);
    expect(seed.stderr).toMatch(/^seed: Redis at \S+ cannot be used: .*Check REDIS_HOST/);
    expect(seed.stderr + running.stdout).not.toContain(password);
  });

  it('does not start on a certificate authority that cannot be read', async () => {
    const { service: running } = await service({ REDIS_CA_LOCATION: '/nowhere/ca.pem' });
    expect(await running.exit).toBe(78);
    expect(running.stderr).toContain('REDIS_CA_LOCATION cannot be read');
  });
});
