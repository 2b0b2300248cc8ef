import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../src/cli.js';
import { checkAccess } from '../src/replay-access.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-replay-access-'));
  writeFileSync(join(folder, 'password'), 'from the file\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const none = { api: undefined, brokers: undefined, runFile: undefined };
function runFile(database: unknown): string {
  const path = join(folder, 'run.json');
  writeFileSync(path, JSON.stringify({ kafkaBrokers: '127.0.0.1:19092', database, addresses: { api: 'http://127.0.0.1:8001' } }));
  return path;
}

describe('what a replay is checked on', () => {
  it('is nothing without a flag', () => {
    expect(checkAccess(none, {})).toBeNull();
  });

  it('is the API, and Kafka when its brokers are named, with the security of the environment', () => {
    expect(checkAccess({ ...none, api: 'http://127.0.0.1:8000/' }, {})).toEqual({
      api: 'http://127.0.0.1:8000',
      kafka: null,
      database: null,
    });
    const flags = { ...none, api: 'http://127.0.0.1:8000', brokers: 'broker:9092' };
    expect(checkAccess(flags, { KAFKA_SECURITY_PROTOCOL: 'ssl', KAFKA_TOPIC_BID_REQUESTS: 'requests' })).toMatchObject({
      kafka: { brokers: 'broker:9092', securityProtocol: 'ssl', bidRequestsTopic: 'requests' },
    });
  });

  it('is all that a run file names, whatever the environment says', () => {
    const database = { host: '127.0.0.1', port: 15432, user: 'helios', name: 'helios', passwordFile: join(folder, 'password') };
    expect(
      checkAccess({ ...none, runFile: runFile(database) }, { DB_HOST: 'elsewhere', DB_PASSWORD: 'other', KAFKA_BROKERS: 'elsewhere:1' }),
    ).toMatchObject({
      api: 'http://127.0.0.1:8001',
      kafka: { brokers: '127.0.0.1:19092' },
      database: { dbHost: '127.0.0.1', dbPort: 15432, dbPassword: 'from the file' },
    });
  });

  it('takes a database that the start was given from the environment, and has none without it', () => {
    const flags = { ...none, runFile: runFile(null) };
    expect(checkAccess(flags, { DB_HOST: 'db.example', DB_PASSWORD: 'secret' })?.database).toMatchObject({
      dbHost: 'db.example',
      dbPassword: 'secret',
    });
    expect(checkAccess(flags, {})?.database).toBeNull();
  });

  it.each([
    ['brokers without an API', { ...none, brokers: 'broker:9092' }, '--brokers is used with --verify.'],
    [
      'a run file beside an API',
      { ...none, runFile: 'run.json', api: 'http://127.0.0.1:8000' },
      '--run-file names API and brokers itself.',
    ],
    ['a run file that is not there', { ...none, runFile: '/nowhere/run.json' }, 'There is no run file /nowhere/run.json that can be read'],
    ['an API that is no address', { ...none, api: 'nowhere' }, '--verify is "nowhere"'],
  ])('cannot be %s', (_, flags, message) => {
    expect(() => checkAccess(flags, {})).toThrow(UsageError);
    expect(() => checkAccess(flags, {})).toThrow(message);
  });
});
