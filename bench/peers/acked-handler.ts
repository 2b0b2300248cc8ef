import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '@helios/runtime/config';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { type DeliverySink, EventProducer } from '@helios/runtime/kafka/producer';
import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import { kafkaFaults, kafkaSettings } from '@helios/runtime/settings';
import uWS from 'uWebSockets.js';
import { acceptedBytes, servePeer } from './peer-life.js';

/**
 * The smallest thing that can answer `POST /bid` with ingest's guarantee: a uWebSockets.js handler that hands the body to the same producer
 * (KAFKA_BROKERS, same settings) and answers 202 when the broker acknowledged it, without parsing, keys, headers, limits or logs. What the
 * latency of ingest is measured against: machine, broker and client library weigh on both alike.
 */
interface Waiting {
  /** Null when the client has left. */
  response: uWS.HttpResponse | null;
  readonly bytes: number;
}

/** The same as ingest's INGEST_ACK_TIMEOUT_MS by default. */
const ACK_TIMEOUT_MS = 2000;
const CONNECT_LIMIT_MS = 30_000;

const kafka = loadConfig({ service: 'acked-handler', schema: kafkaSettings, env: process.env, knownVariables, check: kafkaFaults });
const producer = EventProducer.start({
  kafka,
  clientId: 'acked-handler',
  log: createLogger('acked-handler', 'error'),
  metrics: new Metrics('acked-handler', '0'),
  messageTimeoutMs: ACK_TIMEOUT_MS,
  onFatal: (error) => {
    throw error;
  },
});

const waiting = new Map<number, Waiting>();
let lastToken = 0;

const sink: DeliverySink = {
  delivered(token, error) {
    const { response, bytes } = waiting.get(token) as Waiting;
    waiting.delete(token);
    response?.cork(() => {
      if (error !== null) response.writeStatus('503 Service Unavailable').end();
      else response.writeStatus('202 Accepted').writeHeader('Content-Type', 'application/json').end(acceptedBytes(bytes));
    });
  },
};

/** Hands a body over, or answers 503 at once. */
function take(response: uWS.HttpResponse, body: Buffer): Waiting {
  const entry: Waiting = { response, bytes: body.length };
  const token = ++lastToken;
  if (producer.produce(kafka.bidRequestsTopic, null, body, undefined, sink, token) === null) waiting.set(token, entry);
  else response.writeStatus('503 Service Unavailable').end();
  return entry;
}

const app = uWS.App();

app.post('/bid', (response) => {
  let entry: Waiting | undefined;
  const pieces: Buffer[] = [];
  response.onAborted(() => {
    if (entry !== undefined) entry.response = null;
  });
  response.onData((chunk, isLast) => {
    // The library takes the chunk's memory back when this returns.
    if (isLast) entry = take(response, pieces.length === 0 ? Buffer.from(chunk) : Buffer.concat([...pieces, Buffer.from(chunk)]));
    else pieces.push(Buffer.from(chunk.slice(0)));
  });
});

const deadlineMonoMs = performance.now() + CONNECT_LIMIT_MS;
while (producer.brokerSilenceMs() === Number.POSITIVE_INFINITY) {
  if (performance.now() > deadlineMonoMs) throw new Error(`no broker at ${kafka.brokers} within ${CONNECT_LIMIT_MS / 1000} s`);
  await sleep(20);
}
servePeer(app);
