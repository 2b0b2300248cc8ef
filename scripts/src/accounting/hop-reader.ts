import type { KafkaConfig } from '@helios/runtime/kafka/client';
import type { Gone, StartOffsets, TopicReader } from '../topic-reader.js';
import { bidIdOf, type HopTally, type TopicNames } from './hops.js';

/** Reads the three topics of the bid's path into a tally. */

/** Where a run began: the next offset of each partition, by topic. Plain data, so that it can be kept in a file. */
export type RunStart = Readonly<Record<string, StartOffsets>>;

export function topicNames(kafka: KafkaConfig): TopicNames {
  return { bidRequests: kafka.bidRequestsTopic, bidResponses: kafka.bidResponsesTopic, auctionOutcomes: kafka.auctionOutcomesTopic };
}

/** The present ends of all topics; to be noted before the first request of a run. @throws Error when the broker does not answer. */
export async function recordStart(reader: TopicReader): Promise<RunStart> {
  const start: Record<string, number[]> = {};
  for (const topic of [...Object.values(topicNames(reader.kafka)), reader.kafka.deadLettersTopic]) {
    const offsets: number[] = [];
    for (const { partition, highOffset } of await reader.endsOf(topic)) offsets[partition] = highOffset;
    start[topic] = offsets;
  }
  return start;
}

export interface HopReading {
  /** Where to begin; null: at the first message of every topic. */
  readonly start: RunStart | null;
  /** The ends of the topic of bid requests when the groups were waited for, by partition: what came later may still be on its way. */
  readonly settledEnds: StartOffsets;
  /** Tells the run's messages by their key, before the value is looked at. */
  readonly isOurs: (key: Buffer) => boolean;
}

/**
 * Gives the messages of a run to the tally, the last topic first: whatever a topic holds when it is read is in the one before it when that
 * is read. The stored outcomes must have been read before.
 * @returns null, or a sentence when the broker no longer keeps what was asked for; the tally is then worth nothing.
 * @throws Error when the broker stops answering.
 */
export async function readHops(reader: TopicReader, reading: HopReading, tally: HopTally): Promise<string | null> {
  const names = topicNames(reader.kafka);
  for (const hop of ['auctionOutcomes', 'bidResponses', 'bidRequests'] as const) {
    // A topic that was not there at the start has begun at 0 since.
    const { gone } = await reader.read(names[hop], reading.start?.[names[hop]] ?? [], ({ key: keyText, value, partition, offset }) => {
      const key = keyOf(keyText);
      if (key === null || !reading.isOurs(key)) return;
      if (hop === 'bidRequests') tally.bidRequest(key.toString(), offset < (reading.settledEnds[partition] ?? 0));
      else tally.bid(hop, key.toString(), value === null ? null : bidIdOf(value));
    });
    const [first] = gone;
    if (first !== undefined) return goneSentence(names[hop], first);
  }
  return null;
}

function keyOf(key: Buffer | string | null | undefined): Buffer | null {
  if (key === null || key === undefined) return null;
  return typeof key === 'string' ? Buffer.from(key) : key;
}

function goneSentence(topic: string, { partition, fromOffset, lowOffset }: Gone): string {
  return `the broker no longer holds offsets ${fromOffset} to ${lowOffset - 1} of ${topic}, partition ${partition}`;
}
