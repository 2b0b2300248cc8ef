import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runGetLoad } from '../../load/get-load.js';

let server: Server;
let port: number;
/** So many requests to /together are answered at once, and none before: who waited for an answer would wait for ever. */
const TOGETHER = 5;
const asked: string[] = [];
const held: (() => void)[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    held.push(() => response.end(`body of ${request.url}`));
    if (request.url === '/together' && held.length < TOGETHER) return;
    for (const answer of held.splice(0)) answer();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

it('asks each path once in its turn and hands every answer to the check', async () => {
  const seen: string[] = [];
  asked.length = 0;
  const { latenciesMs, unansweredMax } = await runGetLoad({
    port,
    pathOf: (n) => `/${n}`,
    perSecond: 500,
    connectionsMax: 4,
    requests: 20,
    check: (path, { status, body }) => void seen.push(`${status} ${path} ${body}`),
  });
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  expect(asked.toSorted()).toEqual(numbers.map((n) => `/${n}`).toSorted());
  expect(seen.toSorted()).toEqual(numbers.map((n) => `200 /${n} body of /${n}`).toSorted());
  expect(latenciesMs.every((latency) => latency > 0)).toBe(true);
  expect(unansweredMax).toBeGreaterThan(0);
});

it('does not wait for answers before it asks on', async () => {
  const { unansweredMax } = await runGetLoad({
    port,
    pathOf: () => '/together',
    perSecond: 1000,
    connectionsMax: TOGETHER,
    requests: TOGETHER,
    check: () => undefined,
  });
  expect(unansweredMax).toBe(TOGETHER);
});

it('rejects with what the check throws', async () => {
  const check = (): never => {
    throw new Error('a wrong answer');
  };
  await expect(runGetLoad({ port, pathOf: () => '/', perSecond: 100, connectionsMax: 1, requests: 3, check })).rejects.toThrow(
    'a wrong answer',
  );
});
