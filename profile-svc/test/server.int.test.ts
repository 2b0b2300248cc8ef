import { connect } from 'node:net';
import { Client, credentials, makeGenericClientConstructor, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  type BatchGetUserProfilesResponse,
  type GetUserProfileResponse,
  type UserProfile,
  UserProfileServiceClient,
} from '@helios/proto/gen/user_profile';
import { tracedUsersKey } from '@helios/proto/traceparent';
import { HeliosError } from '@helios/runtime/errors';
import { LogSampler } from '@helios/runtime/log';
import { service as healthService } from 'grpc-health-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lookup } from '../src/lookup.js';
import { MemoryStore } from '../src/memory-store.js';
import { mockProfile, userIdAt } from '../src/mock-profiles.js';
import { emptyProfile, type ProfileStore, StoreCounts } from '../src/profile-store.js';
import { type ProfileServer, startProfileServer } from '../src/server.js';
import { captureLog } from './capture-log.js';

const channelOptions = { 'grpc.enable_http_proxy': 0, 'grpc.max_receive_message_length': 32 * 1024 * 1024 };
const HealthClient = makeGenericClientConstructor(healthService, 'Health');
const batchPath = '/helios.userprofile.UserProfileService/BatchGetUserProfiles';

describe('the gRPC server', () => {
  let server: ProfileServer;
  let client: UserProfileServiceClient;
  let failures: Error[];
  let lines: readonly Record<string, unknown>[];
  const clients: Client[] = [];

  async function start(store: ProfileStore): Promise<void> {
    failures = [];
    const captured = captureLog();
    lines = captured.lines;
    const lookup = new Lookup({ store, maxBatch: 1000, log: captured.log, sampler: new LogSampler(1, 50) });
    server = await startProfileServer({ ...limits, port: 0, lookup, fail: (error) => failures.push(error) });
    client = open(new UserProfileServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure(), channelOptions));
  }
  const limits = { host: '127.0.0.1', maxConnections: 100, maxConcurrentStreams: 100, maxConnectionAgeMs: 60_000 };

  function open<T extends Client>(opened: T): T {
    clients.push(opened);
    return opened;
  }

  beforeEach(() => start(MemoryStore.ofMockProfiles(1000, 1)));
  afterEach(async () => {
    for (const opened of clients.splice(0)) opened.close();
    await server.stop();
  });

  const get = (id: string): Promise<GetUserProfileResponse> =>
    new Promise((resolve, reject) =>
      client.getUserProfile({ user_id: id }, (error, response) => (error === null ? resolve(response) : reject(error))),
    );
  const batch = (ids: string[]): Promise<BatchGetUserProfilesResponse> =>
    new Promise((resolve, reject) =>
      client.batchGetUserProfiles({ user_ids: ids }, (error, response) => (error === null ? resolve(response) : reject(error))),
    );
  const health = (): Promise<{ status: string }> =>
    new Promise((resolve, reject) => {
      const checker = open(new HealthClient(`127.0.0.1:${server.port}`, credentials.createInsecure(), channelOptions));
      const check = checker['check'] as unknown as (
        request: object,
        done: (error: ServiceError | null, answer: { status: string }) => void,
      ) => void;
      check.call(checker, { service: 'helios.userprofile.UserProfileService' }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  const raw = (bytes: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const sender = open(new Client(`127.0.0.1:${server.port}`, credentials.createInsecure(), channelOptions));
      const same = (value: Buffer): Buffer => value;
      sender.makeUnaryRequest(batchPath, same, same, bytes, (error, answer) =>
        error === null && answer !== undefined ? resolve(answer) : reject(error ?? new Error('no answer')),
      );
    });

  it('answers one profile', async () => {
    expect(await get(userIdAt(5))).toEqual({ profile: mockProfile(5, 1) });
  });

  it('answers an empty profile for an unknown user and for the empty id', async () => {
    expect(await get('nobody')).toEqual({ profile: emptyProfile });
    expect(await get('')).toEqual({ profile: emptyProfile });
  });

  it('answers a batch of 1,000, one profile per id in their order', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => (index % 3 === 0 ? `nobody-${index}` : userIdAt(999 - index)));
    const { profiles } = await batch(ids);
    expect(profiles).toEqual(ids.map((_, index) => (index % 3 === 0 ? emptyProfile : mockProfile(999 - index, 1))));
  });

  it('logs the trace that a call about one user carries, and those of the users that a batch names', async () => {
    const traceparent = (digit: string) => `00-${digit.repeat(32)}-b7ad6b7169203331-01`;
    const metadata = new Metadata();
    metadata.set('traceparent', traceparent('a'));
    await new Promise((resolve) => client.getUserProfile({ user_id: userIdAt(1) }, metadata, resolve));
    metadata.set(tracedUsersKey, `1 ${traceparent('b')},x,0 ${traceparent('c')}`);
    await new Promise((resolve) => client.batchGetUserProfiles({ user_ids: [userIdAt(2), userIdAt(3), userIdAt(4)] }, metadata, resolve));
    const told = lines.filter((line) => line['msg'] === 'profile response').map((line) => [line['user_id'], line['trace_id']]);
    expect(told).toEqual([
      [userIdAt(1), 'a'.repeat(32)],
      [userIdAt(3), 'b'.repeat(32)],
      [userIdAt(2), 'c'.repeat(32)],
      [userIdAt(4), undefined],
    ]);
  });

  it('answers an empty batch', async () => {
    expect(await batch([])).toEqual({ profiles: [] });
  });

  it('carries a batch of the largest profiles', async () => {
    const large: UserProfile = { user_id: 'large', locale: 'en-US', interests: [], demographics: { text: 'x'.repeat(16_000) } };
    await server.stop();
    await start(new MemoryStore([large]));
    const { profiles } = await batch(Array.from({ length: 1000 }, () => 'large'));
    expect(profiles.length).toBe(1000);
    expect(profiles[999]).toEqual(large);
  });

  it.each([
    ['1,001 ids', Array.from({ length: 1001 }, () => 'a'), 'There are 1001 user ids; a call takes at most 1000.'],
    ['an id of 257 bytes', ['a', 'b'.repeat(257)], 'User id 1 is 257 bytes long; it may have at most 256.'],
  ])('refuses %s as INVALID_ARGUMENT with a sentence', async (_, ids, details) => {
    await expect(batch(ids)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details });
  });

  it('refuses a single id that is too long', async () => {
    await expect(get('b'.repeat(257))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('refuses a message over 1 MiB before it is read', async () => {
    await expect(batch(Array.from({ length: 5000 }, () => 'b'.repeat(256)))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('survives garbage: bytes that are no message, and a connection that speaks no HTTP/2', async () => {
    await expect(raw(Buffer.from([0x0a, 0xff, 0x01, 0x00]))).rejects.toMatchObject({ code: status.INTERNAL });
    await new Promise<void>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n\u0000garbage'));
      socket.once('close', () => resolve());
      socket.once('error', () => resolve());
      socket.setTimeout(5000, () => reject(new Error('the connection stays open')));
      socket.resume();
    });
    expect(await get(userIdAt(5))).toEqual({ profile: mockProfile(5, 1) });
    expect(failures).toEqual([]);
  });

  it('answers UNAVAILABLE while its store fails, and still says SERVING', async () => {
    await server.stop();
    await start(storeThatRejects(new HeliosError('PROFILE_STORE_UNAVAILABLE', 'The profile store failed: not connected.')));
    await expect(get('user-1')).rejects.toMatchObject({ code: status.UNAVAILABLE, details: 'The profile store failed: not connected.' });
    await expect(batch(['user-1'])).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(await health()).toEqual({ status: 'SERVING' });
    expect(failures).toEqual([]);
  });

  it('answers INTERNAL and reports a broken invariant', async () => {
    await server.stop();
    await start(storeThatRejects(new TypeError('broken invariant')));
    await expect(get('user-1')).rejects.toMatchObject({ code: status.INTERNAL });
    expect(failures.map((error) => error.message)).toEqual(['broken invariant']);
  });

  it('names PROFILE_PORT when its port is taken', async () => {
    const lookup = new Lookup({
      store: MemoryStore.ofMockProfiles(1, 1),
      maxBatch: 1000,
      log: captureLog().log,
      sampler: new LogSampler(1, 50),
    });
    const second = startProfileServer({ ...limits, port: server.port, lookup, fail: () => undefined });
    await expect(second).rejects.toMatchObject({ code: 'PORT_TAKEN', fields: { variable: 'PROFILE_PORT', port: server.port } });
  });

  it('stops although a client watches its health, which turns NOT_SERVING, and frees its port', async () => {
    const watcher = open(new HealthClient(`127.0.0.1:${server.port}`, credentials.createInsecure(), channelOptions));
    const seen: string[] = [];
    const watch = watcher['watch'] as unknown as (request: object) => NodeJS.EventEmitter;
    const stream = watch.call(watcher, { service: '' });
    stream.on('error', () => seen.push('ended'));
    await new Promise<void>((resolve) => {
      stream.on('data', (answer: { status: string }) => {
        seen.push(answer.status);
        resolve();
      });
    });
    const { port } = server;
    await server.stop();
    expect(seen.slice(0, 2)).toEqual(['SERVING', 'NOT_SERVING']);
    const lookup = new Lookup({
      store: MemoryStore.ofMockProfiles(1, 1),
      maxBatch: 1000,
      log: captureLog().log,
      sampler: new LogSampler(1, 50),
    });
    server = await startProfileServer({ ...limits, port, lookup, fail: () => undefined });
    expect(server.port).toBe(port);
  });

  it('lets a call in flight end before it stops', async () => {
    await server.stop();
    let release: (profiles: UserProfile[]) => void = () => undefined;
    let asked: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await start({
      ...storeThatRejects(new Error('not used')),
      get: () => {
        asked();
        return new Promise((resolve) => {
          release = resolve;
        });
      },
    });
    const answer = get('user-1');
    await isAsked;
    let over = false;
    const stopped = server.stop().then(() => (over = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(over).toBe(false);
    release([mockProfile(1, 1)]);
    expect(await answer).toEqual({ profile: mockProfile(1, 1) });
    await stopped;
  });
});

function storeThatRejects(fault: Error): ProfileStore {
  return { counts: new StoreCounts(), up: false, get: () => Promise.reject(fault), close: () => Promise.resolve() };
}
