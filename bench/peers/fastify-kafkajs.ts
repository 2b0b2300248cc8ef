import Fastify, { type FastifyReply } from 'fastify';
import { CompressionTypes, Kafka, logLevel, type Message, Partitioners } from 'kafkajs';
import { bidRequestSchema } from './bid-request-schema.js';
import { endWithParent, reportListening } from './peer-process.js';

/**
 * The peer that most would write first: Fastify 5 and kafkajs 2, with ingest's guarantee: 202 only after all in-sync replicas of the broker
 * have the event, otherwise 503. `node fastify-kafkajs.js BOOTSTRAP TOPIC [idempotent]`.
 *
 * Tuned as who knows both libraries would:
 * - kafkajs sends one request for each `send`, so events are gathered by hand: a batch leaves as soon as fewer than two are under way, and
 *   takes all that came meanwhile. With `idempotent` kafkajs itself lets one batch at a time to a broker. Not compressed: the codec
 *   that kafkajs brings is gzip, which costs this process more than the bytes cost on loopback.
 * - Fastify: no logger, the body parsed once by JSON.parse (its own parser also looks for `__proto__`) and validated by the compiled schema
 *   without coercion or defaults; the answer by a compiled serialiser; the text that came is what goes to Kafka, never made anew.
 * Its validation is less than ingest's: types and bounds of what Helios reads, not unique slot ids, not OpenRTB's own rules.
 */
const [bootstrap = '', topic = '', mode = ''] = process.argv.slice(2);
const idempotent = mode === 'idempotent';
const BATCHES_IN_FLIGHT = idempotent ? 1 : 2;
const BATCH_MAX = 2000;

const kafka = new Kafka({ clientId: 'peer-fastify-kafkajs', brokers: [bootstrap], logLevel: logLevel.ERROR });
const producer = kafka.producer({
  createPartitioner: Partitioners.DefaultPartitioner,
  allowAutoTopicCreation: false,
  idempotent,
  // Bounds requests, which are batches here.
  maxInFlightRequests: BATCHES_IN_FLIGHT,
  retry: { retries: 3 },
});

interface Waiting {
  readonly message: Message;
  readonly reply: FastifyReply;
  readonly id: string;
}

let waiting: Waiting[] = [];
let underWay = 0;
let scheduled = false;

function enqueue(each: Waiting): void {
  waiting.push(each);
  if (scheduled || underWay >= BATCHES_IN_FLIGHT) return;
  scheduled = true;
  // All requests that this turn of the loop read go together.
  setImmediate(() => {
    scheduled = false;
    void flush();
  });
}

async function flush(): Promise<void> {
  if (waiting.length === 0 || underWay >= BATCHES_IN_FLIGHT) return;
  const batch = waiting.length > BATCH_MAX ? waiting.splice(0, BATCH_MAX) : waiting;
  if (batch === waiting) waiting = [];
  underWay++;
  try {
    const messages = batch.map(({ message }) => message);
    await producer.sendBatch({ acks: -1, compression: CompressionTypes.None, timeout: 2000, topicMessages: [{ topic, messages }] });
    for (const { reply, id } of batch) void reply.code(202).send({ status: 'accepted', id });
  } catch {
    // Not known to be stored: nobody is told that it is.
    for (const { reply } of batch) void reply.code(503).header('Retry-After', '1').send({ status: 'unavailable', id: '' });
  } finally {
    underWay--;
    void flush();
  }
}

interface Body {
  readonly id: string;
}

const app = Fastify({
  logger: false,
  bodyLimit: 256 * 1024,
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
});
/** The text of a parsed body, for Kafka. */
const texts = new WeakMap<object, string>();
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
  try {
    const body = JSON.parse(text as string) as unknown;
    if (typeof body === 'object' && body !== null) texts.set(body, text as string);
    done(null, body);
  } catch (error) {
    done(Object.assign(error as Error, { statusCode: 400 }), undefined);
  }
});
const answer = { type: 'object', properties: { status: { type: 'string' }, id: { type: 'string' } } } as const;
app.post<{ Body: Body }>('/bid', { schema: { body: bidRequestSchema, response: { 202: answer, 503: answer } } }, (request, reply) => {
  const { body } = request;
  const headers = { 'helios-accepted-at': String(Date.now()) };
  enqueue({ message: { key: body.id, value: texts.get(body) ?? JSON.stringify(body), headers }, reply, id: body.id });
});

await producer.connect();
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
if (address === null || typeof address === 'string') throw new Error('the peer listens on no port');
reportListening(address.port);
endWithParent();
