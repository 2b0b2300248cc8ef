import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConsumedMessage } from '../../src/kafka/consumer.js';
import { DeadLetters, isLetter, sendLetters } from '../../src/kafka/dead-letters.js';
import type { EventProducer } from '../../src/kafka/producer.js';
import { type Observed, observed } from '../observed.js';
import { type MockBroker, startMockBroker } from './mock-broker.js';
import { kafkaConfig, readTopic, startProducer } from './testbed.js';

let broker: MockBroker;
let producer: EventProducer;
let seen: Observed;
let letters: (topic: string) => DeadLetters;

beforeAll(async () => {
  broker = await startMockBroker(['letters', 'nulls', 'large', 'keys', 'empty', 'again']);
  ({ producer } = await startProducer(kafkaConfig(broker.address), { messageTimeoutMs: 1000 }));
  letters = (topic) => {
    seen = observed();
    return new DeadLetters({
      producer,
      topic,
      stage: 'bidder',
      codes: ['malformed_json', 'empty_body', 'too_long'],
      log: seen.log,
      metrics: seen.metrics,
    });
  };
});

afterAll(async () => {
  await producer.close(100);
});

const poison: ConsumedMessage = {
  topic: 'bid_requests',
  partition: 3,
  offset: 123_456_789_012,
  key: Buffer.from('größe-1'),
  value: Buffer.from([0x7b, 0x00, 0xff, 0xfe, 0x0a, 0x7d]),
  headers: [{ 'helios-accepted-at': Buffer.from('1760000000000') }, { traceparent: '00-aa-bb-01' }, { other: 'stays behind' }],
};

function headersOf(message: ConsumedMessage | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const header of message?.headers ?? []) for (const [name, value] of Object.entries(header)) headers[name] = value.toString();
  return headers;
}

describe('a dead letter', () => {
  test('keeps its source’s key and bytes, and says in headers where it stood, why it is here and who gave it up', async () => {
    const deadLetters = letters('letters');
    await deadLetters.send(poison, 'malformed_json', `The body is not valid JSON. ${'x'.repeat(2000)}`);
    const [letter] = await readTopic(kafkaConfig(broker.address), 'letters', 1);
    expect(letter?.key).toEqual(poison.key);
    expect(letter?.value).toEqual(poison.value);
    const { 'helios-error-text': text, ...headers } = headersOf(letter);
    expect(headers).toEqual({
      'helios-accepted-at': '1760000000000',
      traceparent: '00-aa-bb-01',
      'helios-source-topic': 'bid_requests',
      'helios-source-partition': '3',
      'helios-source-offset': '123456789012',
      'helios-error-code': 'malformed_json',
      'helios-stage': 'bidder',
    });
    expect(text).toMatch(/^The body is not valid JSON\. x+$/);
    expect(text?.length).toBeLessThanOrEqual(500);
    expect(await seen.metric('helios_dead_letters_total{code="malformed_json"}')).toBe(1);
    expect(seen.logged).toContainEqual(
      expect.objectContaining({ msg: 'message dead-lettered', topic: 'bid_requests', partition: 3, errorCode: 'malformed_json' }),
    );
  });

  test('of a message that no longer fits beside its headers leaves the value where it was, and says so', async () => {
    const value = Buffer.alloc(999_900, 0x61);
    await letters('large').send({ ...poison, value }, 'malformed_json', 'The body is not valid JSON.');
    const [letter] = await readTopic(kafkaConfig(broker.address), 'large', 1);
    expect(letter?.value?.length ?? 0).toBe(0);
    expect(headersOf(letter)).toMatchObject({ 'helios-omitted-bytes': '999900', 'helios-source-offset': '123456789012' });
  });

  test('codes are counted from 0 on', async () => {
    letters('letters');
    expect(await seen.metric('helios_dead_letters_total{code="too_long"}')).toBe(0);
  });

  test('of a message without key, value and headers is one too', async () => {
    await letters('nulls').send({ topic: 't', partition: 0, offset: 0, key: null, value: null }, 'empty_body', 'The body is empty.');
    const [letter] = await readTopic(kafkaConfig(broker.address), 'nulls', 1);
    expect(letter).toMatchObject({ key: null, value: null });
    expect(headersOf(letter)).toMatchObject({ 'helios-source-offset': '0', 'helios-error-code': 'empty_body' });
  });

  test('of an empty key and an empty value keeps them empty, where null stays null', async () => {
    await letters('empty').send({ ...poison, key: Buffer.alloc(0), value: Buffer.alloc(0) }, 'empty_body', 'The body is empty.');
    const [letter] = await readTopic(kafkaConfig(broker.address), 'empty', 1);
    expect(letter).toMatchObject({ key: Buffer.alloc(0), value: Buffer.alloc(0) });
  });

  test('of a message whose key alone leaves no room is written without it: the partition moves on', async () => {
    await letters('keys').send({ ...poison, key: Buffer.alloc(999_900, 0x6b), value: Buffer.from('x') }, 'malformed_json', 'No JSON.');
    const [letter] = await readTopic(kafkaConfig(broker.address), 'keys', 1);
    expect(letter).toMatchObject({ key: null, value: null });
    expect(headersOf(letter)).toMatchObject({ 'helios-omitted-bytes': '1', 'helios-source-offset': '123456789012' });
    expect(isLetter(letter ?? poison)).toBe(true);
    expect(isLetter(poison)).toBe(false);
  });

  test('of a replayed message says which message it was a replay of', async () => {
    await letters('again').send({ ...poison, headers: [{ 'helios-replayed-from': 'bid_requests:3:7' }] }, 'malformed_json', 'No JSON.');
    const [letter] = await readTopic(kafkaConfig(broker.address), 'again', 1);
    expect(headersOf(letter)).toMatchObject({ 'helios-replayed-from': 'bid_requests:3:7' });
  });

  test('that the broker does not take is an error for the caller, and is not counted', async () => {
    const deadLetters = letters('letters');
    await broker.close();
    await expect(deadLetters.send(poison, 'malformed_json', 'again')).rejects.toMatchObject({ code: 'DELIVERY_FAILED' });
    expect(await seen.metric('helios_dead_letters_total{code="malformed_json"}')).toBe(0);
  });
});

describe('many letters of one batch', () => {
  const givenUp = Array.from({ length: 500 }, (_, offset) => ({ message: { ...poison, offset }, code: 'malformed_json', detail: '' }));

  test('are under way several at once, and never more than a bounded number', async () => {
    let underWay = 0;
    let most = 0;
    const offsets: number[] = [];
    await sendLetters(
      {
        send: async ({ offset }) => {
          most = Math.max(most, ++underWay);
          await new Promise((resolve) => setImmediate(resolve));
          offsets.push(offset);
          underWay--;
        },
      },
      givenUp,
    );
    expect(offsets).toEqual(givenUp.map(({ message }) => message.offset));
    expect(most).toBe(32);
  });

  test('are an error for the caller when one of them is not acknowledged, once no other is under way', async () => {
    let underWay = 0;
    const sent = sendLetters(
      {
        send: async ({ offset }) => {
          underWay++;
          for (let turn = 0; turn < (offset === 40 ? 1 : 5); turn++) await new Promise((resolve) => setImmediate(resolve));
          underWay--;
          if (offset === 40) throw new Error('no ack');
        },
      },
      givenUp,
    );
    await expect(sent).rejects.toThrow('no ack');
    expect(underWay).toBe(0);
  });
});
