import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConsumedMessage } from '../../src/kafka/consumer.js';
import { partitionFor } from '../../src/kafka/partitioner.js';
import { until } from '../observed.js';
import { type MockBroker, startMockBroker } from './mock-broker.js';
import { committedOffsets, kafkaConfig, PARTITIONS, startConsumer, startProducer } from './testbed.js';

const MESSAGES = 400;
const HANG_AFTER_BATCHES = 12;

let broker: MockBroker;

beforeAll(async () => {
  broker = await startMockBroker(['crashing']);
});

afterAll(() => broker.close());

test('a consumer killed between its batches leaves to the next one everything that it had not committed', async () => {
  const kafka = kafkaConfig(broker.address);
  const { producer } = await startProducer(kafka);
  const events = Array.from({ length: MESSAGES }, (_, index) => ({
    key: 'one-key',
    value: Buffer.from(String(index)),
    headers: undefined,
  }));
  await producer.sendAll('crashing', events, new AbortController().signal);
  await producer.close(5000);

  const options = { kafka, topic: 'crashing', groupId: 'crashing', hangAfter: HANG_AFTER_BATCHES, seed: 42 };
  const child = fork(fileURLToPath(new URL('crashing-consumer.mjs', import.meta.url)), [JSON.stringify(options)]);
  const done = new Set<number>();
  let batchesDone = 0;
  child.on('message', (numbers) => {
    batchesDone++;
    for (const number of numbers as number[]) done.add(number);
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const partition = partitionFor('one-key', PARTITIONS);
  const firstNotCommittable = () => {
    let offset = 0;
    while (done.has(offset)) offset++;
    return offset;
  };
  await until(() => batchesDone >= HANG_AFTER_BATCHES + 5);
  await until(async () => (await committedOffsets(kafka, 'crashing', 'crashing'))[partition] === firstNotCommittable());
  child.kill('SIGKILL');
  await gone;

  const committed = (await committedOffsets(kafka, 'crashing', 'crashing'))[partition] ?? 0;
  expect(committed).toBeGreaterThan(0);
  expect(committed).toBeLessThan(MESSAGES);
  // All below the committed offset was done; something above it was done too, and comes again.
  for (let offset = 0; offset < committed; offset++) expect(done.has(offset)).toBe(true);
  expect(Math.max(...done)).toBeGreaterThan(committed);

  const seenAgain: number[] = [];
  const { consumer, seen } = await startConsumer(kafka, {
    topic: 'crashing',
    groupId: 'crashing',
    handle: async (batch: readonly ConsumedMessage[]) => void seenAgain.push(...batch.map((message) => Number(message.value?.toString()))),
  });
  await until(() => seenAgain.includes(MESSAGES - 1));
  await consumer.stop();
  expect(seenAgain).toEqual(Array.from({ length: MESSAGES - committed }, (_, index) => committed + index));
  expect((await committedOffsets(kafka, 'crashing', 'crashing'))[partition]).toBe(MESSAGES);
  expect(await seen.metric('helios_events_lost_total')).toBe(0);
});
