import { connectionProperties, type KafkaConfig, loadRdkafka } from '@helios/runtime/kafka/client';
import { connectClient } from '@helios/runtime/kafka/connect';
import type { KafkaConsumer, Message } from 'node-rdkafka';
import type { TopicRecord } from './letter.js';

/**
 * Reads spans of topics without joining a group, one partition after the other, as fast as its reader takes them: letters can be 1 MB each, and
 * what is done with one may take a round trip. `../topic-reader.ts` is for whole topics that fit into memory.
 */

/** What a partition holds: offsets from `low` up to, not including, `high`. */
export interface Span {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

const CONNECT_TIMEOUT_MS = 5000;
const QUERY_TIMEOUT_MS = 10_000;
const SILENCE_MAX_MS = 15_000;
/** A record may have 1 MB: this many are held at once. */
const RECORDS_AT_ONCE = 32;
const PREFETCH_MAX_KBYTES = 8192;

export class SpanReader {
  readonly #client: KafkaConsumer;
  readonly #partitionEnds = new Map<number, number>();

  /** @throws Error with a sentence when no broker answers. */
  static async connect(kafka: KafkaConfig): Promise<SpanReader> {
    const client = new (loadRdkafka().KafkaConsumer)(
      {
        ...connectionProperties(kafka, 'helios-dead-letters'),
        'group.id': 'helios-dead-letters',
        'enable.auto.commit': false,
        'enable.partition.eof': true,
        'fetch.wait.max.ms': 10,
        'queued.max.messages.kbytes': PREFETCH_MAX_KBYTES,
      },
      { 'auto.offset.reset': 'earliest' },
    );
    client.on('event.error', () => {}); // what matters comes back through the calls
    client.setDefaultConsumeTimeout(50);
    const fault = await connectClient(client, CONNECT_TIMEOUT_MS);
    if (fault !== null) throw new Error(`Kafka does not answer at ${kafka.brokers}: ${fault.replace(/\.$/, '')}.`);
    return new SpanReader(client);
  }

  private constructor(client: KafkaConsumer) {
    this.#client = client;
    client.on('partition.eof', (end) => this.#partitionEnds.set(end.partition, end.offset));
  }

  /** What every partition of the topic holds at the moment, in the order of partitions; empty when there is no such topic. */
  async spans(topic: string): Promise<Span[]> {
    const partitions = await new Promise<number[]>((resolve, reject) => {
      this.#client.getMetadata({ allTopics: true, timeout: QUERY_TIMEOUT_MS }, (error, metadata) => {
        if (error) return reject(new Error(`Kafka does not answer: ${error.message}.`));
        resolve(metadata.topics.find((candidate) => candidate.name === topic)?.partitions.map((partition) => partition.id) ?? []);
      });
    });
    return Promise.all(partitions.toSorted((a, b) => a - b).map((partition) => this.#span(topic, partition)));
  }

  /**
   * The records of a partition from offset `from` up to, not including, `to`, as far as the broker still holds them.
   * One walk at a time a reader. @throws Error when the broker falls silent.
   */
  async *read(topic: string, partition: number, from: number, to: number): AsyncGenerator<TopicRecord> {
    if (from >= to) return;
    this.#partitionEnds.delete(partition);
    this.#client.assign([{ topic, partition, offset: from }]);
    let heardMonoMs = performance.now();
    try {
      for (;;) {
        const messages = await this.#consume(topic);
        for (const message of messages) {
          if (message.topic !== topic || message.partition !== partition || message.offset < from) continue; // of a walk before
          if (message.offset >= to) return;
          yield message as TopicRecord;
          if (message.offset === to - 1) return;
        }
        if (messages.length > 0) heardMonoMs = performance.now();
        // The last offsets of a log need not be records: what a transaction leaves behind takes one too.
        if ((this.#partitionEnds.get(partition) ?? -1) >= to) return;
        if (performance.now() - heardMonoMs > SILENCE_MAX_MS)
          throw new Error(`Kafka stopped answering in the middle of ${topic}, partition ${partition}.`);
      }
    } finally {
      this.#client.unassign();
    }
  }

  /** One record, or null when the topic does not hold it, or not any more. */
  async recordAt(topic: string, partition: number, offset: number): Promise<TopicRecord | null> {
    const span = (await this.spans(topic)).find((candidate) => candidate.partition === partition);
    if (span === undefined || offset < span.low || offset >= span.high) return null;
    for await (const record of this.read(topic, partition, offset, offset + 1)) if (record.offset === offset) return record;
    return null;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#client.disconnect(() => resolve()));
  }

  #span(topic: string, partition: number): Promise<Span> {
    return new Promise((resolve, reject) => {
      this.#client.queryWatermarkOffsets(topic, partition, QUERY_TIMEOUT_MS, (error, offsets) => {
        if (error) reject(new Error(`Kafka does not answer for ${topic}, partition ${partition}: ${error.message}.`));
        else resolve({ partition, low: offsets.lowOffset, high: offsets.highOffset });
      });
    });
  }

  #consume(topic: string): Promise<Message[]> {
    return new Promise((resolve, reject) => {
      this.#client.consume(RECORDS_AT_ONCE, (error, messages) => {
        if (error) reject(new Error(`${topic} could not be read: ${error.message}.`));
        else resolve(messages);
      });
    });
  }
}
