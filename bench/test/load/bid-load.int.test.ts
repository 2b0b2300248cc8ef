import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BidLoad } from '@helios/bench/load/bid-load';
import { afterEach, expect, it } from 'vitest';

const REQUESTS = 200;
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Accepts two requests of three and refuses the third. */
async function start(): Promise<{ port: number; received: string[] }> {
  const received: string[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push((JSON.parse(body) as { id: string }).id);
      response.writeHead(received.length % 3 === 0 ? 503 : 202, { 'Content-Length': 2 }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, received };
}

async function sendAll(port: number, ledgerFile: string | null): Promise<BidLoad> {
  const load = new BidLoad({ port, perSecond: 2000, prefix: 'r-', seed: 1, requestsMax: REQUESTS, ledgerFile });
  while (load.sent < REQUESTS) await new Promise((resolve) => setTimeout(resolve, 5));
  await load.stop();
  return load;
}

it('the account in memory says how every request was answered, without a ledger file', async () => {
  const { port, received } = await start();
  const load = await sendAll(port, null);
  const posted = [...load.posted()];
  expect(posted.map(({ id }) => id).toSorted()).toEqual(received.toSorted());
  expect(posted.filter(({ status }) => status === 503)).toHaveLength(Math.floor(REQUESTS / 3));
  expect(load.accepted).toBe(REQUESTS - Math.floor(REQUESTS / 3));
});

it('with a ledger file every answer is a line of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'helios-ledger-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const { port } = await start();
  const load = await sendAll(port, join(folder, 'answers.log'));
  const lines = readFileSync(join(folder, 'answers.log'), 'utf8').trimEnd().split('\n');
  const expected = [...load.posted()].map(({ id, status }) => `${id.slice(2)} ${status}`);
  expect(lines.toSorted()).toEqual(expected.toSorted());
});
