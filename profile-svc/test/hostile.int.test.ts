import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { credentials, Metadata, status } from '@grpc/grpc-js';
import { type GetUserProfileResponse, UserProfileServiceClient } from '@helios/proto/gen/user_profile';
import { LogSampler } from '@helios/runtime/log';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Lookup } from '../src/lookup.js';
import { MemoryStore } from '../src/memory-store.js';
import { mockProfile, userIdAt } from '../src/mock-profiles.js';
import { type ProfileServer, startProfileServer } from '../src/server.js';
import { captureLog } from './capture-log.js';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const MAX_CONNECTIONS = 40;
const RSS_GROWTH_MAX_BYTES = 50_000_000;

let server: ProfileServer;
let client: UserProfileServiceClient;
const failures: Error[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  const lookup = new Lookup({
    store: MemoryStore.ofMockProfiles(10, 1),
    maxBatch: 1000,
    log: captureLog().log,
    sampler: new LogSampler(0, 0),
  });
  server = await startProfileServer({
    host: '127.0.0.1',
    port: 0,
    maxConnections: MAX_CONNECTIONS,
    maxConcurrentStreams: 100,
    maxConnectionAgeMs: 60_000,
    lookup,
    fail: (error) => failures.push(error),
  });
  // A channel keeps its connection: it is one of those allowed.
  client = new UserProfileServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  await get();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  client.close();
  await server.stop();
});

function get(metadata = new Metadata()): Promise<GetUserProfileResponse> {
  return new Promise((resolve, reject) =>
    client.getUserProfile({ user_id: userIdAt(3) }, metadata, (error, answer) => (error === null ? resolve(answer) : reject(error))),
  );
}

async function servesOn(): Promise<void> {
  expect(await get()).toEqual({ profile: mockProfile(3, 1) });
  expect(failures).toEqual([]);
}

/** Sends bytes on a connection of their own; resolves when the server closed it or told it to go. */
function refused(...pieces: readonly Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const socket = open();
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      if (hasGoaway(received)) resolve();
    });
    socket.on('close', () => resolve());
    for (const piece of pieces) socket.write(piece);
  });
}

/** Whether a GOAWAY is among the whole frames at the front of `bytes`. */
function hasGoaway(bytes: Buffer): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) if (bytes[at + 3] === 7) return true;
  return false;
}

function open(): Socket {
  const socket = connect(server.port, '127.0.0.1');
  // A reset is told of by the close that follows it.
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** A frame of HTTP/2: RFC 9113, section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0), length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
const SETTINGS = frame(4, 0, 0);

