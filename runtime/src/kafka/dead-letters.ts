import { headerNames, replayHeaderNames, type Stage } from '@helios/proto/topics';
import { traceIdOf } from '@helios/proto/traceparent';
import type { Logger } from 'pino';
import { HeliosError } from '../errors.js';
import { LogSampler } from '../log.js';
import type { Metrics } from '../metrics.js';
import type { KafkaHeader } from './client.js';
import type { ConsumedMessage } from './consumer.js';
import { headerText } from './headers.js';
import type { EventProducer } from './producer.js';

/** A key is a request's id, of at most 256 bytes; other producers may write longer ones. */
const KEY_SHOWN_MAX_BYTES = 256;
/** Headers are for people: a longer text helps nobody. */
const ERROR_TEXT_MAX_CHARS = 500;
/** So many letters of a batch are under way at once: enough to hide the round trip, few enough for the producer's memory at 1 MB each. */
const LETTERS_AT_ONCE = 32;
/** Thousands of bad messages are one story: so many of them are told in a second, the rest is counted. */
const LINES_PER_SECOND = 20;

/** Whether a record of the dead-letter topic is a letter: it says where its message stood. The program's notes do not. */
export function isLetter(message: Pick<ConsumedMessage, 'headers'>): boolean {
  return headerText(message, headerNames.sourceTopic) !== undefined;
}

/** A view on memory: an empty buffer without memory of its own is null to the binding, under some versions of Node. */
const emptyOnTheWire = Buffer.alloc(1).subarray(0, 0);

/** What the producer writes as exactly this key or value: null as null, an empty one as empty. */
export function onTheWire(bytes: Buffer | null): Buffer | null {
  return bytes?.length === 0 ? emptyOnTheWire : bytes;
}

/** One message to be given up, and why: `code` is one of a closed list. */
export interface GivenUp {
  readonly message: ConsumedMessage;
  readonly code: string;
  readonly detail: string;
}

/**
 * Sends a letter for each message, several at once: thousands of them in one batch would otherwise take a round trip each.
 * Resolves when all are acknowledged; when one is not, rejects with its error, once no other is under way.
 */
export async function sendLetters(deadLetters: Pick<DeadLetters, 'send'>, givenUp: readonly GivenUp[]): Promise<void> {
  for (let start = 0; start < givenUp.length; start += LETTERS_AT_ONCE) {
    const sent = givenUp.slice(start, start + LETTERS_AT_ONCE).map(({ message, code, detail }) => deadLetters.send(message, code, detail));
    for (const result of await Promise.allSettled(sent)) if (result.status === 'rejected') throw result.reason;
  }
}

/** What a letter takes over from its message. */
const carriedNames = [headerNames.acceptedAt, headerNames.traceparent, replayHeaderNames.replayedFrom];

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
  readonly #sampler = new LogSampler(1, LINES_PER_SECOND, Date.now, ['dead_letter']);

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
    const own: KafkaHeader[] = [
      { [headerNames.sourceTopic]: message.topic },
      { [headerNames.sourcePartition]: String(message.partition) },
      { [headerNames.sourceOffset]: String(message.offset) },
      { [headerNames.errorCode]: errorCode },
      { [headerNames.errorText]: errorText.slice(0, ERROR_TEXT_MAX_CHARS) },
      { [headerNames.stage]: this.#stage },
    ];
    await this.#deliver(message, own);
    this.#sent.set(errorCode, (this.#sent.get(errorCode) ?? 0) + 1);
    if (!this.#sampler.shouldLog('dead_letter', `${message.partition}:${message.offset}`)) return;
    const { topic, partition, offset } = message;
    const leftOutBefore = this.#sampler.leftOut.get('dead_letter');
    const request = { request_id: message.key?.toString('utf8', 0, KEY_SHOWN_MAX_BYTES), trace_id: traceOf(message) };
    this.#log.error({ ...request, topic, partition, offset, errorCode, errorText, leftOutBefore }, 'message dead-lettered');
  }

  /**
   * A value that no longer fits beside the letter's headers stays where it was: the letter says where, and how much is left out. So do a key
   * and carried headers that leave no room either (only another producer's can): a letter that never fits would hold up its partition.
   */
  async #deliver(message: ConsumedMessage, own: KafkaHeader[]): Promise<void> {
    const carried = (message.headers ?? []).filter((header) => carriedNames.some((name) => Object.hasOwn(header, name)));
    const key = onTheWire(message.key);
    if (await this.#fits(key, onTheWire(message.value), [...carried, ...own])) return;
    const omitted = [...own, { [headerNames.omittedBytes]: String(message.value?.length ?? 0) }];
    if (await this.#fits(key, null, [...carried, ...omitted])) return;
    await this.#producer.send(this.#topic, null, null, omitted);
  }

  /** Resolves with true when the broker has it, with false when it is too large for Kafka. */
  async #fits(key: Buffer | null, value: Buffer | null, headers: KafkaHeader[]): Promise<boolean> {
    try {
      await this.#producer.send(this.#topic, key, value, headers);
      return true;
    } catch (error) {
      if (error instanceof HeliosError && error.code === 'EVENT_TOO_LARGE') return false;
      throw error;
    }
  }
}

function traceOf(message: ConsumedMessage): string | undefined {
  return traceIdOf(headerText(message, headerNames.traceparent)) ?? undefined;
}
