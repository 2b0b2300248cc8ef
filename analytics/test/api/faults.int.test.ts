import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { answerClientError } from '../../src/api/client-errors.js';
import { problemTable } from '../../src/api/problem-table.js';
import type { Database } from '../../src/db.js';
import { startApi } from './api-under-test.js';
import { ask } from './http-client.js';

/** Every status of the table of faults is one that the API gives, and a fault's status is always one of the table. */

function databaseThat(fails: () => Error): Database {
  return { query: () => Promise.reject(fails()), pool: () => ({ open: 0, idle: 0, waiting: 0 }), close: () => Promise.resolve() };
}
const away = databaseThat(() => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }));
const broken = databaseThat(() => new TypeError('a bug'));

/** The whole answer to `bytes`. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += String(chunk)));
  socket.on('error', () => socket.destroy());
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

describe('the table of faults', () => {
  it('has the statuses that the API gives, and no other', async () => {
    const seen = new Set<number>();
    const note = ({ statusCode, value }: { statusCode: number; value: unknown }): void => {
      expect(value).toMatchObject({ status: statusCode, title: problemTable[statusCode as keyof typeof problemTable].title });
      seen.add(statusCode);
    };
    const api = await startApi(away);
    note(await ask(api.port, '/api/outcomes/?x=1'));
    note(await ask(api.port, '/api/outcomes/'));
    note(await ask(api.port, '/nowhere'));
    note(await ask(api.port, '/api/outcomes/', { method: 'DELETE' }));
    seen.add(Number(/^HTTP\/1\.1 (\d+)/.exec(await raw(api.port, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`))?.[1]));
    await api.app.close();

    const faulty = await startApi(broken, { rateLimitPerSecond: 1 });
    note(await ask(faulty.port, '/api/outcomes/'));
    note(await ask(faulty.port, '/api/outcomes/'));
    await faulty.app.close();

    // Node finds out that a head came too slowly when it looks, twice a minute.
    const socket = new PassThrough();
    answerClientError(Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket as unknown as Socket);
    seen.add(Number(/^HTTP\/1\.1 (\d+)/.exec(String(socket.read()))?.[1]));

    expect([...seen].map(String).toSorted()).toEqual(Object.keys(problemTable).toSorted());
  });

  it.each([
    ['OPTIONS /api/outcomes/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/weird\r\ncontent-length: 3\r\n', 'abc'],
    ['OPTIONS /api/outcomes/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n', ''],
    ['OPTIONS /api/outcomes/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 3\r\n', '{a}'],
    ['GET /api/outcomes/?x=1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 3\r\n', '{a}'],
    ['GET /api/outcomes/?x=1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n', `1;${'a'.repeat(20_000)}\r\na\r\n0\r\n\r\n`],
    ['GET /api/outcomes/?x=1 HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n', ''],
    ['GET /api/outcomes/?x=1 HTTP/9.9\r\nhost: x\r\n', ''],
  ])('covers what becomes of a request with a body or a head that is odd: %j', async (head, body) => {
    const api = await startApi(away);
    const answer = await raw(api.port, `${head}connection: close\r\n\r\n${body}`);
    await api.app.close();
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
    if (status >= 400) {
      expect(Object.keys(problemTable), answer).toContain(String(status));
      expect(answer).toContain('application/problem+json');
    } else expect([200, 204]).toContain(status);
  });
});
