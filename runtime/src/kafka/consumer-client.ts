import type { KafkaConsumer } from 'node-rdkafka';
import type { Logger } from 'pino';
import { connectionProperties, type KafkaConfig, loadRdkafka } from './client.js';

/** librdkafka's consumer as Helios configures it, with its callbacks as promises. */

export interface Assignment {
  readonly topic: string;
  readonly partition: number;
}

export interface ConsumerClientOptions {
  readonly kafka: KafkaConfig;
  readonly groupId: string;
  readonly log: Logger;
  /** `code` is librdkafka's: assign or revoke. The handler has to assign or unassign in the end, or the client never closes. */
  readonly onRebalance: (client: KafkaConsumer, code: number | undefined, assignment: Assignment[]) => void;
  /** `error` null: the offsets are committed. */
  readonly onCommit: (error: string | null, offsets: readonly { partition: number; offset: number }[]) => void;
  /** Once a second: librdkafka's word for where the client stands in its group; 'steady' when joined. */
  readonly onJoinState: (state: string) => void;
}

const QUERY_TIMEOUT_MS = 5000;
const DISCONNECT_LIMIT_MS = 3000;

export function createConsumerClient(options: ConsumerClientOptions): KafkaConsumer {
  const { kafka, groupId, log } = options;
  const client = new (loadRdkafka().KafkaConsumer)(
    {
      ...connectionProperties(kafka, `${groupId}-${process.pid}`),
      'group.id': groupId,
      'enable.auto.commit': false,
      'enable.auto.offset.store': false,
      'partition.assignment.strategy': 'cooperative-sticky',
      'session.timeout.ms': kafka.sessionTimeoutMs,
      // A member hears of a rebalance with its next heartbeat, and a cooperative one takes two rounds: this is how long a joiner waits.
      'heartbeat.interval.ms': Math.max(200, Math.floor(kafka.sessionTimeoutMs / 10)),
      'max.poll.interval.ms': Math.max(kafka.maxPollIntervalMs, kafka.sessionTimeoutMs),
      'fetch.min.bytes': kafka.fetchMinBytes,
      'fetch.wait.max.ms': kafka.fetchWaitMaxMs,
      'fetch.queue.backoff.ms': 10,
      'queued.max.messages.kbytes': 16_384,
      'queued.min.messages': 20_000,
      rebalance_cb: (error: { code: number } | undefined, assignment: Assignment[]) => options.onRebalance(client, error?.code, assignment),
      offset_commit_cb: (error: { message: string } | null | undefined, offsets: { partition: number; offset: number }[]) => {
        options.onCommit(error ? error.message : null, offsets);
      },
    },
    // Topic properties belong here: in the first argument librdkafka's binding drops them.
    { 'auto.offset.reset': 'earliest' },
  );
  client.on('event.error', (error) => log.debug({ err: error.message }, 'consumer event'));
  client.on('event.stats', (event: unknown) => {
    const stats = JSON.parse((event as { message: string }).message) as { cgrp?: { join_state: string } };
    options.onJoinState(stats.cgrp?.join_state ?? 'not joined');
  });
  // Whatever is there is taken at once; with a wait, librdkafka's binding would wait anew for every message of a batch.
  client.setDefaultConsumeTimeout(0);
  return client;
}

/** The group's committed offsets by partition, without those that have none; null when the broker did not say. */
export function committedOffsets(client: KafkaConsumer, assignment: Assignment[]): Promise<Map<number, number> | null> {
  return new Promise((resolve) => {
    client.committed(assignment, QUERY_TIMEOUT_MS, (error, offsets) => {
      if (error) return resolve(null);
      const committed = new Map<number, number>();
      for (const at of offsets) if (typeof at.offset === 'number' && at.offset >= 0) committed.set(at.partition, at.offset);
      resolve(committed);
    });
  });
}

/** Leaves the group and closes the client, within a limit. */
export function disconnect(client: KafkaConsumer): Promise<void> {
  return new Promise((resolve) => {
    if (!client.isConnected()) return resolve();
    const limit = setTimeout(resolve, DISCONNECT_LIMIT_MS);
    client.disconnect(() => {
      clearTimeout(limit);
      resolve();
    });
  });
}
