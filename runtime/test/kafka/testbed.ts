import { createRequire } from 'node:module';
import type * as Rdkafka from 'node-rdkafka';
import { Health } from '../../src/admin-server.js';
import { loadConfig } from '../../src/config.js';
import type { KafkaConfig } from '../../src/kafka/client.js';
import { BatchConsumer, type ConsumedMessage, type ConsumerOptions } from '../../src/kafka/consumer.js';
import { GroupOffsets } from '../../src/kafka/group-offsets.js';
import { type DeliverySink, EventProducer, type ProducerOptions } from '../../src/kafka/producer.js';
import { kafkaSettings } from '../../src/settings.js';
import { type Observed, observed } from '../observed.js';

/** What the tests against librdkafka's mock broker share: clients with short limits, and a reader that needs no group. */

const { KafkaConsumer } = createRequire(import.meta.url)('node-rdkafka') as typeof Rdkafka;

export const PARTITIONS = 4;

/**
 * The mock broker lets a group's first member wait for 3 s and counts that against its session: a shorter session never joins.
 * Later rebalances take the session less a second.
 */
const SESSION_TIMEOUT_MS = 3500;

export function kafkaConfig(address: string, env: Record<string, string> = {}): KafkaConfig {
  return loadConfig({
    service: 'test',
    schema: kafkaSettings,
    env: { KAFKA_BROKERS: address, KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS), ...env },
    knownVariables: [],
  });
}

function mustNotFail(error: Error): void {
  throw error;
}

export async function startProducer(
  kafka: KafkaConfig,
  overrides: Partial<ProducerOptions> = {},
): Promise<{ producer: EventProducer; seen: Observed }> {
  const seen = observed();
  const { log, metrics } = seen;
  const producer = EventProducer.start({
    kafka,
    clientId: 'test',
    log,
    metrics,
    messageTimeoutMs: 5000,
    onFatal: mustNotFail,
    ...overrides,
  });
  while (producer.brokerSilenceMs() === Infinity) await delay(5);
  return { producer, seen };
}

export interface TestConsumer {
  readonly consumer: BatchConsumer;
  readonly health: Health;
  readonly seen: Observed;
}

export async function startConsumer(
  kafka: KafkaConfig,
  options: Pick<ConsumerOptions, 'topic' | 'groupId' | 'handle'> & Partial<ConsumerOptions>,
): Promise<TestConsumer> {
  const seen = observed();
  const health = new Health();
  health.started();
  const { log, metrics } = seen;
  const consumer = await BatchConsumer.start({
    kafka,
    batchMaxMessages: 10,
    maxBatchesInFlight: 4,
    lingerMs: 5,
    log,
    metrics,
    health,
    fail: mustNotFail,
    ...options,
  });
  return { consumer, health, seen };
}

/** A sink that keeps every report by its token. */
export class Reports implements DeliverySink {
  readonly byToken = new Map<number, string | null>();
  repeated = 0;

  delivered(token: number, error: string | null): void {
    if (this.byToken.has(token)) this.repeated++;
    this.byToken.set(token, error);
  }
}

/** Committed offsets of a group per partition; null: none. */
export async function committedOffsets(kafka: KafkaConfig, topic: string, groupId: string): Promise<(number | null)[]> {
  const reader = new GroupOffsets({ topic, groupId, kafka, log: observed().log });
  try {
    for (;;) {
      const offsets = await reader.read(PARTITIONS);
      if (offsets !== null) return offsets.map((at) => at.committedOffset);
    }
  } finally {
    await reader.close();
  }
}

/** Commits for a group from outside of it, as an operator would. */
export async function commitAs(
  kafka: KafkaConfig,
  groupId: string,
  offsets: { topic: string; partition: number; offset: number }[],
): Promise<void> {
  const client = new KafkaConsumer({ 'metadata.broker.list': kafka.brokers, 'group.id': groupId, 'enable.auto.commit': false }, {});
  await connected(client);
  client.commitSync(offsets);
  await disconnected(client);
}

/** Reads a topic from its start, without a group to join, until `count` messages are there. */
export async function readTopic(kafka: KafkaConfig, topic: string, count: number): Promise<ConsumedMessage[]> {
  const client = new KafkaConsumer(
    { 'metadata.broker.list': kafka.brokers, 'group.id': 'reader', 'enable.auto.commit': false },
    { 'auto.offset.reset': 'earliest' },
  );
  await connected(client);
  client.setDefaultConsumeTimeout(100);
  client.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, offset: 0 })));
  const messages: ConsumedMessage[] = [];
  while (messages.length < count) {
    const read = await new Promise<unknown[]>((resolve, reject) => {
      client.consume(count - messages.length, (error, more) => (error ? reject(new Error(error.message)) : resolve(more)));
    });
    messages.push(...(read as ConsumedMessage[]));
  }
  await disconnected(client);
  return messages;
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function connected(client: Rdkafka.KafkaConsumer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.connect({ timeout: 5000, allTopics: true }, (error) => (error ? reject(new Error(error.message)) : resolve()));
  });
}

function disconnected(client: Rdkafka.KafkaConsumer): Promise<void> {
  return new Promise((resolve) => client.disconnect(() => resolve()));
}
