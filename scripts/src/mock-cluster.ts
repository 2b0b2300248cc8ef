import { loadRdkafka } from '@helios/runtime/kafka/client';
import type { Metadata, Producer } from 'node-rdkafka';

/**
 * librdkafka's own mock cluster, the embedded default's broker: one broker on 127.0.0.1 at a port that the kernel chooses, 4 partitions a
 * topic, about 5 MiB kept a partition, everything in the memory of the client that holds it. For trying out, developing and tests.
 */

/** The mock cluster's partitions per topic; it has no setting for them. */
export const MOCK_PARTITIONS = 4;
const CONNECT_TIMEOUT_MS = 10_000;

export interface MockCluster {
  /** `host:port`, for KAFKA_BROKERS. */
  readonly bootstrap: string;
  close(): Promise<void>;
}

/**
 * Starts a cluster and creates its topics.
 * @param roundTripMs delay that the broker adds to every answer.
 * @throws Error when the cluster does not come up or a topic does not get its partitions.
 */
export async function startMockCluster(topics: readonly string[], roundTripMs: number): Promise<MockCluster> {
  const properties = {
    'client.id': 'helios-broker',
    'test.mock.num.brokers': 1,
    'test.mock.broker.rtt': roundTripMs,
    'enable.metrics.push': false,
    log_level: 3,
  };
  const client = new (loadRdkafka().Producer)(properties, {});
  client.on('event.error', (error) => process.stderr.write(`broker: ${error.message}\n`));
  const timeoutMs = CONNECT_TIMEOUT_MS + 10 * roundTripMs;
  const metadata = await connected(client, timeoutMs);
  const broker = metadata.brokers[0];
  if (broker === undefined) throw new Error('the mock cluster has no broker');
  for (const topic of topics) await createTopic(client, topic, timeoutMs);
  return {
    bootstrap: `${broker.host}:${broker.port}`,
    close: () => new Promise((resolve) => client.disconnect(1000, () => resolve())),
  };
}

function connected(client: Producer, timeoutMs: number): Promise<Metadata> {
  return new Promise((resolve, reject) => {
    client.connect({ allTopics: true, timeout: timeoutMs }, (error, metadata) => {
      if (error) reject(new Error(`the mock cluster did not start: ${error.message}`));
      else resolve(metadata);
    });
  });
}

/** The cluster creates a topic when a producer asks for its metadata; it is there once all of its partitions have a leader. */
async function createTopic(client: Producer, topic: string, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const partitions = await new Promise<number>((resolve, reject) => {
      client.getMetadata({ topic, timeout: timeoutMs }, (error, metadata) => {
        if (error) return reject(new Error(`topic ${topic} could not be created: ${error.message}`));
        const found = metadata.topics.find((candidate) => candidate.name === topic);
        resolve(found === undefined ? 0 : found.partitions.filter((partition) => partition.leader >= 0).length);
      });
    });
    if (partitions === MOCK_PARTITIONS) return;
    if (performance.now() > deadlineMs) throw new Error(`topic ${topic} has ${partitions} of ${MOCK_PARTITIONS} partitions`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
