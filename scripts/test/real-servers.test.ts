import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noParts } from '../src/foundation.js';
import { realFoundation } from '../src/real-servers.js';
import type { ServerPorts } from '../src/server-ports.js';
import { readStartOptions, type StartOptions } from '../src/start-options.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'helios-stack-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kafkaPorts = (base: number) => ({ client: base, direct: base + 1, controller: base + 2 });
const portsFor = (brokers: number): ServerPorts => ({
  kafka: Array.from({ length: brokers }, (_, index) => kafkaPorts(20_010 + 10 * index)),
  redis: 20_001,
  database: 20_002,
});

function optionsOf(args: readonly string[], env: Record<string, string> = {}): StartOptions {
  const request = readStartOptions('stack', ['--data', folder, ...args], env, '/state');
  if (request.help || !('options' in request)) throw new Error(JSON.stringify(request));
  return request.options;
}
const unready = (name: string): never => {
  throw new Error(`${name} is not ready`);
};

describe('what the stack stands on', () => {
  it('is Kafka, Redis and PostgreSQL, each started again when it ends', () => {
    const { servers, brokers, drainPartitions } = realFoundation(optionsOf([]), portsFor(1));
    expect(servers.map((server) => [server.name, server.lossSentence])).toEqual([
      ['kafka-1', null],
      ['redis', null],
      ['database', null],
    ]);
    expect(brokers).toEqual(['kafka-1']);
    expect(drainPartitions).toBeNull();
  });

  it('has topics and profiles before the services start, with copies for three brokers unless the user says otherwise', () => {
    const topicsEnv = (env: Record<string, string>) => {
      const options = optionsOf(['--brokers', '3'], env);
      return realFoundation(options, portsFor(3))
        .preparations(noParts)
        .find(({ name }) => name === 'topics')?.env;
    };
    expect(topicsEnv({})).toMatchObject({ KAFKA_TOPIC_REPLICATION: '3', KAFKA_TOPIC_MIN_INSYNC: '2' });
    expect(topicsEnv({ KAFKA_TOPIC_MIN_INSYNC: '1' })).toMatchObject({ KAFKA_TOPIC_REPLICATION: '3', KAFKA_TOPIC_MIN_INSYNC: '1' });
    const seed = realFoundation(optionsOf([], { PROFILE_MOCK_COUNT: '7' }), portsFor(1))
      .preparations(noParts)
      .at(-1);
    expect(seed).toMatchObject({ name: 'seed', args: ['profile-svc/dist/seed.js', '--count', '7', '--seed', '1'] });
  });

  it('leaves a server of the user to the user: not started, no topics and no profiles made on it', () => {
    const options = optionsOf([], { KAFKA_BROKERS: 'k:9092', REDIS_HOST: 'r', DB_HOST: 'd' });
    const foundation = realFoundation(options, portsFor(1));
    expect(foundation.servers).toEqual([]);
    expect(foundation.partsOf(unready)).toEqual(noParts);
    expect(foundation.preparations(noParts).map(({ name }) => name)).toEqual(['migrate']);
    expect(foundation.brokers).toEqual([]);
  });

  it('turns no backlog guard on: real Kafka keeps by time', () => {
    const options = optionsOf([], { DB_HOST: 'd' });
    const { kafka, profiles } = realFoundation(options, portsFor(3)).partsOf(unready);
    expect(kafka).toEqual({
      KAFKA_BROKERS: '127.0.0.1:20010,127.0.0.1:20020,127.0.0.1:20030',
      KAFKA_SECURITY_PROTOCOL: 'plaintext',
      KAFKA_SSL_CA_LOCATION: '',
    });
    expect(profiles).toMatchObject({ PROFILE_STORE: 'redis', REDIS_HOST: '127.0.0.1', REDIS_PORT: '20001' });
  });

  it('refuses data of a cluster of another size', () => {
    mkdirSync(join(folder, 'kafka/node-1'), { recursive: true });
    expect(() => realFoundation(optionsOf(['--brokers', '3']), portsFor(3))).toThrow('holds a cluster of 1 broker(s), not 3');
  });
});

describe('the options of the stack', () => {
  it('keep clusters of different sizes apart', () => {
    const folders = [[], ['--brokers', '3']].map((args) => {
      const request = readStartOptions('stack', args, {}, '/state');
      return 'options' in request ? request.options.stateFolder : null;
    });
    expect(folders).toEqual(['/state/stack', '/state/stack-3-brokers']);
  });

  it('refuse two brokers, and brokers for npm start', () => {
    expect(() => readStartOptions('stack', ['--brokers', '2'], {}, '/state')).toThrow('1 or 3');
    expect(() => readStartOptions('start', ['--brokers', '1'], {}, '/state')).toThrow('npm run stack');
  });

  it('check the retention of the topics, which npm start does not have', () => {
    const env = { RETENTION_DAYS: '2' };
    const request = readStartOptions('stack', [], env, '/state');
    expect('faults' in request ? request.faults : []).toEqual([expect.stringContaining('must be below RETENTION_DAYS (2 days, 48 hours)')]);
    expect(readStartOptions('start', [], env, '/state')).toHaveProperty('options');
  });
});
