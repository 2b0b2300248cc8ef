import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { headerText } from '../../src/kafka/headers.js';
import type { EventProducer } from '../../src/kafka/producer.js';
import { partitionFor } from '../../src/kafka/partitioner.js';
import { type Observed, until } from '../observed.js';
import { type MockBroker, startMockBroker } from './mock-broker.js';
import { kafkaConfig, PARTITIONS, readTopic, Reports, startProducer } from './testbed.js';

let broker: MockBroker;

beforeAll(async () => {
  broker = await startMockBroker(['round-trip', 'keyed', 'closing', 'left-to-librdkafka']);
});

afterAll(() => broker.close());

/** Keys in several scripts, as a Buffer and as text by turns. */
function keyAt(index: number): string | Buffer {
  const text = ['req-', 'größe-', '要求-', '🙂-'][index % 4] + String(index);
  return index % 8 < 4 ? text : Buffer.from(text);
}

describe('an event', () => {
  test('is reported as delivered once and arrives with its key, its bytes and its headers', async () => {
    const kafka = kafkaConfig(broker.address);
    const { producer, seen } = await startProducer(kafka);
    const reports = new Reports();
    const value = Buffer.from([0, 1, 2, 255, 254, 0]);
    const headers = [{ 'helios-accepted-at': '1760000000000' }, { traceparent: '00-aa-bb-01' }];
    expect(producer.produce('round-trip', 'req-1', value, headers, reports, 7)).toBeNull();
    expect(reports.byToken.size).toBe(0);
    expect(producer.inFlight).toBe(1);
    // The value was copied: what the caller does with its memory afterwards changes nothing.
    value.fill(9);
    await until(() => reports.byToken.size > 0);
    expect([...reports.byToken]).toEqual([[7, null]]);
    expect(producer.inFlight).toBe(0);
    await producer.send('round-trip', null, Buffer.from('second'));

    const [first, second] = (await readTopic(kafka, 'round-trip', 2)).sort((a, b) => (a.key === null ? 1 : 0) - (b.key === null ? 1 : 0));
    expect(first?.value).toEqual(Buffer.from([0, 1, 2, 255, 254, 0]));
    expect(first?.key?.toString()).toBe('req-1');
    expect(first && headerText(first, 'helios-accepted-at')).toBe('1760000000000');
    expect(first && headerText(first, 'traceparent')).toBe('00-aa-bb-01');
    expect(first && headerText(first, 'absent')).toBeUndefined();
    expect(second?.value?.toString()).toBe('second');
    expect(await seen.metric('helios_kafka_deliveries_total{result="acknowledged"}')).toBe(2);
    await producer.close(5000);
    expect(reports.repeated).toBe(0);
  });

  test('goes to the partition that Java clients and librdkafka choose for its key', async () => {
    const kafka = kafkaConfig(broker.address);
    const { producer } = await startProducer(kafka);
    const events = Array.from({ length: 200 }, (_, index) => ({
      key: keyAt(index),
      value: Buffer.from(String(index)),
      headers: undefined,
    }));
    await producer.sendAll('keyed', events, new AbortController().signal);
    await producer.close(5000);
    const messages = await readTopic(kafka, 'keyed', events.length);
    const partitions = new Set<number>();
    for (const message of messages) {
      partitions.add(message.partition);
      expect(message.partition).toBe(partitionFor(message.key ?? '', PARTITIONS));
    }
    expect(partitions.size).toBe(PARTITIONS);
    expect(new Set(messages.map((message) => message.value?.toString())).size).toBe(events.length);
  });

  test('with a key lands where librdkafka’s own murmur2 partitioner puts it', async () => {
    const kafka = kafkaConfig(broker.address);
    const byLibrdkafka = await partitionsChosenByLibrdkafka(broker.address, 'left-to-librdkafka', 100);
    expect(byLibrdkafka).toEqual(Array.from({ length: 100 }, (_, index) => partitionFor(keyAt(index), PARTITIONS)));
    expect(new Set(byLibrdkafka).size).toBe(PARTITIONS);
    expect((await readTopic(kafka, 'left-to-librdkafka', 100)).length).toBe(100);
  });
});

