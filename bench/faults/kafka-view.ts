import { setTimeout as sleep } from 'node:timers/promises';
import type { Hop } from '@helios/scripts/drain';
import { kafkaConfigOf } from '@helios/scripts/topic-reader';
import { connectionProperties, loadRdkafka } from '@helios/runtime/kafka/client';
import { GroupOffsets } from '@helios/runtime/kafka/group-offsets';
import { createLogger } from '@helios/runtime/log';
import type { Metadata } from 'node-rdkafka';
import type { Stack } from './stack.js';

/** What rows look up in Kafka itself, around the proxies. */

const CALL_TIMEOUT_MS = 5000;
const RETRY_MS = 200;

/** The cluster as one broker describes it now. @throws Error when none answers. */
export async function clusterMetadata(stack: Stack): Promise<Metadata> {
  const properties = { ...connectionProperties(kafkaConfigOf(stack.kafkaEnv), 'helios-faults'), 'statistics.interval.ms': 0, log_level: 0 };
  const client = new (loadRdkafka().Producer)(properties, {});
  client.on('event.error', () => {}); // the call below says it too
  try {
    return await new Promise((resolve, reject) => {
      client.connect({ allTopics: true, timeout: CALL_TIMEOUT_MS }, (error, metadata) => (error ? reject(error) : resolve(metadata)));
    });
  } finally {
    await new Promise<void>((resolve) => (client.isConnected() ? client.disconnect(1, () => resolve()) : resolve()));
  }
}

/** The name of the process that leads a partition: `kafka-1`.. */
export async function leaderOf(stack: Stack, topic: string, partition: number): Promise<string> {
  const { topics } = await clusterMetadata(stack);
  const found = topics.find(({ name }) => name === topic)?.partitions.find(({ id }) => id === partition);
  if (found === undefined || found.leader < 1) throw new Error(`partition ${partition} of ${topic} has no leader`);
  return `kafka-${found.leader}`;
}

/** Waits until every copy of every partition is in sync again. @throws Error when they are not within the limit. */
export async function untilInSync(stack: Stack, limitMs: number): Promise<void> {
  const deadlineMonoMs = performance.now() + limitMs;
  for (;;) {
    const behind = await clusterMetadata(stack).then(
      ({ topics }) => topics.flatMap(({ partitions }) => partitions).filter(({ isrs, replicas }) => isrs.length < replicas.length).length,
      (error: Error) => error.message,
    );
    if (behind === 0) return;
    if (performance.now() > deadlineMonoMs) throw new Error(`not in sync after ${limitMs / 1000} s: ${behind} partitions`);
    await sleep(RETRY_MS);
  }
}

/** The committed offsets of a group by partition; partitions without one are left out. @throws Error when the broker does not say. */
export async function committedOffsets(stack: Stack, hop: Hop, partitions: number): Promise<Map<number, number>> {
  const reader = new GroupOffsets({ ...hop, kafka: kafkaConfigOf(stack.kafkaEnv), log: createLogger('faults', 'fatal') });
  try {
    const read = await reader.read(partitions);
    if (read === null) throw new Error(`the broker does not say how far group ${hop.groupId} is`);
    return committedOf(read);
  } finally {
    await reader.close();
  }
}

/** Looks at a group's committed offsets again and again: a commit that takes the group back is a late one of a member that had lost its partitions. */
export class CommitWatch {
  readonly fallen: string[] = [];
  readonly #reader: GroupOffsets;
  readonly #partitions: number;
  readonly #groupId: string;
  readonly #run: Promise<void>;
  #running = true;

  constructor(stack: Stack, hop: Hop, partitions: number) {
    this.#reader = new GroupOffsets({ ...hop, kafka: kafkaConfigOf(stack.kafkaEnv), log: createLogger('faults', 'fatal') });
    this.#partitions = partitions;
    this.#groupId = hop.groupId;
    this.#run = this.#watch();
  }

  /** @returns a sentence for each commit that took a partition back. */
  async stop(): Promise<string[]> {
    this.#running = false;
    await this.#run;
    await this.#reader.close();
    return this.fallen;
  }

  async #watch(): Promise<void> {
    let before = new Map<number, number>();
    while (this.#running) {
      const read = await this.#reader.read(this.#partitions);
      const now = read === null ? before : committedOf(read);
      for (const [partition, offset] of now) {
        const was = before.get(partition) ?? 0;
        if (offset < was) this.fallen.push(`group ${this.#groupId} went back from ${was} to ${offset} on partition ${partition}`);
      }
      before = now;
      await sleep(RETRY_MS / 4);
    }
  }
}

function committedOf(read: readonly { readonly partition: number; readonly committedOffset: number | null }[]): Map<number, number> {
  return new Map(read.flatMap(({ partition, committedOffset }) => (committedOffset === null ? [] : [[partition, committedOffset]])));
}

/**
 * Commits offsets for a group that has no members, as a tool would that resets it.
 * @throws Error when the broker refuses, which it does while the group has members.
 */
export async function commitFor(stack: Stack, hop: Hop, offsets: ReadonlyMap<number, number>): Promise<void> {
  const properties = connectionProperties(kafkaConfigOf(stack.kafkaEnv), 'helios-faults');
  const client = new (loadRdkafka().KafkaConsumer)(
    { ...properties, 'group.id': hop.groupId, 'enable.auto.commit': false, 'statistics.interval.ms': 0, log_level: 0 },
    {},
  );
  client.on('event.error', () => {}); // what matters comes back through the calls
  await new Promise<void>((resolve, reject) => {
    client.connect({ allTopics: true, timeout: CALL_TIMEOUT_MS }, (error) => (error ? reject(error) : resolve()));
  });
  try {
    client.commitSync([...offsets].map(([partition, offset]) => ({ topic: hop.topic, partition, offset })));
  } finally {
    await new Promise<void>((resolve) => client.disconnect(() => resolve()));
  }
}
