import type { KafkaConsumer } from 'node-rdkafka';
import type { Logger } from 'pino';
import { connectionProperties, type KafkaConfig, loadRdkafka } from './client.js';
import { connectClient } from './connect.js';

/** Where a consumer group stands on one partition. `committedOffset` null: the group has committed nothing yet. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly committedOffset: number | null;
  readonly lowOffset: number;
  readonly highOffset: number;
}

const QUERY_TIMEOUT_MS = 2000;

/**
 * Reads how far a group has come on a topic without joining it: a consumer with the group's id that never subscribes may ask.
 * `read` returns null while the broker does not answer.
 */
export class GroupOffsets {
  readonly #topic: string;
  readonly #client: KafkaConsumer;
  readonly #log: Logger;
  #connected: Promise<boolean> | undefined;

  constructor(options: { topic: string; groupId: string; kafka: KafkaConfig; log: Logger }) {
    this.#topic = options.topic;
    this.#log = options.log;
    const properties = {
      ...connectionProperties(options.kafka, `${options.groupId}-offsets`),
      'group.id': options.groupId,
      'statistics.interval.ms': 0,
    };
    this.#client = new (loadRdkafka().KafkaConsumer)({ ...properties, 'enable.auto.commit': false }, {});
    this.#client.on('event.error', (error) => this.#log.debug({ err: error.message }, 'offset reader event'));
  }

  async read(partitionCount: number): Promise<PartitionOffsets[] | null> {
    this.#connected ??= this.#connect();
    if (!(await this.#connected)) {
      this.#connected = undefined;
      return null;
    }
    const partitions = Array.from({ length: partitionCount }, (_, partition) => ({ topic: this.#topic, partition }));
    try {
      const [committed, marks] = await Promise.all([
        this.#committed(partitions),
        Promise.all(partitions.map((at) => this.#watermarks(at.partition))),
      ]);
      return marks.map((mark, partition) => ({ partition, committedOffset: committed.get(partition) ?? null, ...mark }));
    } catch (error) {
      this.#log.debug({ err: (error as Error).message }, 'offsets could not be read');
      return null;
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#client.isConnected()) return resolve();
      const limit = setTimeout(resolve, 2000);
      this.#client.disconnect(() => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  async #connect(): Promise<boolean> {
    const fault = await connectClient(this.#client, QUERY_TIMEOUT_MS);
    if (fault !== null) this.#log.debug({ err: fault }, 'offset reader not connected');
    return fault === null;
  }

  #committed(partitions: { topic: string; partition: number }[]): Promise<Map<number, number>> {
    return new Promise((resolve, reject) => {
      this.#client.committed(partitions, QUERY_TIMEOUT_MS, (error, offsets) => {
        if (error) return reject(error);
        const committed = new Map<number, number>();
        for (const at of offsets) if (typeof at.offset === 'number' && at.offset >= 0) committed.set(at.partition, at.offset);
        resolve(committed);
      });
    });
  }

  #watermarks(partition: number): Promise<{ lowOffset: number; highOffset: number }> {
    return new Promise((resolve, reject) => {
      this.#client.queryWatermarkOffsets(this.#topic, partition, QUERY_TIMEOUT_MS, (error, offsets) => {
        if (error) reject(error);
        else resolve({ lowOffset: offsets.lowOffset, highOffset: offsets.highOffset });
      });
    });
  }
}
