import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseBidRequest } from '@helios/proto/bid-request';
import rdkafka from 'node-rdkafka';
import { endWithParent, reportListening } from './peer-process.js';

/**
 * The peer with the same Kafka library as ingest and Node's own HTTP server: 202 only after the delivery report, otherwise 503.
 * `node node-http-rdkafka.js BOOTSTRAP TOPIC`. Parsing and validation are ingest's own function, so that what differs is the HTTP server
 * and the work around it.
 *
 * Tuned as who knows both would: the plain Producer with delivery reports by an integer (the high-level one makes closures and an event
 * for each), polled every millisecond, linger 3 ms, lz4, the broker's partitioner; idempotent with acks of all replicas, as ingest. HTTP: no
 * framework, one buffer when the body came in one piece, head and body of the answer in one write, keep-alive.
 */
const [bootstrap = '', topic = ''] = process.argv.slice(2);
const IN_FLIGHT_MAX = 20_000;
const BODY_MAX_BYTES = 256 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;

const producer = new rdkafka.Producer(
  {
    'client.id': 'peer-node-http',
    'bootstrap.servers': bootstrap,
    dr_cb: true,
    'enable.idempotence': true,
    'linger.ms': 3,
    'batch.num.messages': 2000,
    'queue.buffering.max.messages': 100_000,
    'queue.buffering.max.kbytes': 65_536,
    'compression.codec': 'lz4',
    'enable.metrics.push': false,
  } as never,
  { acks: -1, 'message.timeout.ms': 2000, partitioner: 'murmur2_random' },
);

/** Who waits for which report, by slot. */
const responses: (ServerResponse | null)[] = [];
const ids: string[] = [];
const freeSlots = Int32Array.from({ length: IN_FLIGHT_MAX }, (_, index) => index);
let freeCount = IN_FLIGHT_MAX;

producer.on('delivery-report', (error, report) => {
  const slot = report.opaque as number;
  const response = responses[slot] ?? null;
  responses[slot] = null;
  freeSlots[freeCount++] = slot;
  // A client that left is not written to.
  if (response === null || response.destroyed) return;
  // A report that says no, or none in time, is no acknowledgement.
  if (error) answer(response, 503, '{"status":"unavailable"}');
  else answer(response, 202, `{"status":"accepted","id":${JSON.stringify(ids[slot])}}`);
});
producer.on('event.error', () => undefined); // reports and refusals say what matters

const server = createServer((request, response) => {
  if (request.method !== 'POST' || request.url !== '/bid') return answer(response, 404, '{"status":"not found"}');
  readBody(request, (body) => (body === null ? answer(response, 413, '{"status":"too large"}') : accept(body, response)));
});

function accept(body: Buffer, response: ServerResponse): void {
  const parsed = parseBidRequest(body);
  if (!parsed.ok) return answer(response, 400, JSON.stringify({ status: 'invalid', detail: parsed.fault.detail }));
  if (freeCount === 0) return answer(response, 503, '{"status":"unavailable"}');
  const slot = freeSlots[freeCount - 1] as number;
  const { id } = parsed.request;
  try {
    producer.produce(topic, null, body, id, undefined, slot, [{ 'helios-accepted-at': String(Date.now()) }]);
  } catch {
    return answer(response, 503, '{"status":"unavailable"}');
  }
  freeCount--;
  responses[slot] = response;
  ids[slot] = id;
}

function readBody(request: IncomingMessage, done: (body: Buffer | null) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk);
  });
  request.on('end', () => {
    if (bytes > BODY_MAX_BYTES) done(null);
    else done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  });
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

await new Promise<void>((resolve, reject) => {
  producer.connect({ timeout: CONNECT_TIMEOUT_MS, topic }, (error) => (error ? reject(new Error(error.message)) : resolve()));
});
producer.setPollInterval(1);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the peer listens on no port');
  reportListening(address.port);
});
endWithParent();
