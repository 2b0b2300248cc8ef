import { describe, expect, it, vi } from 'vitest';
import { freshPrefix, simpleRequest } from './bid-stream.js';
import { type IngestAlone, withIngestAlone } from './ingest-alone.js';

/** 202 only after the broker's acknowledgement. Source: spec section 2.7. */

const ROUND_TRIP_MS = 500;
const ACK_TIMEOUT_MS = 1000;
/** Far beyond any scheduling delay, and far below "never". */
const ANSWER_LIMIT_MS = 8000;

interface Timed {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly code: unknown;
  readonly elapsedMs: number;
}

async function post(bidUrl: string, id: string): Promise<Timed> {
  const startedMonoMs = performance.now();
  const response = await fetch(bidUrl, {
    method: 'POST',
    body: JSON.stringify(simpleRequest(id, 'user-1')),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const elapsedMs = performance.now() - startedMonoMs;
  const { code } = (await response.json()) as { code?: unknown };
  return { status: response.status, retryAfter: response.headers.get('retry-after'), code, elapsedMs };
}

// Both mostly wait: they do it together.
describe.concurrent('POST /bid', () => {
  it(`with a broker whose round trip takes ${ROUND_TRIP_MS} ms no 202 comes sooner`, { timeout: 60_000 }, () =>
    withIngestAlone({ brokerArgs: ['--rtt-ms', String(ROUND_TRIP_MS)], env: { INGEST_ACK_TIMEOUT_MS: '5000' } }, noneSoonerThanTheTrip),
  );

  it(
    'with a broker that takes connections and stays silent no 202 comes, only 503 with Retry-After; 202 returns with the broker',
    { timeout: 60_000 },
    () => withIngestAlone({ env: { INGEST_ACK_TIMEOUT_MS: String(ACK_TIMEOUT_MS) } }, noneFromASilentBroker),
  );
});

async function noneSoonerThanTheTrip({ bidUrl }: IngestAlone): Promise<void> {
  const prefix = freshPrefix();
  // The first one alone, then many at once, which share a trip.
  const answers = [
    await post(bidUrl, `${prefix}first`),
    ...(await Promise.all(Array.from({ length: 100 }, (_, index) => post(bidUrl, `${prefix}${index}`)))),
  ];
  expect(answers.filter((answer) => answer.status !== 202)).toEqual([]);
  expect(answers.filter((answer) => answer.elapsedMs < ROUND_TRIP_MS)).toEqual([]);
}

async function noneFromASilentBroker({ bidUrl, brokerPid }: IngestAlone): Promise<void> {
  const prefix = freshPrefix();
  expect(await post(bidUrl, `${prefix}before`)).toMatchObject({ status: 202 });

  process.kill(brokerPid, 'SIGSTOP');
  const silent = await Promise.all(Array.from({ length: 50 }, (_, index) => post(bidUrl, `${prefix}silent-${index}`)));
  for (const answer of silent)
    expect(answer).toMatchObject({ status: 503, code: 'ack_timeout', retryAfter: expect.stringMatching(/^[1-9]\d*$/) });
  // librdkafka keeps the same limit by a clock of whole milliseconds.
  expect(silent.filter((answer) => answer.elapsedMs < ACK_TIMEOUT_MS - 5)).toEqual([]);

  process.kill(brokerPid, 'SIGCONT');
  await vi.waitFor(async () => expect((await post(bidUrl, `${prefix}after`)).status).toBe(202), { timeout: 30_000, interval: 100 });
}
