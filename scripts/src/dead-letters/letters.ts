import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { type Letter, letterOf } from './letter.js';
import { LetterIndex } from './letter-index.js';
import { type Span, SpanReader } from './span-reader.js';

/** The dead-letter topic as it stands: an index over all of it, and walks over its letters. Values pass by; none is kept. */
export class Letters {
  readonly topic: string;
  readonly index = new LetterIndex();
  /** Looks at single records and other topics while a walk is under way. */
  readonly aside: SpanReader;
  readonly #reader: SpanReader;
  /** Per partition, where the topic began and ended when it was indexed: later letters are not of this run. */
  #spans: Span[] = [];
  /** Per partition, up to where the index knows the topic. */
  readonly #knownTo = new Map<number, number>();

  /**
   * Connects and reads the whole topic once.
   * @throws Error with a sentence when Kafka does not answer or the topic does not exist.
   */
  static async open(kafka: KafkaConfig): Promise<Letters> {
    const reader = await SpanReader.connect(kafka);
    try {
      const letters = new Letters(kafka.deadLettersTopic, reader, await SpanReader.connect(kafka));
      try {
        await letters.#readIndex();
        return letters;
      } catch (error) {
        await letters.aside.close();
        throw error;
      }
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  private constructor(topic: string, reader: SpanReader, aside: SpanReader) {
    this.topic = topic;
    this.#reader = reader;
    this.aside = aside;
  }

  get partitionCount(): number {
    return this.#spans.length;
  }

  /** Every letter once, partition by partition, as they stood when the index was read. */
  async *walk(): AsyncGenerator<Letter> {
    this.index.beginWalk();
    for (const { partition, low, high } of this.#spans) {
      for await (const record of this.#reader.read(this.topic, partition, low, high)) {
        const letter = letterOf(record);
        if (letter !== null && this.index.meet(letter.source)) yield letter;
      }
    }
  }

  /** Reads what was written to the topic since it was last looked at, so that the index knows the notes of others. */
  async catchUp(): Promise<void> {
    for (const span of await this.aside.spans(this.topic)) {
      const from = this.#knownTo.get(span.partition) ?? span.low;
      for await (const record of this.aside.read(this.topic, span.partition, from, span.high)) this.index.take(record);
      this.#knownTo.set(span.partition, Math.max(from, span.high));
    }
  }

  /** The letter at a place of the dead-letter topic. @throws Error with a sentence when there is none. */
  async letterAt(partition: number, offset: number): Promise<Letter> {
    const record = await this.aside.recordAt(this.topic, partition, offset);
    if (record === null) throw new Error(`${this.topic} holds nothing at ${partition}:${offset}: not any more, or not yet.`);
    const letter = letterOf(record);
    if (letter === null) throw new Error(`What stands at ${partition}:${offset} in ${this.topic} is no letter of Helios.`);
    return letter;
  }

  async close(): Promise<void> {
    await Promise.all([this.#reader.close(), this.aside.close()]);
  }

  async #readIndex(): Promise<void> {
    this.#spans = await this.#reader.spans(this.topic);
    if (this.#spans.length === 0) throw new Error(`There is no topic ${this.topic}: is this the right cluster?`);
    for (const { partition, low, high } of this.#spans) {
      for await (const record of this.#reader.read(this.topic, partition, low, high)) this.index.take(record);
      this.#knownTo.set(partition, high);
    }
  }
}
