import { headerNames, topicDefaults } from '@helios/proto/topics';
import { loadConfig } from '@helios/runtime/config';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { connectionProperties, loadRdkafka } from '@helios/runtime/kafka/client';
import { kafkaSettings } from '@helios/runtime/settings';
import type { KafkaConsumer, Message } from 'node-rdkafka';
import type { FoundLetter } from './accounting.js';

/** Reads every dead letter there is, from all partitions, without joining a group. */

const TIMEOUT_MS = 10_000;

/**
 * @param env KAFKA_BROKERS and whatever else it takes to reach Kafka.
 * @returns the letters; those whose slot cannot be told (a message that is no event) stand under the slot id `?`.
 * @throws Error when the broker does not answer.
 */
export async function readDeadLetters(env: Readonly<Record<string, string | undefined>>): Promise<FoundLetter[]> {
  const kafka = loadConfig({ service: 'replay', schema: kafkaSettings, env, knownVariables });
  const properties = {
    ...connectionProperties(kafka, 'helios-replay'),
    'group.id': 'helios-replay',
    'enable.auto.commit': false,
    'fetch.wait.max.ms': 10,
  };
  const consumer = new (loadRdkafka().KafkaConsumer)(properties, { 'auto.offset.reset': 'earliest' });
  consumer.on('event.error', () => {}); // what matters comes back through the calls
  try {
    const partitions = await partitionsOf(consumer, kafka.deadLettersTopic);
    const ends = await Promise.all(partitions.map((partition) => watermarks(consumer, kafka.deadLettersTopic, partition)));
    const left = new Map(ends.filter((end) => end.high > end.low).map((end) => [end.partition, end.high]));
    consumer.assign(
      ends.filter((end) => end.high > end.low).map((end) => ({ topic: kafka.deadLettersTopic, partition: end.partition, offset: end.low })),
    );
    const letters: FoundLetter[] = [];
    const deadlineMonoMs = performance.now() + TIMEOUT_MS + ends.length * 1000;
    consumer.setDefaultConsumeTimeout(200);
    while (left.size > 0) {
      for (const message of await consume(consumer)) {
        const end = left.get(message.partition);
        if (end === undefined || message.offset >= end) continue; // written after the reading began
        letters.push(letterOf(message, kafka.bidRequestsTopic));
        if (message.offset === end - 1) left.delete(message.partition);
      }
      if (performance.now() > deadlineMonoMs) throw new Error(`dead letters of ${left.size} partition(s) could not be read in time`);
    }
    return letters;
  } finally {
    await new Promise<void>((resolve) => consumer.disconnect(() => resolve()));
  }
}

/** A letter from the topic of bid requests stands for all slots of its request; a later one for the slot that its event names. */
function letterOf(message: Message, bidRequestsTopic: string): FoundLetter {
  const header = (name: string) => {
    const entry = message.headers?.find((candidate) => name in candidate);
    return entry === undefined ? '' : String(entry[name]);
  };
  const sourceTopic = header(headerNames.sourceTopic) || topicDefaults.KAFKA_TOPIC_BID_REQUESTS;
  return {
    sourceTopic,
    sourcePartition: Number(header(headerNames.sourcePartition)),
    sourceOffset: Number(header(headerNames.sourceOffset)),
    requestId: message.key?.toString() ?? '',
    slotId: sourceTopic === bidRequestsTopic ? null : slotOf(message.value),
  };
}

function slotOf(value: Buffer | null): string {
  try {
    const slot = (JSON.parse(String(value)) as { slot_id?: unknown } | null)?.slot_id;
    return typeof slot === 'string' && slot !== '' ? slot : '?';
  } catch {
    return '?'; // not even JSON: that may be why it is here
  }
}

function partitionsOf(consumer: KafkaConsumer, topic: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    consumer.connect({ topic, allTopics: false, timeout: TIMEOUT_MS }, (error, metadata) => {
      if (error) return reject(new Error(`Kafka does not answer: ${error.message}`));
      resolve(metadata.topics.find((candidate) => candidate.name === topic)?.partitions.map((partition) => partition.id) ?? []);
    });
  });
}

function watermarks(consumer: KafkaConsumer, topic: string, partition: number): Promise<{ partition: number; low: number; high: number }> {
  return new Promise((resolve, reject) => {
    consumer.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, (error, offsets) => {
      if (error) reject(new Error(`Kafka does not answer: ${error.message}`));
      else resolve({ partition, low: offsets.lowOffset, high: offsets.highOffset });
    });
  });
}

function consume(consumer: KafkaConsumer): Promise<Message[]> {
  return new Promise((resolve, reject) => {
    consumer.consume(500, (error, messages) => {
      if (error) reject(new Error(`dead letters could not be read: ${error.message}`));
      else resolve(messages);
    });
  });
}
