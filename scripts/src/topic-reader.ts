import { loadConfig } from '@helios/runtime/config';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { connectionProperties, type KafkaConfig, loadRdkafka } from '@helios/runtime/kafka/client';
import { connectClient } from '@helios/runtime/kafka/connect';
import { kafkaFaults, kafkaSettings } from '@helios/runtime/settings';
import type { KafkaConsumer, Message } from 'node-rdkafka';

/** Reads topics from given offsets to the ends that they have now, without joining a group: nothing in Kafka changes by it. */

const TIMEOUT_MS = 10_000;
/** No message, and no end of a partition, for so long: the broker does not give what it says it has. */
const STALL_MS = 15_000;
const FETCH_MESSAGES = 5000;
/** How long a fetch waits for one more message; the end of a partition interrupts nothing. */
const FETCH_WAIT_MS = 50;

/** First and next offset of a partition. */
export interface PartitionEnds {
  readonly partition: number;
  readonly lowOffset: number;
  readonly highOffset: number;
}

/** Messages that a start offset asks for and the broker no longer keeps. */
export interface Gone {
  readonly partition: number;
  readonly fromOffset: number;
  readonly lowOffset: number;
}

export interface ReadResult {
  readonly messages: number;
  readonly gone: readonly Gone[];
}

/** Where to begin, by partition; a partition that is not there begins at 0. */
export type StartOffsets = readonly number[];

/** The way to Kafka by the services' own variables (KAFKA_BROKERS and the rest). @throws HeliosError CONFIG_INVALID */
export function kafkaConfigOf(env: Readonly<Record<string, string | undefined>>): KafkaConfig {
  return loadConfig({ service: 'replay', schema: kafkaSettings, env, knownVariables, check: kafkaFaults });
}

/** One connection, one topic at a time. */
export class TopicReader {
  readonly kafka: KafkaConfig;
  readonly #consumer: KafkaConsumer;
  /** What `read` is to know of a partition whose end was reached. */
  #atEnd: (at: { topic: string; partition: number; offset: number }) => void = () => {};

  /** Connects. @throws Error when the broker does not answer. */
  static async open(kafka: KafkaConfig): Promise<TopicReader> {
    const reader = new TopicReader(kafka);
    await reader.#connect();
    return reader;
  }

  private constructor(kafka: KafkaConfig) {
    this.kafka = kafka;
    const properties = {
      ...connectionProperties(kafka, 'helios-topic-reader'),
      'group.id': 'helios-topic-reader',
      'statistics.interval.ms': 0,
      'enable.auto.commit': false,
      'enable.partition.eof': true,
      'fetch.wait.max.ms': 10,
      // librdkafka's own second of pause at a full queue would be most of the time that a long read takes.
      'fetch.queue.backoff.ms': 5,
      'queued.max.messages.kbytes': 32_768,
    };
    this.#consumer = new (loadRdkafka().KafkaConsumer)(properties, { 'auto.offset.reset': 'error' });
    this.#consumer.on('event.error', () => {}); // what matters comes back through the calls
    this.#consumer.on('partition.eof', (at) => this.#atEnd(at));
    this.#consumer.setDefaultConsumeTimeout(FETCH_WAIT_MS);
  }

  /** The partitions of a topic; none when there is no such topic. @throws Error when the broker does not answer. */
  partitionsOf(topic: string): Promise<number[]> {
    return new Promise((resolve, reject) => {
      this.#consumer.getMetadata({ topic, timeout: TIMEOUT_MS }, (error, metadata) => {
        if (error) return reject(unanswered(error));
        const partitions = metadata.topics.find((candidate) => candidate.name === topic)?.partitions ?? [];
        resolve(partitions.map((partition) => partition.id).toSorted((a, b) => a - b));
      });
    });
  }

  /** First and next offset of every partition of a topic. @throws Error when the broker does not answer. */
  async endsOf(topic: string): Promise<PartitionEnds[]> {
    const ends: PartitionEnds[] = [];
    for (const partition of await this.partitionsOf(topic)) {
      ends.push(
        await new Promise((resolve, reject) => {
          this.#consumer.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, (error, offsets) => {
            if (error) reject(unanswered(error));
            else resolve({ partition, lowOffset: offsets.lowOffset, highOffset: offsets.highOffset });
          });
        }),
      );
    }
    return ends;
  }

  /**
   * Gives every message between `from` and the present ends to `each`, partition by partition in order.
   * @param from null: whatever the broker keeps.
   * @returns how many there were, and where the broker no longer keeps what was asked for.
   * @throws Error when the broker stops giving messages that it says it has.
   */
  async read(topic: string, from: StartOffsets | null, each: (message: Message) => void): Promise<ReadResult> {
    const ends = await this.endsOf(topic);
    const gone: Gone[] = [];
    const left = new Map<number, number>();
    const assignment: { topic: string; partition: number; offset: number }[] = [];
    for (const { partition, lowOffset, highOffset } of ends) {
      const fromOffset = from === null ? lowOffset : (from[partition] ?? 0);
      if (fromOffset < lowOffset) gone.push({ partition, fromOffset, lowOffset });
      const offset = Math.max(fromOffset, lowOffset);
      if (offset >= highOffset) continue;
      left.set(partition, highOffset);
      assignment.push({ topic, partition, offset });
    }
    const messages = left.size === 0 ? 0 : await this.#readAssigned(topic, assignment, left, each);
    return { messages, gone };
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#consumer.isConnected()) return resolve();
      const limit = setTimeout(resolve, TIMEOUT_MS);
      this.#consumer.disconnect(() => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  /** `left`: the offset before which each partition is still to be read; a partition that is through is taken out. */
  async #readAssigned(
    topic: string,
    assignment: { topic: string; partition: number; offset: number }[],
    left: Map<number, number>,
    each: (message: Message) => void,
  ): Promise<number> {
    let count = 0;
    let lastMonoMs = performance.now();
    // The binding says that a partition's end was reached before it hands over the messages that it fetched on the way there.
    const reached = new Map<number, number>();
    this.#atEnd = (at) => {
      if (at.topic === topic) reached.set(at.partition, at.offset);
    };
    this.#consumer.assign(assignment);
    try {
      while (left.size > 0) {
        for (const message of await this.#fetch()) {
          const end = left.get(message.partition);
          if (message.topic !== topic || end === undefined) continue;
          lastMonoMs = performance.now();
          if (message.offset < end) {
            each(message);
            count++;
          }
          if (message.offset >= end - 1) left.delete(message.partition);
        }
        // Markers of transactions take offsets too: then the last offset is no message.
        for (const [partition, offset] of reached) if (offset >= (left.get(partition) ?? 0)) left.delete(partition);
        reached.clear();
        if (performance.now() - lastMonoMs > STALL_MS) {
          throw new Error(`${left.size} partition(s) of ${topic} could not be read to the end: nothing came for ${STALL_MS / 1000} s`);
        }
      }
    } finally {
      this.#atEnd = () => {};
      this.#consumer.unassign();
    }
    return count;
  }

  #fetch(): Promise<Message[]> {
    return new Promise((resolve, reject) => {
      this.#consumer.consume(FETCH_MESSAGES, (error, messages) => {
        if (error) reject(new Error(`a topic could not be read: ${error.message}`));
        else resolve(messages);
      });
    });
  }

  async #connect(): Promise<void> {
    const fault = await connectClient(this.#consumer, TIMEOUT_MS);
    if (fault !== null) throw unanswered({ message: fault });
  }
}

function unanswered(error: { message: string }): Error {
  return new Error(`Kafka does not answer: ${error.message}`);
}
