import { createHash } from 'node:crypto';
import { BrokerWatch, type KafkaConfig } from '@helios/runtime/kafka/client';
import { messageOf } from '@helios/runtime/errors';
import { onTheWire } from '@helios/runtime/kafka/dead-letters';
import { createProducerClient, disconnectProducer } from '@helios/runtime/kafka/producer-client';
import { topicNames } from '@helios/scripts/accounting/hop-reader';
import { type Letter, letterOf, placeOf, placeText, type TopicRecord } from '@helios/scripts/dead-letters/letter';
import { SpanReader } from '@helios/scripts/dead-letters/span-reader';
import type { StartOffsets, TopicReader } from '@helios/scripts/topic-reader';
import type { Producer } from 'node-rdkafka';
import type { PlantedMessage, PoisonMessage } from './poison-messages.js';

/** Messages put on topics around the services, and the letters that came of them. */

const MESSAGE_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;
const POLL_MS = 5;
const DISCONNECT_LIMIT_MS = 5000;
const stages = { bidRequests: 'bidder', bidResponses: 'auction', auctionOutcomes: 'writer' } as const;

/** Where a message stands since it was acknowledged: `topic:partition:offset`, and when it was handed over. */
export interface Stands {
  readonly place: string;
  readonly partition: number;
  readonly offset: number;
  readonly plantedAtUnixMs: number;
}

/** Puts messages on topics as they are: of any bytes, with any key, on a chosen partition. */
export class Planter {
  readonly #client: Producer;
  readonly #kafka: KafkaConfig;
  readonly #reports = new Map<number, (error: unknown, offset: number) => void>();
  #next = 0;

  /** @throws Error when the broker does not answer. */
  static async connect(kafka: KafkaConfig): Promise<Planter> {
    const planter = new Planter(kafka);
    await new Promise<void>((resolve, reject) => {
      planter.#client.connect({ allTopics: true, timeout: CONNECT_TIMEOUT_MS }, (error) => (error ? reject(error) : resolve()));
    });
    planter.#client.setPollInterval(POLL_MS);
    return planter;
  }

