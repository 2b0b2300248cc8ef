import { createRequire } from 'node:module';
import type * as Rdkafka from 'node-rdkafka';

const { Producer } = createRequire(import.meta.url)('node-rdkafka') as typeof Rdkafka;

export interface MockBroker {
  readonly address: string;
  close(): Promise<void>;
}

/** librdkafka's mock cluster with the topics created: the same broker that `npm start` embeds. */
export async function startMockBroker(topics: readonly string[], options: { rttMs?: number } = {}): Promise<MockBroker> {
  const client = new Producer(
    {
      'metadata.broker.list': 'unused:1',
      'test.mock.num.brokers': 1,
      'allow.auto.create.topics': true,
      'test.mock.broker.rtt': options.rttMs ?? 0,
    } as never,
    {},
  );
  const brokers = await new Promise<{ host: string; port: number }[]>((resolve, reject) => {
    client.connect({ allTopics: true, timeout: 10_000 }, (error, metadata) =>
      error ? reject(new Error(error.message)) : resolve(metadata.brokers),
    );
  });
  for (const topic of topics) {
    await new Promise<void>((resolve, reject) => {
      client.getMetadata({ topic, timeout: 10_000 }, (error) => (error ? reject(new Error(error.message)) : resolve()));
    });
  }
  const address = brokers.map(({ host, port }) => `${host}:${port}`).join(',');
  return { address, close: () => new Promise((resolve) => client.disconnect(100, () => resolve())) };
}
