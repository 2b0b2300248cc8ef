import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawConnection, rawRequest } from './raw-connection.js';
import { startTestServer, type TestServer, validBody } from './test-server.js';

interface BadInput {
  readonly name: string;
  readonly request: {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Record<string, string>;
    readonly json?: unknown;
    readonly text?: string;
    readonly fill_bytes?: number;
    readonly zero_bytes?: number;
    readonly gzip?: boolean;
  };
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
}

const { cases } = JSON.parse(readFileSync(new URL('../cases/bad-input.json', import.meta.url), 'utf8')) as { cases: BadInput[] };

function bodyOf({ json, text, fill_bytes: fillBytes, zero_bytes: zeroBytes, gzip }: BadInput['request']): Buffer {
  let body = Buffer.from(text ?? JSON.stringify(json) ?? '');
  if (fillBytes !== undefined) body = Buffer.from(validBody().padEnd(fillBytes));
  if (zeroBytes !== undefined) body = Buffer.alloc(zeroBytes);
  return gzip === true ? gzipSync(body) : body;
}

describe('bad input to the ingest port', () => {
  let ingest: TestServer;
  beforeAll(async () => {
    ingest = await startTestServer();
  });
  afterAll(() => ingest.stop());

  it.each(cases)('$name is answered $status and harms nobody', async ({ request, status, code, field }) => {
    const connection = await RawConnection.open(ingest.port);
    const before = ingest.sink.events.length;
    connection.send(rawRequest(bodyOf(request), request));
    const answer = await connection.answer();
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const problem = JSON.parse(answer.body) as Record<string, unknown>;
    expect(problem).toMatchObject({
      status,
      code,
      type: `urn:helios:problem:${code}`,
      title: expect.any(String),
      detail: expect.any(String),
    });
    expect(problem['field'] ?? null).toBe(field);
    expect(ingest.sink.events.length).toBe(before);
    if (status === 405) expect(answer.headers.get('allow')).toBe('POST');

    const closes = status === 413 || status === 415;
    expect(answer.headers.get('connection') ?? 'kept').toBe(closes ? 'close' : 'kept');
    if (closes) await connection.whenClosed();
    const next = closes ? await RawConnection.open(ingest.port) : connection;
    next.send(rawRequest(validBody('good')));
    expect(await next.answer()).toMatchObject({ status: 202, body: '{"status":"accepted","id":"good"}' });
    next.end();
  });

  it('logs what was wrong with a body, and counts every outcome', async () => {
    expect(ingest.logged).toContainEqual(expect.objectContaining({ msg: 'bid request rejected', code: 'missing', field: '/id' }));
    const expected = new Map<string, number>();
    for (const { status, code } of cases) {
      const outcome = status === 400 ? 'invalid' : code;
      expected.set(outcome, (expected.get(outcome) ?? 0) + 1);
    }
    for (const [outcome, count] of expected) expect(await ingest.metric(`bid_requests_total{outcome="${outcome}"}`)).toBe(count);
    expect(await ingest.metric('bid_requests_total{outcome="accepted"}')).toBe(cases.length);
    expect(await ingest.metric('request_processing_duration_seconds_count')).toBe(cases.length * 2);
  });
});
