import { afterAll, beforeAll, describe, test } from 'vitest';
import type { ConsumedMessage } from '../../src/kafka/consumer.js';
import { headerText } from '../../src/kafka/headers.js';
import type { KafkaConfig } from '../../src/kafka/client.js';
import type { EventProducer } from '../../src/kafka/producer.js';
import { partitionFor } from '../../src/kafka/partitioner.js';
import { until } from '../observed.js';
import { type MockBroker, startMockBroker } from './mock-broker.js';
import { committedOffsets, delay, kafkaConfig, PARTITIONS, startConsumer, startProducer } from './testbed.js';

/**
 * One consumer per test, each with a topic and a group of its own. They run at the same time, because the mock broker lets the first
 * member of a group wait for three seconds.
 */

let broker: MockBroker;
let kafka: KafkaConfig;
let producer: EventProducer;

beforeAll(async () => {
  broker = await startMockBroker(['trip', 'reverse', 'failing', 'blocked', 'stopped', 'shared']);
  kafka = kafkaConfig(broker.address);
  ({ producer } = await startProducer(kafka));
});

afterAll(async () => {
  await producer.close(5000);
  await broker.close();
});

/** Sends `count` events whose values are their numbers; the key is one for all, or one for each. */
async function sendNumbers(topic: string, count: number, key?: string, from = 0): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => ({
    key: key ?? `req-${from + index}`,
    value: Buffer.from(String(from + index)),
    headers: [{ number: String(from + index) }],
  }));
  await producer.sendAll(topic, events, new AbortController().signal);
}

function numbersOf(messages: readonly ConsumedMessage[]): number[] {
  return messages.map((message) => Number(message.value?.toString()));
}

/** A handler whose batches end when the test says so. */
class HeldBatches {
  readonly batches: { messages: readonly ConsumedMessage[]; finish: () => void; fail: (error: Error) => void }[] = [];

  readonly handle = (messages: readonly ConsumedMessage[]): Promise<void> =>
    new Promise((resolve, reject) => this.batches.push({ messages, finish: resolve, fail: reject }));
}

