import { connect } from 'node:net';
import { loadRdkafka } from '@helios/runtime/kafka/client';
import type { Metadata } from 'node-rdkafka';
import { afterEach, expect, it } from 'vitest';
import { type HelperProcess, startHelper } from './helper-process.js';

let broker: HelperProcess | undefined;
afterEach(async () => {
  broker?.child.kill('SIGKILL');
  await broker?.exited;
});

/** Metadata of the whole cluster, and a producer that is connected to it. */
function connected(bootstrap: string) {
  const producer = new (loadRdkafka().Producer)({ 'metadata.broker.list': bootstrap, dr_cb: true, 'linger.ms': 0 }, {});
  const metadata = new Promise<Metadata>((resolve, reject) => {
    producer.connect({ allTopics: true, timeout: 10_000 }, (error, found) => (error ? reject(error) : resolve(found)));
  });
  return { producer, metadata };
}

it('has its four topics with four partitions each before it is ready, and takes events', async () => {
  broker = await startHelper('broker', []);
  const { producer, metadata } = connected(String(broker.ready['bootstrap']));
  const topics = (await metadata).topics.map((topic) => `${topic.name} ${topic.partitions.length}`);
  expect(topics.toSorted()).toEqual(['auction_outcomes 4', 'bid_requests 4', 'bid_responses 4', 'dead_letters 4']);
  producer.setPollInterval(5);
  const delivered = new Promise<unknown>((resolve) => producer.on('delivery-report', (error) => resolve(error)));
  producer.produce('bid_requests', 0, Buffer.from('{}'), 'key', undefined, 1);
  expect(await delivered).toBeNull();
  await new Promise<void>((resolve) => producer.disconnect(1000, () => resolve()));
});

it('answers no sooner than the round trip it is told to have', async () => {
  broker = await startHelper('broker', ['--rtt-ms', '300']);
  const { producer, metadata } = connected(String(broker.ready['bootstrap']));
  await metadata;
  producer.setPollInterval(5);
  const startedMonoMs = performance.now();
  const delivered = new Promise<void>((resolve) => producer.on('delivery-report', () => resolve()));
  producer.produce('bid_requests', 0, Buffer.from('{}'), 'key', undefined, 1);
  await delivered;
  // A lower bound: no load can make it fail. A little less than the round trip, for the clocks' grain.
  expect(performance.now() - startedMonoMs).toBeGreaterThan(290);
  await new Promise<void>((resolve) => producer.disconnect(1000, () => resolve()));
});

it('ends by itself, and frees its port, when the process that holds its standard input is gone', async () => {
  broker = await startHelper('broker', []);
  broker.child.stdin?.destroy();
  expect(await broker.exited).toBe(0);
  const [host = '', port = ''] = String(broker.ready['bootstrap']).split(':');
  const refused = await new Promise<string | undefined>((resolve) => {
    connect({ host, port: Number(port) }, () => resolve('connected')).on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  expect(refused).toBe('ECONNREFUSED');
});

it('refuses a round trip that is no number, with exit code 2', async () => {
  await expect(startHelper('broker', ['--rtt-ms', 'slow'])).rejects.toThrow(/exited with 2: broker: --rtt-ms is "slow"/);
});
