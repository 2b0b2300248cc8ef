import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawAnswer, RawConnection, rawRequest } from './raw-connection.js';
import { startTestServer, type TestServer, until, validBody } from './test-server.js';

let ingest: TestServer;
let open: RawConnection[];

async function connection(): Promise<RawConnection> {
  const opened = await RawConnection.open(ingest.port);
  open.push(opened);
  return opened;
}

async function start(...overrides: Parameters<typeof startTestServer>): Promise<void> {
  await ingest.stop();
  ingest = await startTestServer(...overrides);
}

function expectUnavailable(answer: RawAnswer, code: string): void {
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(JSON.parse(answer.body)).toMatchObject({ status: 503, code });
}

function listenAnywhere(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

const count = (outcome: string) => ingest.metric(`bid_requests_total{outcome="${outcome}"}`);
const inFlight = () => ingest.metric('helios_ingest_in_flight');

beforeEach(async () => {
  open = [];
  ingest = await startTestServer({ ackTimeoutMs: 100, maxInFlight: 3 });
});

afterEach(async () => {
  for (const opened of open) opened.end();
  await ingest.stop();
});

describe('a message the broker does not acknowledge', () => {
  it('is answered 503 at the ack timeout, and its slot stays taken until the late report', async () => {
    ingest.sink.acknowledges = false;
    const client = await connection();
    client.send(rawRequest(validBody('late')));
    expectUnavailable(await client.answer(), 'ack_timeout');
    expect(await inFlight()).toBe(1);
    (await ingest.sink.event(1)).report(null);
    expect(await inFlight()).toBe(0);
    expect([await count('ack_timeout'), await count('accepted')]).toEqual([1, 0]);
    // The late report must not have become a second answer: the next one on this connection is the next request's.
    ingest.sink.acknowledges = true;
    client.send(rawRequest(validBody('next')));
    expect((await client.answer()).body).toBe('{"status":"accepted","id":"next"}');
  });

  it.each([
    ['_MSG_TIMED_OUT: local: message timed out', 'ack_timeout'],
    ['broker: message size too large', 'ack_failed'],
  ])('with the report "%s" is answered 503 %s', async (error, code) => {
    ingest.sink.acknowledges = false;
    const client = await connection();
    client.send(rawRequest(validBody()));
    (await ingest.sink.event(1)).report(error);
    expectUnavailable(await client.answer(), code);
    expect([await count(code), await inFlight()]).toEqual([1, 0]);
  });
});

describe('over a bound', () => {
  it('a request above the in-flight limit is answered 503 at once, and one is taken again after a report', async () => {
    await start({ maxInFlight: 3 });
    ingest.sink.acknowledges = false;
    const [first, second, third] = [await connection(), await connection(), await connection()] as const;
    first.send(rawRequest(validBody('w-1')));
    await ingest.sink.event(1);
    second.send(rawRequest(validBody('w-2')));
    await ingest.sink.event(2);
    third.send(rawRequest(validBody('w-3')));
    await ingest.sink.event(3);
    const shed = await connection();
    // The body comes after the answer: it is dropped, and the connection serves on.
    const request = rawRequest(validBody('shed'));
    shed.send(request.subarray(0, -10));
    expectUnavailable(await shed.answer(), 'too_many_in_flight');
    shed.send(request.subarray(-10));
    (await ingest.sink.event(2)).report(null);
    expect((await second.answer()).body).toBe('{"status":"accepted","id":"w-2"}');
    ingest.sink.acknowledges = true;
    shed.send(rawRequest(validBody('taken')));
    expect((await shed.answer()).body).toBe('{"status":"accepted","id":"taken"}');
    expect(await count('overloaded')).toBe(1);
    for (const index of [1, 3]) (await ingest.sink.event(index)).report(null);
  });

  it.each([
    ['queue_full', 'overloaded'],
    ['backlog_full', 'overloaded'],
    ['not_connected', 'no_broker'],
  ] as const)('what the producer refuses as %s is answered 503, and no slot is lost by it', async (refusal, outcome) => {
    ingest.sink.refuses = refusal;
    const client = await connection();
    for (let i = 0; i < 5; i++) {
      client.send(rawRequest(validBody()));
      expectUnavailable(await client.answer(), refusal);
    }
    ingest.sink.refuses = null;
    client.send(rawRequest(validBody()));
    expect((await client.answer()).status).toBe(202);
    expect([await count(outcome), await inFlight()]).toEqual([5, 0]);
  });
});

describe('a client that leaves', () => {
  it('while its message waits costs the slot until the report, and nothing else', async () => {
    ingest.sink.acknowledges = false;
    const client = await connection();
    client.send(rawRequest(validBody('gone')));
    const event = await ingest.sink.event(1);
    client.reset();
    await until(async () => (await count('aborted')) === 1);
    expect(await inFlight()).toBe(1);
    event.report(null);
    expect(await inFlight()).toBe(0);
    ingest.sink.acknowledges = true;
    const next = await connection();
    next.send(rawRequest(validBody('next')));
    expect((await next.answer()).body).toBe('{"status":"accepted","id":"next"}');
    expect([await count('accepted'), await count('ack_timeout')]).toEqual([1, 0]);
  });

  it('in the middle of its body produces nothing', async () => {
    const client = await connection();
    client.send(rawRequest(validBody()).subarray(0, -5));
    await until(async () => (await ingest.metric('helios_ingest_body_memory_bytes')) > 0);
    client.reset();
    await until(async () => (await count('aborted')) === 1);
    expect(ingest.sink.events).toHaveLength(0);
    expect(await ingest.metric('helios_ingest_body_memory_bytes')).toBe(0);
  });

  it('after a second request before the first answer is dropped by the server, which serves on', async () => {
    ingest.sink.acknowledges = false;
    const client = await connection();
    client.send(Buffer.concat([rawRequest(validBody('p-1')), rawRequest(validBody('p-2'))]));
    await client.whenClosed();
    ingest.sink.acknowledges = true;
    for (const event of ingest.sink.events) event.report(null);
    const next = await connection();
    next.send(rawRequest(validBody('next')));
    expect((await next.answer()).status).toBe(202);
    expect(await inFlight()).toBe(0);
  });

  it.each([
    '\x00\x01\x02\r\n\r\n',
    'POST /bid HTTP/1.1\r\nHost: x\r\nContent-Length: 2x\r\n\r\nab',
    'POST /bid HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\nab',
  ])('or speaks no HTTP (%j) harms nobody', async (bytes) => {
    const client = await connection();
    client.send(bytes);
    await client.whenClosed();
    const next = await connection();
    next.send(rawRequest(validBody('next')));
    expect((await next.answer()).status).toBe(202);
  });
});

describe('stopping', () => {
  it('answers what is in flight, refuses and closes kept connections, and flushes before it closes', async () => {
    ingest.sink.acknowledges = false;
    const waiting = await connection();
    waiting.send(rawRequest(validBody('in flight')));
    const event = await ingest.sink.event(1);
    const kept = await connection();
    kept.send(rawRequest('', { method: 'GET' }));
    expect((await kept.answer()).status).toBe(405);

    const stopped = ingest.stop();
    await expect(RawConnection.open(ingest.port)).rejects.toThrow(/ECONNREFUSED/);
    kept.send(rawRequest(validBody('too late')));
    const refused = await kept.answer();
    expectUnavailable(refused, 'stopping');
    expect(refused.headers.get('connection')).toBe('close');
    await kept.whenClosed();
    expect(ingest.sink.closed).toBe(false);
    event.report(null);
    expect((await waiting.answer()).body).toBe('{"status":"accepted","id":"in flight"}');
    await stopped;
    expect(ingest.sink.closed).toBe(true);
    expect(ingest.sink.events).toHaveLength(1);
  });

  it('ends although a report never comes and a client holds its connection', async () => {
    ingest.sink.acknowledges = false;
    const waiting = await connection();
    waiting.send(rawRequest(validBody('silent')));
    await ingest.sink.event(1);
    const idle = await connection();
    await ingest.stop();
    expectUnavailable(await waiting.answer(), 'ack_timeout');
    await idle.whenClosed();
    expect(ingest.logged).toContainEqual(expect.objectContaining({ msg: 'ingest stopped before all events were reported', in_flight: 1 }));
  });
});

describe('the port', () => {
  it('that another ingest listens on is a fault that names the variable', async () => {
    await expect(startTestServer({ ingestPort: ingest.port })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining('INGEST_PORT'),
    });
  });

  it('that an unrelated server listens on is the same fault', async () => {
    const other = createServer();
    const port = await listenAnywhere(other);
    try {
      await expect(startTestServer({ ingestPort: port })).rejects.toMatchObject({
        code: 'PORT_TAKEN',
        fields: { port, variable: 'INGEST_PORT' },
      });
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('is shared by siblings that are all told to share it', async () => {
    // Port 0 would not do: Linux shares a port only between sockets that asked for it by number.
    const finder = createServer();
    const ingestPort = await listenAnywhere(finder);
    await new Promise((resolve) => finder.close(resolve));
    await start({ sharedPort: true, ingestPort });
    const sibling = await startTestServer({ sharedPort: true, ingestPort: ingest.port });
    expect(sibling.port).toBe(ingest.port);
    await sibling.stop();
    await expect(startTestServer({ ingestPort: ingest.port })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  });

  it('on an address that this machine does not have is a fault that names BIND_HOST', async () => {
    await expect(startTestServer({ bindHost: '203.0.113.1' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('BIND_HOST'),
    });
  });
});
