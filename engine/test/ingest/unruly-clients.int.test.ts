import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FakeSink } from './fake-sink.js';
import { RawConnection, rawRequest } from './raw-connection.js';
import { startTestServer, type TestServer, until, validBody } from './test-server.js';

/** A generator of its own, so that a failing run can be repeated by its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const seed = Number(process.env['HELIOS_TEST_SEED'] ?? Date.now() % 1_000_000);
const CLIENTS = 150;
const CLIENTS_AT_ONCE = 30;

let ingest: TestServer;
beforeAll(async () => {
  ingest = await startTestServer({ ackTimeoutMs: 60, maxInFlight: 25, bodyMemoryMaxBytes: 1_048_576, maxBodyBytes: 65_536 });
});
afterAll(() => ingest.stop());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reports every event after up to 100 ms (the ack timeout is 60), some of them as failed, in any order. */
function reportAtRandom(sink: FakeSink, random: (below: number) => number): void {
  sink.acknowledges = false;
  const { events } = sink;
  const push = events.push.bind(events);
  events.push = (...added) => {
    for (const event of added) setTimeout(() => event.report(random(10) === 0 ? 'broken' : null), random(8) === 0 ? 100 : random(20));
    return push(...added);
  };
}

/** One client: up to five requests on one connection, in pieces, some bad, some large, some gzipped; some clients leave half-way. */
async function unrulyClient(name: string, random: (below: number) => number): Promise<{ answers: number; accepted: string[] }> {
  const connection = await RawConnection.open(ingest.port);
  const accepted: string[] = [];
  let answers = 0;
  for (let number = 0; number < 1 + random(5) && !connection.closed; number++) {
    const id = `${name}-${number}`;
    const plain = random(6) === 0 ? '{"id":' : validBody(id).padEnd(random(5) === 0 ? 200 + random(80_000) : 0);
    const gzipped = random(4) === 0;
    const bytes = rawRequest(gzipped ? gzipSync(plain) : plain, gzipped ? { headers: { 'Content-Encoding': 'gzip' } } : {});
    for (let at = 0; at < bytes.length && !connection.closed;) {
      const end = random(2) === 0 ? bytes.length : at + 1 + random(30_000);
      connection.send(bytes.subarray(at, end));
      at = end;
      await pause(random(3));
      if (random(25) === 0) {
        connection.reset();
        return { answers, accepted };
      }
    }
    // The server closes on 413, and the kernel may have thrown the answer away with what was still unread.
    const answer = await connection.answer().catch(() => null);
    if (answer === null) break;
    answers++;
    if (answer.status === 202) {
      expect(answer.body).toBe(JSON.stringify({ status: 'accepted', id }));
      accepted.push(id);
    }
  }
  connection.end();
  return { answers, accepted };
}

it(`clients that split, leave and send nonsense never get another's answer, and leave nothing behind (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  reportAtRandom(ingest.sink, random);
  const accepted: string[] = [];
  for (let first = 0; first < CLIENTS; first += CLIENTS_AT_ONCE) {
    const clients = Array.from({ length: CLIENTS_AT_ONCE }, (_, index) => unrulyClient(`c${first + index}`, random));
    for (const client of await Promise.all(clients)) accepted.push(...client.accepted);
  }
  await until(async () => (await ingest.metric('helios_ingest_in_flight')) === 0);
  await until(async () => (await ingest.metric('helios_ingest_body_memory_bytes')) === 0);
  expect(ingest.sink.inFlight).toBe(0);
  const produced = new Map(ingest.sink.events.map((event) => [event.key, event.value.toString().trimEnd()]));
  expect(produced.size).toBe(ingest.sink.events.length);
  for (const [id, value] of produced) expect(value).toBe(validBody(String(id)));
  for (const id of accepted) expect(produced.has(id)).toBe(true);
  expect(accepted.length).toBeGreaterThan(20);
  expect(await ingest.metric('bid_requests_total{outcome="accepted"}')).toBeGreaterThanOrEqual(accepted.length);

  // It serves on as if nothing had been.
  const next = await RawConnection.open(ingest.port);
  next.send(rawRequest('', { method: 'GET' }));
  expect((await next.answer()).status).toBe(405);
  next.end();
});
