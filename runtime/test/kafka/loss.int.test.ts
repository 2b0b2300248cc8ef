import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConsumedMessage } from '../../src/kafka/consumer.js';
import { partitionFor } from '../../src/kafka/partitioner.js';
import { until } from '../observed.js';
import { type MockBroker, startMockBroker } from './mock-broker.js';
import { commitAs, kafkaConfig, PARTITIONS, startConsumer, startProducer } from './testbed.js';

/** The mock broker drops the oldest events of a partition past 5 MiB: events of 100 KiB, 7 MiB of them. */
const EVENTS = 70;
const EVENT_BYTES = 100 * 1024;
const COMMITTED_OFFSET = 3;

let broker: MockBroker;

beforeAll(async () => {
  broker = await startMockBroker(['dropping']);
});

afterAll(() => broker.close());

test('events that the broker dropped before they were read are counted, logged, and make the service unready', async () => {
  const kafka = kafkaConfig(broker.address);
  const { producer } = await startProducer(kafka);
  const partition = partitionFor('one-key', PARTITIONS);
  const send = (number: number, value: Buffer) => producer.send('dropping', 'one-key', value, [{ number: String(number) }]);
  for (let number = 0; number < COMMITTED_OFFSET; number++) await send(number, Buffer.from('small'));
  await commitAs(kafka, 'dropping', [{ topic: 'dropping', partition, offset: COMMITTED_OFFSET }]);
  for (let number = COMMITTED_OFFSET; number < EVENTS; number++) await send(number, randomBytes(EVENT_BYTES));
  await producer.close(5000);

  const messages: ConsumedMessage[] = [];
  const { consumer, health, seen } = await startConsumer(kafka, {
    topic: 'dropping',
    groupId: 'dropping',
    handle: async (batch) => void messages.push(...batch),
  });
  await until(() => messages.at(-1)?.offset === EVENTS - 1);
  const first = messages[0]?.offset ?? Number.NaN;
  const lost = first - COMMITTED_OFFSET;
  expect(lost).toBeGreaterThan(0);
  expect(messages.map((message) => message.offset)).toEqual(Array.from({ length: EVENTS - first }, (_, index) => first + index));
  expect(await seen.metric('helios_events_lost_total')).toBe(lost);
  expect(seen.logged).toContainEqual(
    expect.objectContaining({ level: 50, code: 'EVENTS_LOST', topic: 'dropping', partition, offset: first, lost }),
  );
  // Joining the group clears that reason; the loss stays.
  await until(() => health.reasons.length === 1);
  expect(health.reasons).toEqual([`events: ${lost} events of dropping were lost in the broker`]);
  await consumer.stop();
  expect(health.ready).toBe(false);
});
