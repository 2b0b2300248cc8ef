import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AdminServer, Health, startAdminServer } from '../src/admin-server.js';
import { observed } from './observed.js';

/** Of the admin server: Node looks at slow connections once a second. */
const HEAD_LIMIT_MS = 5000;
const REQUEST_LIMIT_MS = 10_000;
/** For a client that takes nothing of its answer. */
const SILENCE_LIMIT_MS = 12_000;
const GRACE_MS = 4000;
const CONNECTIONS_MAX = 100;

let admin: AdminServer;
const sockets: Socket[] = [];

beforeAll(async () => {
  const { metrics } = observed('hostile');
  for (let number = 0; number < 2000; number++) metrics.gauge(`helios_filler_${number}`, 'Fills the answer.', () => number);
  admin = await startAdminServer({ host: '127.0.0.1', port: 0, health: new Health(), metrics });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => admin.close());

interface Exchange {
  readonly statuses: readonly number[];
  readonly afterMs: number;
}

/** Sends pieces, one a second where there are several, and resolves with what was answered once the server closed the connection. */
function untilClosed(pieces: readonly (string | Buffer)[]): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = open();
    const startedMonoMs = performance.now();
    let received = '';
    let next = 0;
    const send = (): void => {
      const piece = pieces[next++];
      if (piece !== undefined && !socket.destroyed) socket.write(piece);
    };
    send();
    const slowly = setInterval(send, 1000);
    socket.on('data', (data) => (received += data.toString('latin1')));
    socket.on('close', () => {
      clearInterval(slowly);
      const statuses = [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
      resolve({ statuses, afterMs: performance.now() - startedMonoMs });
    });
  });
}

function open(): Socket {
  const socket = connect(admin.port, '127.0.0.1');
  // A reset is told of by the close that follows it.
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

async function servesOn(): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${admin.port}/healthz`);
  expect([response.status, await response.json()]).toEqual([200, { status: 'alive' }]);
}

const close = 'Connection: close\r\n\r\n';

describe('the admin port', () => {
  it.each<readonly [string, readonly number[], string | Buffer]>([
    ['21 KB of 0B', [400], Buffer.alloc(21_000, 0x0b)],
    ['21 KB of zeros', [400], Buffer.alloc(21_000)],
    ['the preface of HTTP/2', [400], 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a head of 20 KB', [431], `GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n${close}`],
    ['a path of 20 KB', [431], `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n${close}`],
    ['no Host', [400], `GET /healthz HTTP/1.1\r\n${close}`],
    ['two lengths that differ', [400], `GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n${close}a`],
    [
      'a length and chunks',
      [400],
      `POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n${close}0\r\n\r\n`,
    ],
    ['chunks of no size', [405], 'POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['a NUL in a header', [400], `GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n${close}`],
    ['an unknown method', [400], `FOO /healthz HTTP/1.1\r\nHost: x\r\n${close}`],
    ['DELETE', [405], `DELETE /metrics HTTP/1.1\r\nHost: x\r\n${close}`],
    ['an unknown path', [404], `GET /admin HTTP/1.1\r\nHost: x\r\n${close}`],
    ['a path that climbs', [404], `GET /../healthz HTTP/1.1\r\nHost: x\r\n${close}`],
    ['an encoded path', [404], `GET /%68ealthz HTTP/1.1\r\nHost: x\r\n${close}`],
    ['a path in another case', [404], `GET /HEALTHZ HTTP/1.1\r\nHost: x\r\n${close}`],
    ['an absolute target', [404], `GET http://x/healthz HTTP/1.1\r\nHost: x\r\n${close}`],
    ['a body on GET', [200], `GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n${close}${'b'.repeat(100_000)}`],
    [
      'three requests in one piece',
      [200, 404, 200],
      `GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /no HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n${close}`,
    ],
    ['a request behind one that closes', [200], `GET /healthz HTTP/1.1\r\nHost: x\r\n${close}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`],
  ])('answers %s with %j, closes, and serves on', async (_, statuses, bytes) => {
    expect((await untilClosed([bytes])).statuses).toEqual(statuses);
    await servesOn();
  });

  it('closes a client that sends its head slowly, at the limit for heads', async () => {
    const { statuses, afterMs } = await untilClosed([
      'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ',
      ...Array.from({ length: 30 }, () => 'a'),
    ]);
    expect(statuses).toEqual([408]);
    expect(afterMs).toBeLessThan(HEAD_LIMIT_MS + GRACE_MS);
    await servesOn();
  });

  it('closes a client that sends its body slowly, at the limit for requests', async () => {
    const { afterMs } = await untilClosed([
      'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n',
      ...Array.from({ length: 30 }, () => 'a'),
    ]);
    expect(afterMs).toBeLessThan(REQUEST_LIMIT_MS + GRACE_MS);
    await servesOn();
  });

  it('closes clients that ask again and again and read nothing, and bounds what it holds for them', { timeout: 60_000 }, async () => {
    const before = process.memoryUsage().rss;
    const closed: Promise<void>[] = [];
    const request = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
    for (let number = 0; number < 20; number++) {
      const socket = open();
      socket.pause();
      socket.write(request.repeat(500));
      closed.push(new Promise((resolve) => socket.once('close', () => resolve())));
    }
    await new Promise((resolve) => setTimeout(resolve, SILENCE_LIMIT_MS));
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    // A close is seen behind the last byte only.
    for (const socket of sockets) socket.resume();
    await Promise.all(closed);
    await servesOn();
  });

  it('takes 100 connections, closes more at once, and serves again when they are gone', async () => {
    const gone = { count: 0 };
    for (let number = 0; number < CONNECTIONS_MAX * 2; number++) {
      const socket = open();
      socket.resume();
      socket.once('close', () => gone.count++);
    }
    while (gone.count < CONNECTIONS_MAX) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const socket of sockets.splice(0)) socket.destroy();
    while (gone.count < CONNECTIONS_MAX * 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await servesOn();
  });
});
