import { headerNames, type Stage } from '@helios/proto/topics';
import type { Logger } from 'pino';
import { HeliosError } from '../errors.js';
import type { Metrics } from '../metrics.js';
import type { KafkaHeader } from './client.js';
import type { ConsumedMessage } from './consumer.js';
import type { EventProducer } from './producer.js';

/** Headers are for people: a longer text helps nobody. */
const ERROR_TEXT_MAX_CHARS = 500;

/**
 * Puts messages that no retry can mend on the dead-letter topic: the source's key and bytes untouched, and in headers where it stood and
 * why it is here. A letter repeated after a crash carries the same topic, partition and offset, by which readers take it as one.
 */
export class DeadLetters {
  readonly #producer: EventProducer;
  readonly #topic: string;
  readonly #stage: Stage;
  readonly #log: Logger;
  readonly #sent: Map<string, number>;

  /** `codes`: every error code this stage can give, so that each is on /metrics from the start. */
  constructor(options: { producer: EventProducer; topic: string; stage: Stage; codes: readonly string[]; log: Logger; metrics: Metrics }) {
    this.#producer = options.producer;
    this.#topic = options.topic;
    this.#stage = options.stage;
    this.#log = options.log;
    this.#sent = new Map(options.codes.map((code) => [code, 0]));
    options.metrics.counter('helios_dead_letters_total', 'Messages given up, by reason.', () => this.#sent, 'code');
  }

  /** Resolves when the broker has the letter; rejects with DELIVERY_FAILED otherwise: the caller then commits nothing. `errorCode` is one of a closed list. */
  async send(message: ConsumedMessage, errorCode: string, errorText: string): Promise<void> {
    const headers: KafkaHeader[] = [
      ...(message.headers ?? []).filter((header) => headerNames.acceptedAt in header || headerNames.traceparent in header),
      { [headerNames.sourceTopic]: message.topic },
      { [headerNames.sourcePartition]: String(message.partition) },
      { [headerNames.sourceOffset]: String(message.offset) },
      { [headerNames.errorCode]: errorCode },
      { [headerNames.errorText]: errorText.slice(0, ERROR_TEXT_MAX_CHARS) },
      { [headerNames.stage]: this.#stage },
    ];
    await this.#deliver(message, headers);
    this.#sent.set(errorCode, (this.#sent.get(errorCode) ?? 0) + 1);
    this.#log.error(
      { topic: message.topic, partition: message.partition, offset: message.offset, errorCode, errorText },
      'message dead-lettered',
    );
  }

  /** A value that no longer fits beside the letter's headers stays where it was: the letter says where, and how much is left out. */
  async #deliver(message: ConsumedMessage, headers: KafkaHeader[]): Promise<void> {
    const value = message.value ?? Buffer.alloc(0);
    try {
      await this.#producer.send(this.#topic, message.key, value, headers);
    } catch (error) {
      if (!(error instanceof HeliosError) || error.code !== 'EVENT_TOO_LARGE') throw error;
      const omitted = { [headerNames.omittedBytes]: String(value.length) };
      await this.#producer.send(this.#topic, message.key, Buffer.alloc(0), [...headers, omitted]);
    }
  }
}
