import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { mockProfile, userIdAt } from '../src/mock-profiles.js';
import { freePort, until } from './redis-server.js';
import { batchOf, ServiceProcess } from './service-process.js';

describe('profile-svc as a process', () => {
  const processes: ServiceProcess[] = [];
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((service) => service.kill()));
  });

  async function start(env: Record<string, string>): Promise<{ service: ServiceProcess; profilePort: number; adminPort: number }> {
    const [profilePort, adminPort] = [await freePort(), await freePort()];
    const service = new ServiceProcess('main.js', { PROFILE_PORT: String(profilePort), ADMIN_PORT: String(adminPort), ...env });
    processes.push(service);
    return { service, profilePort, adminPort };
  }

  function started(service: ServiceProcess): Promise<void> {
    return until('the service is started', () => service.lines.some((line) => line.msg === 'service started'));
  }

  it('answers made-up users from memory, logs them, shows its metrics, and ends with 0 on SIGTERM', async () => {
    const { service, profilePort, adminPort } = await start({ PROFILE_STORE: 'memory', PROFILE_MOCK_COUNT: '10', PROFILE_MOCK_SEED: '4' });
    await started(service);
    expect((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status).toBe(200);
    const { profiles } = await batchOf(profilePort, [userIdAt(9), userIdAt(10)]);
    expect(profiles).toEqual([mockProfile(9, 4), { user_id: '', locale: '', interests: [], demographics: {} }]);
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    expect(metrics).toContain('helios_profile_lookups_total{result="found"} 1\n');
    service.terminate();
    expect(await service.exit).toBe(0);
    expect(service.lines).toContainEqual(expect.objectContaining({ msg: 'profile request', request: { user_id: userIdAt(9) } }));
    expect(service.lines).toContainEqual(expect.objectContaining({ msg: 'profile response', response: { profile: mockProfile(9, 4) } }));
  });

  it('is ready without Redis, and answers UNAVAILABLE', async () => {
    const { service, profilePort, adminPort } = await start({ REDIS_PORT: String(await freePort()) });
    await started(service);
    expect((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status).toBe(200);
    await expect(batchOf(profilePort, ['user-1'])).rejects.toMatchObject({ code: status.UNAVAILABLE });
    service.terminate();
    expect(await service.exit).toBe(0);
  });

  it('does not share its port with a second process, which names PROFILE_PORT and exits 78', async () => {
    const first = await start({ PROFILE_STORE: 'memory' });
    await started(first.service);
    const second = await start({ PROFILE_STORE: 'memory', PROFILE_PORT: String(first.profilePort) });
    expect(await second.service.exit).toBe(78);
    expect(second.service.stderr).toContain(
      `127.0.0.1:${first.profilePort} is taken by another process. Stop that process, or set PROFILE_PORT to a free port.`,
    );
  });

  it('lists every configuration fault and exits 78', async () => {
    const { service } = await start({
      PROFILE_STORE: 'disk',
      REDIS_PORT: 'abc',
      PROFILE_MAX_BATCH: '-1',
      REDIS_PASSWORD: '',
      PROFILE_MAX_BACH: '5',
    });
    expect(await service.exit).toBe(78);
    for (const name of ['PROFILE_STORE', 'REDIS_PORT', 'PROFILE_MAX_BATCH', 'PROFILE_MAX_BACH'])
      expect(service.stderr).toContain(`- ${name} is `);
    expect(service.stderr).toContain('4 configuration fault(s)');
  });

  it('names combinations of Redis settings that cannot work', async () => {
    const { service } = await start({ REDIS_USERNAME: 'helios', REDIS_CA_LOCATION: '/nowhere/ca.pem' });
    expect(await service.exit).toBe(78);
    expect(service.stderr).toContain('REDIS_PASSWORD is empty: REDIS_USERNAME needs it.');
    expect(service.stderr).toContain('REDIS_CA_LOCATION is set: it has an effect with REDIS_TLS=1 only.');
  });
});
