import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawConnection, rawRequest } from './raw-connection.js';
import { startTestServer, type TestServer, until, validBody } from './test-server.js';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

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

beforeEach(async () => {
  open = [];
  ingest = await startTestServer();
});

afterEach(async () => {
  for (const opened of open) opened.end();
  await ingest.stop();
});

describe('an accepted bid request', () => {
  it('is answered 202 after the delivery report and not before', async () => {
    ingest.sink.acknowledges = false;
    const client = await connection();
    client.send(rawRequest(validBody('a"é')));
    const event = await ingest.sink.event(1);
    // Another request goes all the way in the meantime: the first had every chance to be answered too early.
    ingest.sink.acknowledges = true;
    const other = await connection();
    other.send(rawRequest(validBody('other')));
    expect((await other.answer()).status).toBe(202);
    expect(client.pendingBytes).toBe(0);
    expect(await ingest.metric('helios_ingest_in_flight')).toBe(1);

    event.report(null);
    const answer = await client.answer();
    expect(answer).toMatchObject({ status: 202, body: '{"status":"accepted","id":"a\\"é"}' });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await ingest.metric('helios_ingest_in_flight')).toBe(0);
    expect(await ingest.metric('helios_ingest_own_seconds_count{part="before_produce"}')).toBe(2);
    expect(await ingest.metric('helios_ingest_own_seconds_count{part="after_report"}')).toBe(2);
    expect(await ingest.metric('helios_ingest_ack_wait_seconds_count')).toBe(2);
  });

  it('becomes one event: the body byte for byte, its id as key, the time and the trace as headers', async () => {
    const body = `  ${validBody('k-1', { ext: { unknown: 'kept  as it is' } })}\n`;
    const beforeUnixMs = Date.now();
    const client = await connection();
    client.send(rawRequest(body, { path: '/bid?source=x', headers: { traceparent: TRACEPARENT, 'Content-Type': 'text/csv' } }));
    expect((await client.answer()).status).toBe(202);
    const event = await ingest.sink.event(1);
    expect(event.topic).toBe('bid_requests');
    expect(event.key).toBe('k-1');
    expect(event.value.toString()).toBe(body);
    const headers = Object.assign({}, ...(event.headers ?? [])) as Record<string, string>;
    expect(Object.keys(headers)).toEqual(['helios-accepted-at', 'traceparent']);
    expect(headers['traceparent']).toBe(TRACEPARENT);
    expect(Number(headers['helios-accepted-at'])).toBeGreaterThanOrEqual(beforeUnixMs);
    expect(Number(headers['helios-accepted-at'])).toBeLessThanOrEqual(Date.now());
    expect(await ingest.metric('helios_ingest_body_bytes_total')).toBe(Buffer.byteLength(body));
  });

  it('leaves a traceparent out that is not valid', async () => {
    const client = await connection();
    client.send(rawRequest(validBody(), { headers: { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` } }));
    expect((await client.answer()).status).toBe(202);
    expect((await ingest.sink.event(1)).headers).toEqual([{ 'helios-accepted-at': expect.stringMatching(/^\d{13}$/) }]);
  });

  it('that says its trace twice belongs to none, and one of a later version is carried on as version 00', async () => {
    const client = await connection();
    client.send(rawRequest(validBody('twice'), { headers: { traceparent: `${TRACEPARENT}\r\ntraceparent: ${TRACEPARENT}` } }));
    expect((await client.answer()).status).toBe(202);
    expect((await ingest.sink.event(1)).headers).toEqual([{ 'helios-accepted-at': expect.any(String) }]);
    const other = await connection();
    other.send(rawRequest(validBody('later'), { headers: { traceparent: `01${TRACEPARENT.slice(2)}-more` } }));
    expect((await other.answer()).status).toBe(202);
    expect((await ingest.sink.event(2)).headers).toContainEqual({ traceparent: TRACEPARENT });
  });

  it('of a sampled trace is logged under its id whatever the sample rate, accepted or rejected, and the next request is not', async () => {
    await start({ logSampleRate: 0 });
    const client = await connection();
    for (const body of [validBody('traced'), '{"id":""}']) {
      client.send(rawRequest(body, { headers: { traceparent: TRACEPARENT } }));
      await client.answer();
      client.send(rawRequest(body));
      await client.answer();
    }
    expect(
      ingest.logged.filter((line) => String(line['msg']).startsWith('bid request ')).map((line) => [line['msg'], line['trace_id']]),
    ).toEqual([
      ['bid request accepted', TRACEPARENT.slice(3, 35)],
      ['bid request rejected', TRACEPARENT.slice(3, 35)],
    ]);
  });

  it('is logged once it is acknowledged, with its facts', async () => {
    const client = await connection();
    const body = validBody('logged');
    client.send(rawRequest(body));
    await client.answer();
    expect(ingest.logged.filter((line) => line['msg'] === 'bid request accepted')).toEqual([
      expect.objectContaining({ request_id: 'logged', slots: 1, user_id: 'user-1', site_domain: 'news.example', bytes: body.length }),
    ]);
  });

  it('is not logged when the sample leaves it out, which is counted', async () => {
    await start({ logSampleRate: 0 });
    const client = await connection();
    client.send(rawRequest(validBody()));
    expect((await client.answer()).status).toBe(202);
    expect(ingest.logged.map((line) => line['msg'])).not.toContain('bid request accepted');
    expect(await ingest.metric('helios_log_lines_left_out_total{event="bid request accepted"}')).toBe(1);
  });

  it('may come from an ordinary HTTP client that keeps its connection', async () => {
    const answer = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const request = httpRequest({ port: ingest.port, host: '127.0.0.1', path: '/bid', method: 'POST' }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      request.on('error', reject).end(validBody('node'));
    });
    expect(answer).toEqual({ status: 202, body: '{"status":"accepted","id":"node"}' });
  });
});

describe('bodies in every form', () => {
  it.each([
    ['gzipped', 'gzip'],
    ['gzipped, the header in capitals', 'GZIP'],
  ])('%s is inflated before it is produced', async (_name, encoding) => {
    const client = await connection();
    client.send(rawRequest(gzipSync(validBody('zip')), { headers: { 'Content-Encoding': encoding } }));
    expect((await client.answer()).body).toBe('{"status":"accepted","id":"zip"}');
    expect((await ingest.sink.event(1)).value.toString()).toBe(validBody('zip'));
  });

  it('identity is taken as it is', async () => {
    const client = await connection();
    client.send(rawRequest(validBody('plain'), { headers: { 'Content-Encoding': 'Identity' } }));
    expect((await client.answer()).status).toBe(202);
  });

  it('chunked, and split at every kind of place', async () => {
    const body = validBody('chunked');
    const client = await connection();
    const head = 'POST /bid HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const piece of [head, `${body.slice(0, 20).length.toString(16)}\r\n${body.slice(0, 9)}`, `${body.slice(9, 20)}\r\n`]) {
      client.send(piece);
      await client.flushed();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    client.send(`${(body.length - 20).toString(16)}\r\n${body.slice(20)}\r\n0\r\n\r\n`);
    expect((await client.answer()).body).toBe('{"status":"accepted","id":"chunked"}');
    expect((await ingest.sink.event(1)).value.toString()).toBe(body);
  });

  it('of exactly the limit, in many writes', async () => {
    const body = validBody('large').padEnd(262_144);
    const client = await connection();
    client.send(rawRequest('', { headers: { 'Content-Length': String(body.length) } }));
    for (let at = 0; at < body.length; at += 5000) {
      client.send(body.slice(at, at + 5000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await client.answer()).status).toBe(202);
    expect((await ingest.sink.event(1)).value.toString()).toBe(body);
    expect(await ingest.metric('helios_ingest_body_memory_bytes')).toBe(0);
  });

  it('chunked over the limit is answered 413', async () => {
    const client = await connection();
    client.send('POST /bid HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let piece = 0; piece < 30; piece++) client.send(`2710\r\n${' '.repeat(10_000)}\r\n`);
    client.send('0\r\n\r\n');
    expect((await client.answer()).status).toBe(413);
    await client.whenClosed();
    expect(await ingest.metric('helios_ingest_body_memory_bytes')).toBe(0);
  });

  it('announced as 1 GiB is refused after a bounded part of it', async () => {
    const client = await connection();
    client.send(rawRequest('', { headers: { 'Content-Length': String(2 ** 30) } }));
    let sentBytes = 0;
    const piece = Buffer.alloc(65_536, ' ');
    while (!client.closed && client.pendingBytes === 0 && sentBytes < 64 * 2 ** 20) {
      client.send(piece);
      sentBytes += piece.length;
      await client.flushed();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sentBytes).toBeLessThan(64 * 2 ** 20);
    await client.whenClosed();
    expect(await ingest.metric('bid_requests_total{outcome="too_large"}')).toBe(1);
    expect(await ingest.metric('bid_requests_total{outcome="aborted"}')).toBe(0);
  });

  it('of a client that asks before it sends are asked for', async () => {
    const client = await connection();
    const body = validBody('asked');
    client.send(rawRequest('', { headers: { 'Content-Length': String(body.length), Expect: '100-continue' } }));
    expect((await client.answer()).status).toBe(100);
    client.send(body);
    expect((await client.answer()).body).toBe('{"status":"accepted","id":"asked"}');
  });

  it('half-received ones take no more memory than allowed together, and others go on', async () => {
    await start({ maxBodyBytes: 65_536, bodyMemoryMaxBytes: 100_000 });
    const head = rawRequest('', { headers: { 'Content-Length': '65536' } });
    const first = await connection();
    first.send(head);
    first.send(' '.repeat(60_000));
    await until(async () => (await ingest.metric('helios_ingest_body_memory_bytes')) >= 60_000);
    const second = await connection();
    second.send(head);
    second.send(' '.repeat(60_000));
    const refused = await second.answer();
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'body_memory_full' });
    // Another request is under way when the rest of the refused body comes: it must not get a byte of it.
    const third = await connection();
    const request = rawRequest(validBody('third'));
    third.send(request.subarray(0, -10));
    await until(async () => (await ingest.metric('helios_ingest_body_memory_bytes')) > 60_000);
    second.send(' '.repeat(5536));
    second.send(rawRequest(validBody('small')));
    expect((await second.answer()).body).toBe('{"status":"accepted","id":"small"}');
    third.send(request.subarray(-10));
    expect((await third.answer()).body).toBe('{"status":"accepted","id":"third"}');
    first.end();
    await until(async () => (await ingest.metric('helios_ingest_body_memory_bytes')) === 0);
  });
});

describe('answers to HEAD', () => {
  it('have no body and close the connection: one without a body cannot tell that its client does not read', async () => {
    const client = await connection();
    client.send('HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.answer()).toMatchObject({ status: 404, body: '' });
    await client.whenClosed();
  });
});
