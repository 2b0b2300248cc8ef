import { describe, expect, it } from 'vitest';
import { mockClusterEnv } from '../src/embedded.js';
import { noParts, type Parts } from '../src/foundation.js';
import { portsNeeded, serviceTable } from '../src/services.js';
import { readStartOptions, type StartOptions } from '../src/start-options.js';

function optionsOf(args: readonly string[], env: Record<string, string> = {}): StartOptions {
  const request = readStartOptions('start', args, env, '/state');
  if (request.help || !('options' in request)) throw new Error(JSON.stringify(request));
  return request.options;
}

const embedded: Parts = {
  kafka: mockClusterEnv('127.0.0.1:5', optionsOf([])),
  database: { DB_HOST: '127.0.0.1', DB_PORT: '6', DB_PASSWORD: 'secret' },
  profiles: { PROFILE_STORE: 'memory' },
};

describe('the table of services', () => {
  it('gives every service its own admin port and closes it with its parent', () => {
    const table = serviceTable(optionsOf([]), embedded);
    expect(table.map((service) => [service.name, service.adminPort])).toEqual([
      ['ingest', 9101],
      ['bidder', 9102],
      ['auction', 9103],
      ['writer', 9105],
      ['api', 9106],
      ['profile-svc', 9104],
      ['dashboard', 9107],
    ]);
    for (const service of table) expect(service.env).toMatchObject({ HELIOS_EXIT_WITH_PARENT: '1', ADMIN_PORT: String(service.adminPort) });
  });

  it('bounds the native memory of every service, unless the environment says otherwise', () => {
    for (const service of serviceTable(optionsOf([], { MALLOC_ARENA_MAX: '8' }), embedded))
      expect(service.env).toMatchObject({ MALLOC_ARENA_MAX: '8', MALLOC_TRIM_THRESHOLD_: '131072' });
  });

  it('never hands the group id on', () => {
    for (const service of serviceTable(optionsOf([], { KAFKA_GROUP_ID: 'mine' }), embedded))
      expect(service.env).not.toHaveProperty('KAFKA_GROUP_ID');
  });

  it('points services at the embedded parts and bounds the backlog below 4 MiB', () => {
    const [ingest, , , writer, , profiles] = serviceTable(optionsOf([]), embedded);
    expect(ingest?.env).toMatchObject({ KAFKA_BROKERS: '127.0.0.1:5', INGEST_PORT: '8080' });
    expect(Number(ingest?.env['KAFKA_BACKLOG_MAX_BYTES'])).toBeLessThan(4 * 1024 * 1024);
    expect(writer?.env).toMatchObject({ DB_HOST: '127.0.0.1', DB_PORT: '6', DB_PASSWORD: 'secret' });
    expect(profiles?.env).toMatchObject({ PROFILE_STORE: 'memory' });
  });

  it('leaves parts to the servers that the environment names', () => {
    const options = optionsOf([], { KAFKA_BROKERS: 'k:9092', REDIS_HOST: 'r', DB_HOST: 'd' });
    expect(options.external).toEqual({ kafka: true, redis: true, database: true });
    const table = serviceTable(options, noParts);
    for (const service of table) {
      expect(service.env).toMatchObject({ KAFKA_BROKERS: 'k:9092', DB_HOST: 'd', REDIS_HOST: 'r' });
      expect(service.env).not.toHaveProperty('KAFKA_BACKLOG_MAX_BYTES');
      expect(service.env).not.toHaveProperty('PROFILE_STORE');
    }
  });

  it('lets several ingest processes share one port, each with an admin port of its own', () => {
    const table = serviceTable(optionsOf(['--ingest', '3']), embedded);
    const ingests = table.filter((service) => service.role === 'ingest');
    expect(ingests.map((service) => [service.name, service.adminPort, service.env['INGEST_SHARED_PORT']])).toEqual([
      ['ingest-1', 9101, '1'],
      ['ingest-2', 9111, '1'],
      ['ingest-3', 9112, '1'],
    ]);
    const ports = portsNeeded(table).map((need) => need.port);
    expect(new Set(ports).size).toBe(ports.length);
    expect(ports.filter((port) => port === 8080)).toHaveLength(1);
  });
});

describe('the options of a start', () => {
  it('name every fault of the environment, of all services, once', () => {
    const env = { KAFKA_BROKERS: '', INGEST_PORT: 'http', WRITER_BATCH_MAX_MESSAGES: '-1', INGEST_MAX_INFLIGHT: '5' };
    const request = readStartOptions('start', [], env, '/state');
    if (!('faults' in request)) throw new Error('no faults');
    for (const name of Object.keys(env)) expect(request.faults.filter((fault) => fault.startsWith(`${name} is`))).toHaveLength(1);
    expect(request.faults).toHaveLength(4);
  });

  it('count admin ports up from ADMIN_PORT', () => {
    expect(serviceTable(optionsOf([], { ADMIN_PORT: '9201' }), embedded).map((service) => service.adminPort)).toContain(9207);
  });

  it('refuse flags that cannot be used', () => {
    for (const args of [['--ingest', '0'], ['--traffic', '-1'], ['--traffic', 'x'], ['now'], ['--nope']])
      expect(() => readStartOptions('start', args, {}, '/state')).toThrow();
  });
});