async function partitionsChosenByLibrdkafka(address: string, topic: string, count: number): Promise<number[]> {
  const { Producer } = await import('node-rdkafka');
  const client = new Producer({ 'metadata.broker.list': address, dr_cb: true }, { partitioner: 'murmur2_random' });
  await new Promise<void>((resolve, reject) => {
    client.connect({ timeout: 5000, topic }, (error) => (error ? reject(new Error(error.message)) : resolve()));
  });
  const partitions: number[] = [];
  let reported = 0;
  client.on('delivery-report', (_error, report) => {
    partitions[report.opaque as number] = report.partition;
    reported++;
  });
  for (let index = 0; index < count; index++) client.produce(topic, null, Buffer.from('x'), keyAt(index), undefined, index);
  await until(() => {
    client.poll();
    return reported === count;
  });
  await new Promise<void>((resolve) => client.disconnect(() => resolve()));
  return partitions;
}

describe('closing', () => {
  test('with thousands of events in flight loses no delivery report', async () => {
    const { producer } = await startProducer(kafkaConfig(broker.address));
    const reports = new Reports();
    for (let token = 0; token < 5000; token++) {
      expect(producer.produce('closing', `req-${token}`, Buffer.from('x'), undefined, reports, token)).toBeNull();
    }
    await producer.close(10_000);
    expect(reports.byToken.size).toBe(5000);
    expect([...reports.byToken.values()].every((error) => error === null)).toBe(true);
    expect(reports.repeated).toBe(0);
    expect(producer.inFlight).toBe(0);
    expect(producer.produce('closing', null, Buffer.from('x'), undefined, reports, 1)).toBe('not_connected');
    await producer.close(1000);
  });
});

test('with a round trip of 500 ms no acknowledgement comes sooner', async () => {
  const slow = await startMockBroker(['slow'], { rttMs: 500 });
  const { producer } = await startProducer(kafkaConfig(slow.address), { messageTimeoutMs: 10_000 });
  const startedMonoMs = performance.now();
  await producer.send('slow', 'req-1', Buffer.from('x'));
  // A millisecond of grace: the broker counts in whole ones.
  expect(performance.now() - startedMonoMs).toBeGreaterThanOrEqual(499);
  await producer.close(5000);
  await slow.close();
});

describe('without a broker', () => {
  let producer: EventProducer;
  let seen: Observed;

  beforeAll(async () => {
    const doomed = await startMockBroker(['doomed']);
    const started = await startProducer(kafkaConfig(doomed.address, { KAFKA_QUEUE_MAX_MESSAGES: '100' }), { messageTimeoutMs: 1000 });
    ({ producer, seen } = started);
    await producer.send('doomed', 'req-1', Buffer.from('x'));
    await doomed.close();
  });

  afterAll(() => producer.close(100));

  test('an event is reported as failed within the message timeout', async () => {
    const reports = new Reports();
    const startedMonoMs = performance.now();
    expect(producer.produce('doomed', 'req-2', Buffer.from('x'), undefined, reports, 1)).toBeNull();
    await until(() => reports.byToken.size === 1);
    expect(reports.byToken.get(1)).toMatch(/timed out/);
    // librdkafka looks for messages past their time once a second.
    expect(performance.now() - startedMonoMs).toBeLessThan(5000);
    expect(await seen.metric('helios_kafka_deliveries_total{result="failed"}')).toBeGreaterThanOrEqual(1);
  });

  test('sending rejects, and does not go on for ever', async () => {
    const gaveUp = AbortSignal.abort();
    await Promise.all([
      expect(producer.send('doomed', 'req-3', Buffer.from('x'))).rejects.toMatchObject({ code: 'DELIVERY_FAILED' }),
      expect(producer.sendAll('doomed', [{ key: 'req-4', value: Buffer.from('x'), headers: undefined }], gaveUp)).rejects.toMatchObject({
        code: 'DELIVERY_FAILED',
      }),
    ]);
  });

  test('the queue is bounded: one event more is refused, and each queued one gets its report', async () => {
    const reports = new Reports();
    for (let token = 0; token < 100; token++) {
      expect(producer.produce('doomed', `req-${token}`, Buffer.from('x'), undefined, reports, token)).toBeNull();
    }
    expect(producer.produce('doomed', 'one-more', Buffer.from('x'), undefined, reports, 100)).toBe('queue_full');
    expect(producer.hasRoom()).toBe(false);
    await until(() => producer.inFlight === 0);
    expect(reports.byToken.size).toBe(100);
    expect([...reports.byToken.values()].every((error) => error !== null)).toBe(true);
    expect(await seen.metric('helios_kafka_refusals_total{reason="queue_full"}')).toBe(1);
  });

  test('the silence grows', async () => {
    const before = producer.brokerSilenceMs();
    await until(() => producer.brokerSilenceMs() > before + 100);
  });
});