describe.concurrent('a consumer', { timeout: 60_000 }, () => {
  test('gets every event with key, value and headers, in the order of its partition, and commits what it has done', async ({ expect }) => {
    const events = Array.from({ length: 100 }, (_, index) => ({
      key: `req-${index % 7}`,
      value: Buffer.from(String(index)),
      headers: [{ 'helios-accepted-at': String(1000 + index) }],
    }));
    await producer.sendAll('trip', events, new AbortController().signal);
    const messages: ConsumedMessage[] = [];
    const handle = async (batch: readonly ConsumedMessage[]) => void messages.push(...batch);
    const { consumer, health, seen } = await startConsumer(kafka, { topic: 'trip', groupId: 'trip', handle });
    expect(health.ready).toBe(false);
    await until(() => messages.length >= 100);
    expect(numbersOf(messages).sort((a, b) => a - b)).toEqual(events.map((_, index) => index));
    const nextOffsets = new Map<number, number>();
    for (const message of messages) {
      const number = Number(message.value?.toString());
      expect(message.topic).toBe('trip');
      expect(message.key?.toString()).toBe(`req-${number % 7}`);
      expect(headerText(message, 'helios-accepted-at')).toBe(String(1000 + number));
      expect(message.offset).toBe(nextOffsets.get(message.partition) ?? 0);
      nextOffsets.set(message.partition, message.offset + 1);
    }
    await until(() => health.ready);
    expect(await seen.metric('helios_consumer_partitions')).toBe(PARTITIONS);
    await consumer.stop();
    const committed = await committedOffsets(kafka, 'trip', 'trip');
    expect(committed).toEqual([0, 1, 2, 3].map((partition) => nextOffsets.get(partition) ?? null));
    expect(await seen.metric('helios_events_lost_total')).toBe(0);
  });

  test('whose batches end in reverse order commits only the contiguous prefix', async ({ expect }) => {
    await sendNumbers('reverse', 60, 'one-key');
    const partition = partitionFor('one-key', PARTITIONS);
    const held = new HeldBatches();
    const { consumer, seen } = await startConsumer(kafka, {
      topic: 'reverse',
      groupId: 'reverse',
      maxBatchesInFlight: 3,
      handle: held.handle,
    });
    await until(() => held.batches.length === 3);
    expect(await seen.metric('helios_consumer_batches_in_flight')).toBe(3);
    const [first, second, third] = held.batches;
    third?.finish();
    second?.finish();
    // The consumer commits every 100 ms: by now it would have, had it anything to commit.
    await delay(400);
    expect((await committedOffsets(kafka, 'reverse', 'reverse'))[partition]).toBeNull();
    const endOfThird = (third?.messages.at(-1)?.offset ?? Number.NaN) + 1;
    first?.finish();
    await until(async () => (await committedOffsets(kafka, 'reverse', 'reverse'))[partition] === endOfThird);
    await until(() => held.batches.length > 3);
    for (let index = 3; index < held.batches.length; index++) held.batches[index]?.finish();
    await until(() => {
      for (const batch of held.batches) batch.finish();
      return held.batches.flatMap((batch) => batch.messages).length === 60;
    });
    for (const batch of held.batches) batch.finish();
    await consumer.stop();
    expect((await committedOffsets(kafka, 'reverse', 'reverse'))[partition]).toBe(60);
    expect(numbersOf(held.batches.flatMap((batch) => batch.messages))).toEqual(Array.from({ length: 60 }, (_, index) => index));
  });

  test('handles a batch that failed again, whole, and commits nothing before it succeeds', async ({ expect }) => {
    await sendNumbers('failing', 5, 'one-key');
    const partition = partitionFor('one-key', PARTITIONS);
    const tries: number[][] = [];
    const committedAtTry: (number | null)[] = [];
    const handle = async (batch: readonly ConsumedMessage[]) => {
      tries.push(numbersOf(batch));
      committedAtTry.push((await committedOffsets(kafka, 'failing', 'failing'))[partition] ?? null);
      if (tries.length < 4) throw new Error('the next hop is away');
    };
    const { consumer, seen } = await startConsumer(kafka, { topic: 'failing', groupId: 'failing', maxBatchesInFlight: 1, handle });
    await until(async () => (await committedOffsets(kafka, 'failing', 'failing'))[partition] === 5);
    await consumer.stop();
    const [first] = tries;
    expect(tries.slice(0, 4)).toEqual([first, first, first, first]);
    expect(committedAtTry.slice(0, 4)).toEqual([null, null, null, null]);
    expect([...new Set(tries.flat())]).toEqual([0, 1, 2, 3, 4]);
    expect(await seen.metric('helios_batch_retries_total')).toBe(3);
    expect(seen.logged.filter((line) => line['msg'] === 'batch failed, retrying')).toHaveLength(1);
    expect(seen.logged).toContainEqual(expect.objectContaining({ msg: 'batches succeed again' }));
  });

  test('that waits for an outage longer than its poll interval keeps its partitions, and goes on where it stopped', async ({ expect }) => {
    await sendNumbers('blocked', 40, 'one-key');
    // Kafka raises it to the session timeout, 3.5 s here.
    const impatient = kafkaConfig(broker.address, { KAFKA_MAX_POLL_INTERVAL_MS: '1000' });
    const held = new HeldBatches();
    let room = true;
    const { consumer, health, seen } = await startConsumer(impatient, {
      topic: 'blocked',
      groupId: 'blocked',
      maxBatchesInFlight: 2,
      mayTake: () => room,
      handle: held.handle,
    });
    await until(() => held.batches.length === 2);
    await until(() => health.ready);
    await delay(4000);
    // A paused poll may let a batch through that had been fetched before; more than that would be a missing bound.
    expect(held.batches.length).toBeLessThanOrEqual(3);
    expect(await seen.metric('helios_consumer_partitions')).toBe(PARTITIONS);
    expect(await seen.metric('helios_rebalances_total')).toBe(1);
    expect(health.ready).toBe(true);

    room = false;
    for (const batch of held.batches) batch.finish();
    const taken = held.batches.length;
    await delay(1500);
    expect(held.batches.length).toBeLessThanOrEqual(taken + 1);
    const lagOfKey = `helios_consumer_lag_messages{partition="${partitionFor('one-key', PARTITIONS)}"}`;
    // What arrives while nothing is fetched counts as lag all the same.
    await sendNumbers('blocked', 60, 'one-key', 40);
    await until(async () => (await seen.metric(lagOfKey)) >= 60);
    const ageOfKey = lagOfKey.replace('messages', 'seconds');
    const heldBack = 'helios_consumer_held_back_seconds_total{reason="no_room"}';
    const before = { ageSeconds: await seen.metric(ageOfKey), heldBackSeconds: await seen.metric(heldBack) };
    // Nothing is fetched, and still they grow.
    await until(async () => (await seen.metric(ageOfKey)) > before.ageSeconds + 0.3);
    await until(async () => (await seen.metric(heldBack)) > before.heldBackSeconds + 0.3);
    room = true;
    await until(() => {
      for (const batch of held.batches) batch.finish();
      return held.batches.flatMap((batch) => batch.messages).length === 100;
    });
    expect(await seen.metric('helios_rebalances_total')).toBe(1);
    await until(async () => (await seen.metric(ageOfKey)) === 0);
    await consumer.stop();
    expect(numbersOf(held.batches.flatMap((batch) => batch.messages))).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(await seen.metric('helios_events_lost_total')).toBe(0);
  });

  test('that is stopped finishes what is in flight and commits it, and takes nothing more', async ({ expect }) => {
    await sendNumbers('stopped', 30, 'one-key');
    const partition = partitionFor('one-key', PARTITIONS);
    const held = new HeldBatches();
    const { consumer } = await startConsumer(kafka, { topic: 'stopped', groupId: 'stopped', maxBatchesInFlight: 1, handle: held.handle });
    await until(() => held.batches.length === 1);
    let stopped = false;
    const stopping = consumer.stop().then(() => (stopped = true));
    await delay(300);
    expect(stopped).toBe(false);
    held.batches[0]?.finish();
    await stopping;
    expect(held.batches).toHaveLength(1);
    const end = (held.batches[0]?.messages.at(-1)?.offset ?? Number.NaN) + 1;
    expect((await committedOffsets(kafka, 'stopped', 'stopped'))[partition]).toBe(end);
  });

  test('that is joined by a second one, and left by it, loses nothing, and no commit goes backwards', async ({ expect }) => {
    const handled = { first: new Set<number>(), second: new Set<number>() };
    const into = (numbers: Set<number>) => async (batch: readonly ConsumedMessage[]) => {
      await delay(20);
      for (const number of numbersOf(batch)) numbers.add(number);
    };
    let sent = 0;
    const ended = new AbortController();
    const stream = (async () => {
      for (; !ended.signal.aborted; sent += 20) {
        await sendNumbers('shared', 20, undefined, sent);
        await delay(20);
      }
    })();
    const backwards: string[] = [];
    const watch = (async () => {
      let before: (number | null)[] = [];
      while (!ended.signal.aborted) {
        const now = await committedOffsets(kafka, 'shared', 'shared');
        for (const [partition, offset] of before.entries()) {
          const next = now[partition] ?? -1;
          if (next < (offset ?? -1)) backwards.push(`partition ${partition}: ${offset} then ${next}`);
        }
        before = now;
        await delay(50);
      }
    })();
    const first = await startConsumer(kafka, { topic: 'shared', groupId: 'shared', handle: into(handled.first) });
    await until(() => handled.first.size > 100);
    const second = await startConsumer(kafka, { topic: 'shared', groupId: 'shared', handle: into(handled.second) });
    await until(() => handled.second.size > 100);
    expect(await first.seen.metric('helios_consumer_partitions')).toBe(2);
    expect(await second.seen.metric('helios_consumer_partitions')).toBe(2);
    await second.consumer.stop();
    await until(async () => (await first.seen.metric('helios_consumer_partitions')) === PARTITIONS);
    ended.abort();
    await Promise.all([stream, watch]);
    const all = () => new Set([...handled.first, ...handled.second]);
    await until(() => all().size === sent);
    await first.consumer.stop();
    expect(backwards).toEqual([]);
    expect(all().size).toBe(sent);
    const committed = await committedOffsets(kafka, 'shared', 'shared');
    expect(committed.reduce<number>((sum, offset) => sum + (offset ?? 0), 0)).toBe(sent);
    expect(await first.seen.metric('helios_events_lost_total')).toBe(0);
    expect(await second.seen.metric('helios_events_lost_total')).toBe(0);
  });
});