  private constructor(kafka: KafkaConfig) {
    this.#kafka = kafka;
    this.#client = createProducerClient({
      kafka,
      clientId: 'helios-faults',
      messageTimeoutMs: MESSAGE_TIMEOUT_MS,
      broker: new BrokerWatch(),
      onReport: (error, report) => {
        this.#reports.get(report.opaque as number)?.(error, report.offset ?? -1);
        this.#reports.delete(report.opaque as number);
      },
      onError: () => {}, // what matters comes back in the reports
    });
  }

  /** Resolves when the broker has them all, with where each stands. @throws Error when it has not within 30 s, or when one is too large. */
  plant<Message extends PlantedMessage>(messages: readonly Message[], partition: number): Promise<(Message & Stands)[]> {
    return Promise.all(messages.map((message) => this.#plantOne(message, partition)));
  }

  async #plantOne<Message extends PlantedMessage>(message: Message, partition: number): Promise<Message & Stands> {
    const topic = topicNames(this.#kafka)[message.topic];
    const token = this.#next++;
    const plantedAtUnixMs = Date.now();
    const offset = await new Promise<number>((resolve, reject) => {
      this.#reports.set(token, (error, at) => (error ? reject(new Error(`a message was not planted: ${messageOf(error)}`)) : resolve(at)));
      const { key, value, headers } = message;
      this.#client.produce(topic, partition, onTheWire(value), onTheWire(key), undefined, token, headers);
    });
    return { ...message, place: placeText({ topic, partition, offset }), partition, offset, plantedAtUnixMs };
  }

  close(): Promise<void> {
    return disconnectProducer(this.#client, DISCONNECT_LIMIT_MS);
  }
}

/** A letter without its value, of which only the hash is kept. */
export interface FoundLetter extends Omit<Letter, 'record' | 'source'> {
  readonly place: string;
  readonly key: Buffer | null;
  readonly hash: string;
}

/** Every letter since the given ends of the topic, copies included. @throws Error when something there is neither letter nor a replay's note. */
export async function lettersSince(reader: TopicReader, from: StartOffsets): Promise<FoundLetter[]> {
  const found: FoundLetter[] = [];
  await reader.read(reader.kafka.deadLettersTopic, from, (message) => {
    const letter = letterOf(message as TopicRecord);
    if (letter === null) return; // a replay's note
    const { record, source, ...rest } = letter;
    found.push({ ...rest, place: placeText(source), key: record.key, hash: hashOf(record.value) });
  });
  return found;
}

/** Tells any two values apart, null and empty included. */
export function hashOf(value: Buffer | null): string {
  return value === null ? 'null' : createHash('sha256').update(value).digest('hex');
}

/** The hash of what stands at a place, `topic:partition:offset`. @throws Error when nothing does. */
export async function hashAt(kafka: KafkaConfig, place: string): Promise<string> {
  const { topic, partition, offset } = placeOf(place) ?? { topic: '', partition: -1, offset: -1 };
  const reader = await SpanReader.connect(kafka);
  try {
    const record = await reader.recordAt(topic, partition, offset);
    if (record === null) throw new Error(`nothing stands at ${place}`);
    return hashOf(record.value);
  } finally {
    await reader.close();
  }
}

export interface LetterFindings {
  readonly broken: string[];
  /** From the hand-over of a message to the writing of its letter, ascending. */
  readonly delaysMs: number[];
  /** Letters that stand in the topic more than once. */
  readonly copies: number;
}

const SENTENCES_MAX = 20;

/** Compares what was planted with the letters that there are, both ways. @param others places of letters that are looked at elsewhere. */
export function compareLetters(
  planted: readonly (PoisonMessage & Stands)[],
  letters: readonly FoundLetter[],
  others: ReadonlySet<string> = new Set(),
): LetterFindings {
  const broken: string[] = [];
  const delaysMs: number[] = [];
  const byPlace = new Map<string, FoundLetter>();
  for (const letter of letters) if (!byPlace.has(letter.place)) byPlace.set(letter.place, letter);
  const copies = letters.length - byPlace.size;
  for (const poison of planted) {
    const letter = byPlace.get(poison.place);
    byPlace.delete(poison.place);
    if (letter === undefined) {
      broken.push(`${poison.kind} at ${poison.place} has no letter`);
      continue;
    }
    broken.push(...differences(poison, letter).map((what) => `the letter of ${poison.kind} at ${poison.place} ${what}`));
    delaysMs.push((letter.writtenAtUnixMs ?? Number.NaN) - poison.plantedAtUnixMs);
  }
  for (const { place, reason } of byPlace.values())
    if (!others.has(place)) broken.push(`${place} has a letter (${reason}) and was not planted`);
  if (broken.length > SENTENCES_MAX) broken.splice(SENTENCES_MAX, Infinity, `and ${broken.length - SENTENCES_MAX} more of the kind`);
  return { broken, delaysMs: delaysMs.sort((a, b) => a - b), copies };
}

function differences(poison: PoisonMessage, letter: FoundLetter): string[] {
  const found: string[] = [];
  const bytes = poison.value?.length ?? 0;
  if (letter.omittedBytes === null && letter.hash !== hashOf(poison.value)) found.push('does not hold the original bytes');
  if (letter.omittedBytes !== null && (letter.omittedBytes !== bytes || bytes < VALUE_FITS_BYTES))
    found.push(`leaves out ${letter.omittedBytes} bytes`);
  if (!sameKey(letter.key, poison.key)) found.push('does not hold the original key');
  if (letter.stage !== stages[poison.topic]) found.push(`says the stage ${letter.stage}`);
  if (!poison.codes.includes(letter.reason)) found.push(`says ${letter.reason} (${letter.errorText})`);
  if (letter.errorText === '') found.push('does not say what is wrong');
  return found;
}

/** Values of less must be in their letters. */
const VALUE_FITS_BYTES = 990_000;

function sameKey(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

/** The most planted messages whose offsets follow each other on one partition. */
export function longestRow(planted: readonly Stands[]): number {
  const places = new Set(planted.map(({ place }) => place));
  let longest = 0;
  for (const { place, offset } of planted) {
    const at = place.slice(0, place.lastIndexOf(':'));
    if (places.has(`${at}:${offset - 1}`)) continue;
    let count = 1;
    while (places.has(`${at}:${offset + count}`)) count++;
    longest = Math.max(longest, count);
  }
  return longest;
}
