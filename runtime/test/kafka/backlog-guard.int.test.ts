import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { partitionFor } from '../../src/kafka/partitioner.js';
import { until } from '../observed.js';
import { type MockBroker, startMockBroker } from './mock-broker.js';
import { commitAs, kafkaConfig, PARTITIONS, Reports, startProducer } from './testbed.js';

const BACKLOG_MAX_BYTES = 4 * 1024 * 1024;
const VALUE_BYTES = 16 * 1024;

let broker: MockBroker;

beforeAll(async () => {
  broker = await startMockBroker(['guarded', 'free']);
});

afterAll(() => broker.close());

test('a guarded topic takes no more than its bound while nobody reads, and again once its readers have committed', async () => {
  const kafka = kafkaConfig(broker.address, { KAFKA_BACKLOG_MAX_BYTES: String(BACKLOG_MAX_BYTES) });
  const { producer, seen } = await startProducer(kafka, { guarded: { topic: 'guarded', groupId: 'readers' } });
  const reports = new Reports();
  const value = randomBytes(VALUE_BYTES);
  const partition = partitionFor('req-1', PARTITIONS);
  // Until the guard has seen the reading group for the first time it lets nothing through.
  await until(() => producer.hasRoom());

  let accepted = 0;
  await until(async () => {
    while (producer.produce('guarded', 'req-1', value, undefined, reports, accepted) === null) accepted++;
    return (await seen.metric('helios_kafka_refusals_total{reason="backlog_full"}')) > 0;
  });
  await until(() => reports.byToken.size === accepted);
  expect([...reports.byToken.values()].every((error) => error === null)).toBe(true);
  expect(accepted * VALUE_BYTES).toBeLessThan(BACKLOG_MAX_BYTES);
  expect(accepted * VALUE_BYTES).toBeGreaterThan(BACKLOG_MAX_BYTES * 0.9);
  expect(producer.hasRoom()).toBe(false);
  expect(await seen.metric('helios_kafka_backlog_bytes')).toBeGreaterThan(BACKLOG_MAX_BYTES * 0.9);

  // Stored and reported events stay in the backlog: only the readers' progress makes room.
  expect(producer.produce('guarded', 'req-1', value, undefined, reports, accepted)).toBe('backlog_full');
  // Topics without a guard are not held back by it.
  await producer.send('free', 'req-1', value);

  await commitAs(kafka, 'readers', [{ topic: 'guarded', partition, offset: accepted }]);
  await until(() => producer.hasRoom());
  expect(producer.produce('guarded', 'req-1', value, undefined, reports, accepted)).toBeNull();
  await producer.close(5000);
  expect(reports.byToken.get(accepted)).toBeNull();
});

test('another producer sees a backlog that is not its own', async () => {
  const kafka = kafkaConfig(broker.address, { KAFKA_BACKLOG_MAX_BYTES: '65536' });
  const { producer: other } = await startProducer(kafka);
  for (let index = 0; index < 100; index++) await other.send('free', 'req-1', randomBytes(100));
  await other.close(5000);
  const { producer } = await startProducer(kafka, { guarded: { topic: 'free', groupId: 'nobody' } });
  await until(async () => producer.produce('free', 'req-1', Buffer.from('x'), undefined, new Reports(), 0) === 'backlog_full');
  expect(producer.hasRoom()).toBe(false);
  await producer.close(5000);
});
