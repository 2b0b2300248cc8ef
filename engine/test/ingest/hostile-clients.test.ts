import { LogSampler } from '@helios/runtime/log';
import pino from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { IngestMetrics } from '../../src/ingest/ingest-metrics.js';
import { Intake } from '../../src/ingest/intake.js';
import { FakeResponse, fakeRequest } from './fake-response.js';
import { FakeSink } from './fake-sink.js';
import { validBody } from './test-server.js';

let intake: Intake;
let counts: IngestMetrics;
let sink: FakeSink;

beforeEach(() => {
  counts = new IngestMetrics();
  sink = new FakeSink();
  intake = new Intake({
    topic: 'bid_requests',
    maxBodyBytes: 262_144,
    bodyMemoryMaxBytes: 1_048_576,
    maxInFlight: 10,
    ackTimeoutMs: 2000,
    producer: sink,
    counts,
    sampler: new LogSampler(0, 0),
    log: pino({ level: 'silent' }),
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

function posted(body: string, lines: readonly (readonly [string, string])[] = [['content-length', String(body.length)]]): FakeResponse {
  const response = new FakeResponse();
  intake.begin(response, fakeRequest(lines));
  response.sends(body);
  return response;
}

describe('a refusal', () => {
  it('is written in the next turn of the event loop, so that refused requests cannot be pipelined', async () => {
    const response = posted('{}');
    expect(response.statuses).toEqual([]);
    await turn();
    expect(response.statuses).toEqual(['400 Bad Request']);
  });

  it('is not written to a client that left before its turn, which counts once, as aborted', async () => {
    const response = posted('{}');
    response.leaves();
    await turn();
    expect(response.statuses).toEqual([]);
    expect(counts.requests).toMatchObject({ aborted: 1, invalid: 0 });
  });

  it('of a client that left does not reach the request that comes next', async () => {
    posted('{}').leaves();
    const next = posted(validBody('next'));
    await turn();
    await turn();
    expect(next.statuses).toEqual(['202 Accepted']);
  });

  it('of a head is written in the next turn, too', async () => {
    const response = posted('', [['transfer-encoding', 'identity']]);
    expect(response.statuses).toEqual([]);
    await turn();
    expect(response.statuses).toEqual(['400 Bad Request']);
  });
});

describe('a client that does not read its answers', () => {
  it.each([
    ['a refusal', '{}', 'invalid'],
    ['an acceptance', validBody(), 'accepted'],
  ] as const)('is closed at %s, which counts once', async (_, body, outcome) => {
    const response = new FakeResponse();
    response.unread = true;
    intake.begin(response, fakeRequest([['content-length', String(body.length)]]));
    response.sends(body);
    await turn();
    await turn();
    expect(response.closed).toBe(true);
    expect(counts.requests).toMatchObject({ aborted: 0, [outcome]: 1 });
    expect(intake.admission.inFlight).toBe(0);
  });
});

describe('Transfer-Encoding', () => {
  it.each([
    ['chunked', ['chunked'], '202 Accepted'],
    ['CHUNKED', ['CHUNKED'], '202 Accepted'],
    ['identity', ['identity'], '400 Bad Request'],
    ['gzip, chunked', ['gzip, chunked'], '400 Bad Request'],
    ['chunked twice', ['chunked', 'chunked'], '400 Bad Request'],
    ['chunked and identity', ['chunked', 'identity'], '400 Bad Request'],
  ])('%s', async (_, values, status) => {
    const response = posted(
      validBody(),
      values.map((value) => ['transfer-encoding', value] as const),
    );
    await turn();
    await turn();
    expect(response.statuses).toEqual([status]);
  });
});
