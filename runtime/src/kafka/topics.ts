import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { IAdminClient, LibrdKafkaError, Metadata, NewTopic, Producer } from 'node-rdkafka';
import { HeliosError } from '../errors.js';
import { connectionProperties, type KafkaConfig, loadRdkafka } from './client.js';
import { connectClient } from './connect.js';

/** Creates topics explicitly, with what they must promise, and tells how those differ that exist already. */

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** Copies of each partition. */
  readonly replication: number;
  /** The topic's own settings, as Kafka names them. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface TopicOutcome {
  readonly topic: string;
  readonly created: boolean;
  /** Of the topic as it stands now. */
  readonly partitions: number;
  readonly replication: number;
}

export interface CreateTopicsOptions {
  readonly kafka: KafkaConfig;
  readonly topics: readonly TopicSpec[];
  /** How long to wait for brokers, and for a leader of every partition. */
  readonly waitMs: number;
  readonly log: Logger;
}

/** The cluster will not have the topic as it is asked for, however long one waits. */
export class TopicRefused extends Error {}

const CALL_TIMEOUT_MS = 5000;
const CALL_TIMEOUT_MIN_MS = 500;
const RETRY_MS = 250;
const ALREADY_EXISTS = 36;
/** Kafka's answers that no waiting changes: invalid name, partitions, settings, request or policy; not authorized. */
const FINAL_CODES: readonly number[] = [17, 29, 31, 37, 40, 42, 44];

/**
 * Creates the topics that are absent and waits until every partition of all of them has a leader. Any number of processes may do so at once.
 * A topic that exists is left as it is. @returns one outcome a topic, in the order given.
 * @throws HeliosError BROKER_UNREACHABLE when the cluster does not get there within `waitMs`; TopicRefused when it says no.
 */
export async function createTopics(options: CreateTopicsOptions): Promise<TopicOutcome[]> {
  const deadlineMonoMs = performance.now() + options.waitMs;
  const properties = { ...connectionProperties(options.kafka, 'helios-topics'), 'statistics.interval.ms': 0 };
  const { AdminClient, Producer: ProducerClient } = loadRdkafka();
  const reader = new ProducerClient({ ...properties }, {});
  reader.on('event.error', (error) => options.log.debug({ err: error.message }, 'topic reader event'));
  // It would print its log.
  const admin = AdminClient.create({ ...properties, log_level: 0 });
  try {
    // First, because only this one knows why brokers refuse.
    await untilDone('the brokers to answer', deadlineMonoMs, options.log, (timeoutMs) => connect(reader, timeoutMs));
    const created: boolean[] = [];
    for (const spec of options.topics) {
      const what = `topic ${spec.topic} to be created`;
      created.push(await untilDone(what, deadlineMonoMs, options.log, (timeoutMs) => create(admin, spec, timeoutMs)));
    }
    const outcomes: TopicOutcome[] = [];
    for (const [index, { topic, partitions }] of options.topics.entries()) {
      const isNew = created[index] === true;
      const what = `every partition of ${topic} to have a leader`;
      const read = (timeoutMs: number) => led(reader, topic, isNew ? partitions : 1, timeoutMs);
      outcomes.push({ topic, created: isNew, ...(await untilDone(what, deadlineMonoMs, options.log, read)) });
    }
    return outcomes;
  } finally {
    admin.disconnect();
    await disconnect(reader);
  }
}

/** Repeats the attempt until it succeeds, is refused for good, or the deadline has passed. */
async function untilDone<T>(what: string, deadlineMonoMs: number, log: Logger, attempt: (timeoutMs: number) => Promise<T>): Promise<T> {
  let announced = false;
  for (;;) {
    try {
      const leftMs = Math.ceil(deadlineMonoMs - performance.now());
      return await attempt(Math.min(CALL_TIMEOUT_MS, Math.max(CALL_TIMEOUT_MIN_MS, leftMs)));
    } catch (error) {
      if (error instanceof TopicRefused) throw error;
      const why = (error as Error).message.replace(/\.$/, '');
      if (performance.now() + RETRY_MS > deadlineMonoMs) {
        const check = why.includes('Check KAFKA_') ? '' : ' Check KAFKA_BROKERS and the brokers.';
        throw new HeliosError('BROKER_UNREACHABLE', `Gave up waiting for ${what}: ${why}.${check}`, {}, error);
      }
      if (!announced) log.info({ for: what, err: why }, 'waiting for the cluster');
      announced = true;
      await sleep(RETRY_MS);
    }
  }
}

/** True: created; false: it was there. */
function create(admin: IAdminClient, spec: TopicSpec, timeoutMs: number): Promise<boolean> {
  const topic: NewTopic = {
    topic: spec.topic,
    num_partitions: spec.partitions,
    replication_factor: spec.replication,
    config: spec.settings,
  };
  return new Promise((resolve, reject) => {
    // The types promise an error; on success there is none.
    admin.createTopic(topic, timeoutMs, (error: LibrdKafkaError | undefined) => {
      if (!error) return resolve(true);
      if (error.code === ALREADY_EXISTS) return resolve(false);
      if (!FINAL_CODES.includes(error.code)) return reject(error);
      reject(new TopicRefused(`The cluster refuses topic ${spec.topic}: ${error.message.replace(/\.$/, '')}.`, { cause: error }));
    });
  });
}

async function connect(reader: Producer, timeoutMs: number): Promise<void> {
  const fault = await connectClient(reader, timeoutMs);
  if (fault !== null) throw new Error(fault);
}

/** The topic's partitions and copies, once each of at least `expected` partitions has a leader. */
async function led(
  reader: Producer,
  topic: string,
  expected: number,
  timeoutMs: number,
): Promise<{ partitions: number; replication: number }> {
  const metadata = await new Promise<Metadata>((resolve, reject) => {
    reader.getMetadata({ topic, timeout: timeoutMs }, (error, found) => (error ? reject(error) : resolve(found)));
  });
  const partitions = metadata.topics.find((candidate) => candidate.name === topic)?.partitions ?? [];
  const leaders = partitions.filter((partition) => partition.leader >= 0).length;
  if (leaders < expected || leaders < partitions.length) throw new Error(`${leaders} of ${Math.max(expected, partitions.length)} have one`);
  return { partitions: partitions.length, replication: Math.min(...partitions.map((partition) => partition.replicas.length)) };
}

function disconnect(reader: Producer): Promise<void> {
  return new Promise((resolve) => {
    if (!reader.isConnected()) return resolve();
    reader.disconnect(1, () => resolve());
  });
}
