import { setTimeout as delay } from 'node:timers/promises';
import { groupDefaults, headerNames, replayHeaderNames } from '@helios/proto/topics';
import { createLogger } from '@helios/runtime/log';
import type { KafkaConfig, KafkaHeader } from '@helios/runtime/kafka/client';
import { onTheWire } from '@helios/runtime/kafka/dead-letters';
import { EventProducer } from '@helios/runtime/kafka/producer';
import { Metrics } from '@helios/runtime/metrics';
import { placeText, type Place, type TopicRecord } from './letter.js';
import { encodeNote, type ReplayNote } from './replay-note.js';

/** Produces what a replay writes: the original messages, each tried once, and its notes. */

const MESSAGE_TIMEOUT_MS = 10_000;
const CONNECT_LIMIT_MS = 10_000;
/** How long a full queue, or a full backlog on the embedded broker, is waited for. */
const ROOM_LIMIT_MS = 30_000;
const ROOM_LOOK_MS = 20;
const CLOSE_LIMIT_MS = 5000;

/** A message to be put back, with the place of its letter's source. */
export interface Replay {
  readonly source: Place;
  readonly original: TopicRecord;
}

/** What became of each message: `unsure` ones got no acknowledgement, which does not say that they are not there. */
export interface ReplayResult {
  readonly acknowledged: Replay[];
  readonly tooLarge: Replay[];
  readonly unsure: Replay[];
  /** Not handed over at all, because the broker took nothing more. */
  readonly notSent: Replay[];
}

/** The three topics that messages are given up from, and who reads each. */
export function sourceTopics(kafka: KafkaConfig): ReadonlyMap<string, string> {
  return new Map([
    [kafka.bidRequestsTopic, groupDefaults.bidder],
    [kafka.bidResponsesTopic, groupDefaults.auction],
    [kafka.auctionOutcomesTopic, groupDefaults.writer],
  ]);
}

export class ReplaySender {
  readonly #kafka: KafkaConfig;
  readonly #plain: EventProducer;
  /** Per source topic: each watches the backlog of its topic, on a broker that keeps little (KAFKA_BACKLOG_MAX_BYTES). */
  readonly #guarded: ReadonlyMap<string, EventProducer>;
  #fault: Error | undefined;

  /** @throws Error with a sentence when no broker answers. */
  static async connect(kafka: KafkaConfig): Promise<ReplaySender> {
    const sender = new ReplaySender(kafka);
    const deadlineMonoMs = performance.now() + CONNECT_LIMIT_MS;
    while ([sender.#plain, ...sender.#guarded.values()].some((producer) => producer.brokerSilenceMs() === Number.POSITIVE_INFINITY)) {
      if (performance.now() > deadlineMonoMs) {
        await sender.close();
        throw new Error(`Kafka does not answer at ${kafka.brokers}.`);
      }
      await delay(ROOM_LOOK_MS);
    }
    return sender;
  }

  private constructor(kafka: KafkaConfig) {
    this.#kafka = kafka;
    this.#plain = this.#producer(undefined);
    const topics = kafka.backlogMaxBytes > 0 ? [...sourceTopics(kafka)] : [];
    this.#guarded = new Map(topics.map(([topic, groupId]) => [topic, this.#producer({ topic, groupId })]));
  }

  /** Writes a note to the partition of the dead-letter topic that its letters stand in. @throws HeliosError when it is not acknowledged. */
  async note(note: ReplayNote, partition: number, partitionCount: number): Promise<void> {
    const { key, value, headers } = encodeNote(note, partition, partitionCount);
    await this.#plain.send(this.#kafka.deadLettersTopic, key, value, headers);
  }

  /** Puts the messages back, each at most once, and resolves when the fate of each is known as well as it can be. */
  async replay(replays: readonly Replay[]): Promise<ReplayResult> {
    const result: ReplayResult = { acknowledged: [], tooLarge: [], unsure: [], notSent: [] };
    const reports: Promise<void>[] = [];
    const deadlineMonoMs = performance.now() + ROOM_LIMIT_MS;
    for (const replay of replays) {
      reports.push(...(await this.#handOver(replay, result, deadlineMonoMs)));
    }
    await Promise.all(reports);
    return result;
  }

  async close(): Promise<void> {
    await Promise.all([this.#plain, ...this.#guarded.values()].map((producer) => producer.close(CLOSE_LIMIT_MS)));
  }

  /** Queues one message. @returns what resolves with its report (in an array: a promise alone would be awaited); empty when it was not queued. */
  async #handOver(replay: Replay, result: ReplayResult, deadlineMonoMs: number): Promise<Promise<void>[]> {
    const { source, original } = replay;
    // The guard counts by the partition that a key leads to: what has no key goes beside it.
    const producer = (original.key === null ? undefined : this.#guarded.get(source.topic)) ?? this.#plain;
    const own = originalHeaders(original);
    let headers = [...own, { [replayHeaderNames.replayedFrom]: placeText(source) }];
    for (;;) {
      let done: (error: string | null) => void = () => undefined;
      const reported = new Promise<string | null>((resolve) => {
        done = resolve;
      });
      const sink = { delivered: (_: number, error: string | null) => done(error) };
      const refusal = producer.produce(source.topic, onTheWire(original.key), onTheWire(original.value), headers, sink, 0);
      if (refusal === null) {
        const noted = reported.then((error) => {
          (error === null ? result.acknowledged : result.unsure).push(replay);
        });
        return [noted];
      }
      if (refusal === 'too_large') {
        if (headers === own) {
          result.tooLarge.push(replay);
          return [];
        }
        // A message that just fitted leaves no room for one header more: only after a crash at this moment would it be put back twice.
        headers = own;
        continue;
      }
      if (this.#fault !== undefined || performance.now() > deadlineMonoMs) {
        result.notSent.push(replay);
        return [];
      }
      await delay(ROOM_LOOK_MS);
    }
  }

  #producer(guarded: { topic: string; groupId: string } | undefined): EventProducer {
    return EventProducer.start({
      kafka: this.#kafka,
      clientId: 'helios-dead-letters',
      log: createLogger('dead-letters', 'silent'),
      metrics: new Metrics('dead-letters', ''),
      messageTimeoutMs: MESSAGE_TIMEOUT_MS,
      onFatal: (error) => {
        this.#fault = error;
      },
      ...(guarded === undefined ? {} : { guarded }),
    });
  }
}

/** The headers that the message had when its request was accepted, and none of the letter's own. */
function originalHeaders(original: TopicRecord): KafkaHeader[] {
  const own = new Set<string>([
    headerNames.sourceTopic,
    headerNames.sourcePartition,
    headerNames.sourceOffset,
    headerNames.errorCode,
    headerNames.errorText,
    headerNames.stage,
    headerNames.omittedBytes,
    replayHeaderNames.replayedFrom,
  ]);
  return (original.headers ?? []).filter((header) => !Object.keys(header).some((name) => own.has(name)));
}