describe('the gRPC port closes, or tells to go, a connection that sends', () => {
  it.each<readonly [string, readonly Buffer[]]>([
    ['21 KB of 0B', [Buffer.alloc(21_000, 0x0b)]],
    ['21 KB of zeros', [Buffer.alloc(21_000)]],
    ['21 KB of FF', [Buffer.alloc(21_000, 0xff)]],
    ['a request of HTTP/1.1', [Buffer.from('POST /bid HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}')]],
    [
      'an upgrade to HTTP/2',
      [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n')],
    ],
    ['a preface that is nearly right', [Buffer.from('PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n')]],
    ['a preface for HTTP/3', [Buffer.from('PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n')]],
    ['a TLS handshake', [Buffer.from('16030100a5010000a10303', 'hex'), Buffer.alloc(160, 0x5a)]],
    ['garbage behind the preface', [PREFACE, Buffer.alloc(21_000, 0x0b)]],
    ['a frame of 16 MB behind the preface', [PREFACE, SETTINGS, frame(0, 0, 1, Buffer.alloc(20_000), 0xff_ff_ff)]],
    ['settings of an odd length', [PREFACE, frame(4, 0, 0, Buffer.alloc(5))]],
    ['settings on a stream', [PREFACE, frame(4, 0, 3)]],
    ['data on stream 0', [PREFACE, SETTINGS, frame(0, 0, 0, Buffer.from('x'))]],
    ['a window that overflows', [PREFACE, SETTINGS, frame(8, 0, 0, Buffer.from('7fffffff', 'hex'))]],
    ['headers that are no HPACK', [PREFACE, SETTINGS, frame(1, 5, 1, Buffer.alloc(100, 0xff))]],
    ['headers on an even stream', [PREFACE, SETTINGS, frame(1, 5, 2, Buffer.from([0x82]))]],
    ['a continuation without headers', [PREFACE, SETTINGS, frame(9, 4, 1, Buffer.from([0x82]))]],
    ['a push promise', [PREFACE, SETTINGS, frame(5, 4, 1, Buffer.from([0, 0, 0, 2, 0x82]))]],
    ['10,000 pings whose answers it does not read', [PREFACE, SETTINGS, Buffer.alloc(17 * 10_000, frame(6, 0, 0, Buffer.alloc(8)))]],
    ['10,000 settings whose acknowledgements it does not read', [PREFACE, Buffer.alloc(9 * 10_000, SETTINGS)]],
  ])('%s, and serves on', async (_, pieces) => {
    await refused(...pieces);
    await servesOn();
  });
});

describe('the gRPC port survives', () => {
  it('metadata that is too large, which is refused', async () => {
    const metadata = new Metadata();
    metadata.set('x-large', 'a'.repeat(200_000));
    await expect(get(metadata)).rejects.toMatchObject({ code: expect.any(Number) });
    await servesOn();
  });

  it('5,000 streams that are reset as soon as they are opened', async () => {
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    const ended = sessionEnd(session);
    for (let count = 0; count < 5000 && !session.destroyed; count++) {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/helios.userprofile.UserProfileService/GetUserProfile',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
      if (count % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
    }
    session.destroy();
    await ended;
    await servesOn();
  });

  it('requests that are no gRPC: another content type, path and method, a body without a frame', async () => {
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    session.on('error', () => undefined);
    const path = '/helios.userprofile.UserProfileService/GetUserProfile';
    const grpc = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    expect(await call(session, { ...grpc, 'content-type': 'text/html' }, Buffer.alloc(0))).toMatchObject({ http: 415 });
    expect(await call(session, { ...grpc, ':path': '/nothing/Here' }, Buffer.alloc(5))).toMatchObject({
      grpc: String(status.UNIMPLEMENTED),
    });
    expect(await call(session, grpc, Buffer.alloc(0))).toMatchObject({ grpc: String(status.UNIMPLEMENTED) });
    expect(await call(session, grpc, Buffer.from([0, 0, 0, 0, 1, 0xff]))).toMatchObject({ grpc: expect.stringMatching(/^[1-9]/) });
    expect(await call(session, grpc, Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))).toMatchObject({ grpc: String(status.RESOURCE_EXHAUSTED) });
    session.destroy();
    await servesOn();
  });

  it('more connections than it takes: the rest are closed at once, those that are open are served', async () => {
    const closed: Promise<void>[] = [];
    for (let count = 0; count < MAX_CONNECTIONS * 3; count++) {
      const socket = open();
      closed.push(new Promise((resolve) => socket.once('close', () => resolve())));
      socket.write(PREFACE);
      socket.resume();
    }
    const gone = { count: 0 };
    for (const one of closed) void one.then(() => gone.count++);
    while (gone.count < MAX_CONNECTIONS * 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await servesOn();
    expect(gone.count).toBeLessThan(MAX_CONNECTIONS * 3);
  });

  it('1,000 connections that half-close or reset after half a preface, within bounded memory', async () => {
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 50; round++) {
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const socket = open();
          return new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            socket.once('connect', () => {
              socket.write(PREFACE.subarray(0, index), () => void (index % 2 === 0 ? socket.end() : socket.resetAndDestroy()));
              socket.resume();
            });
          });
        }),
      );
    }
    await servesOn();
    expect(process.memoryUsage().rss - before).toBeLessThan(RSS_GROWTH_MAX_BYTES);
  });

  it('connections that say nothing, or half a preface, or no more than a preface: they are closed', { timeout: 40_000 }, async () => {
    const closed = [Buffer.alloc(0), PREFACE.subarray(0, 10), PREFACE, Buffer.concat([PREFACE, SETTINGS])].map((bytes) => {
      const socket = open();
      socket.write(bytes);
      socket.resume();
      return new Promise<void>((resolve) => socket.once('close', () => resolve()));
    });
    await Promise.all(closed);
    await servesOn();
  });

  it('half-sent messages on every stream of a connection, within bounded memory', async () => {
    const before = process.memoryUsage().rss;
    const session = connectHttp2(`http://127.0.0.1:${server.port}`, { peerMaxConcurrentStreams: 100 });
    session.on('error', () => undefined);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const announced = Buffer.from([0, 0, 0x03, 0xf0, 0x00]);
    for (let count = 0; count < 100; count++) {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/helios.userprofile.UserProfileService/BatchGetUserProfiles',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => undefined);
      stream.write(announced);
      stream.write(Buffer.alloc(200_000));
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    await servesOn();
    expect(process.memoryUsage().rss - before).toBeLessThan(3 * RSS_GROWTH_MAX_BYTES);
    session.destroy();
  });
});

function sessionEnd(session: ClientHttp2Session): Promise<void> {
  session.on('error', () => undefined);
  return new Promise((resolve) => session.once('close', () => resolve()));
}

/** One request on `session` with its whole body: HTTP status, and the gRPC status of the trailers or of the head. */
function call(session: ClientHttp2Session, headers: Record<string, string>, body: Buffer): Promise<{ http: number; grpc: string }> {
  return new Promise((resolve) => {
    const stream = session.request(headers);
    const seen = { http: 0, grpc: '' };
    const note = (fields: Record<string, unknown>): void => {
      if (typeof fields['grpc-status'] === 'string') seen.grpc = fields['grpc-status'];
    };
    stream.on('response', (fields) => {
      seen.http = fields[':status'] ?? 0;
      note(fields);
    });
    stream.on('trailers', note);
    stream.on('error', () => undefined);
    stream.on('close', () => resolve(seen));
    stream.resume();
    stream.end(body);
  });
}
