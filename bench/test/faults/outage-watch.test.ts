import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OutageWatch, untilFlowing } from '../../faults/outage-watch.js';
import type { Stack } from '../../faults/stack.js';
import { BidLoad } from '../../load/bid-load.js';

/** What is answered to `POST /bid`. */
let answer: { status: number; headers?: Record<string, string> };
let server: Server;
let port: number;
let folder: string;

beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(answer.status, { 'Content-Length': '0', ...answer.headers }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  folder = mkdtempSync(join(tmpdir(), 'helios-outage-'));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function load(): BidLoad {
  return new BidLoad({ port, perSecond: 100, prefix: 'outage-', seed: 1, ledgerFile: join(folder, 'answers.log') });
}

/** As much of a stack as the watch asks for; `rssBytes` is what ingest says that it takes. */
function stackOf(rssBytes = 1e8): Stack {
  const metrics = async () => new Map([['process_resident_memory_bytes', [{ labels: {}, value: rssBytes }]]]);
  return { ingestPort: port, metrics } as unknown as Stack;
}

/** Watches an outage that lasts longer than what is left out at its end. */
async function watched(stack: Stack): Promise<{ broken: readonly string[]; figures: Record<string, number> }> {
  const bids = load();
  const watch = new OutageWatch(stack, bids);
  while (bids.sent < 10) await sleep(10);
  watch.begin();
  await sleep(4800);
  await watch.end();
  await bids.stop();
  const figures = watch.judge();
  return { broken: watch.broken, figures };
}

describe('the watch over an outage', { timeout: 40_000 }, () => {
  test('finds nothing wrong with a 503 and Retry-After for everything', async () => {
    answer = { status: 503, headers: { 'Retry-After': '1' } };
    const { broken, figures } = await watched(stackOf());
    expect(broken).toEqual([]);
    expect(figures['refused']).toBeGreaterThan(0);
    expect(figures['probes']).toBeGreaterThan(0);
  });

  test('reports a request that was accepted, a 503 without Retry-After, and memory over its bound', async () => {
    answer = { status: 202 };
    expect((await watched(stackOf())).broken.join()).toMatch(/not all answered 503: \{"202":\d+\}.*there was no outage/);
    answer = { status: 503 };
    const { broken } = await watched(stackOf(3e8));
    expect(broken).toContain('a 503 came with Retry-After null');
    expect(broken).toContain('ingest took 286 MiB of memory');
  });
});

describe('waiting for requests to be accepted again', { timeout: 40_000 }, () => {
  test('ends with the time until they were, and fails when they are not', async () => {
    answer = { status: 503 };
    const bids = load();
    const sinceMonoMs = performance.now();
    await expect(untilFlowing(bids, sinceMonoMs, 1300)).rejects.toThrow('not accepted at the old rate');
    answer = { status: 202 };
    const refusedMs = performance.now() - sinceMonoMs;
    const recoveryMs = await untilFlowing(bids, sinceMonoMs, 10_000);
    expect(recoveryMs).toBeGreaterThanOrEqual(refusedMs - 200);
    await bids.stop();
  });
});
