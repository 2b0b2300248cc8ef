import { groupDefaults } from '@helios/proto/topics';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { type Hop, untilDrained } from '../drain.js';
import type { TopicReader } from '../topic-reader.js';

/**
 * Whether the three consumer groups have handled all that their topics held when they were looked at. The hops are looked at in the order
 * in which bids travel: what a hop wrote before it committed is in the next topic when that is looked at.
 */

export interface GroupLag extends Hop {
  /** Events not handled; null when the broker did not say. */
  readonly left: number | null;
  /** How far it had to come: the topic's ends when its turn came, by partition. */
  readonly ends: readonly number[];
  /** How long the group took from the beginning of the check on. */
  readonly tookMs: number;
}

export interface LagReport {
  readonly holds: boolean;
  readonly groups: readonly GroupLag[];
}

/** Consumer groups by the service that is in them. */
export type Groups = Readonly<Record<keyof typeof groupDefaults, string>>;

/** The reading hops in the order of the bids. */
export function hopsOf(kafka: KafkaConfig, groups: Groups = groupDefaults): Hop[] {
  return [
    { topic: kafka.bidRequestsTopic, groupId: groups.bidder },
    { topic: kafka.bidResponsesTopic, groupId: groups.auction },
    { topic: kafka.auctionOutcomesTopic, groupId: groups.writer },
  ];
}

/** Waits until every group has come as far as its topic reached when its turn came, at most `limitMs` together. */
export async function awaitNoLag(reader: TopicReader, groups: Groups | undefined, limitMs: number): Promise<LagReport> {
  const startedMonoMs = performance.now();
  const results: GroupLag[] = [];
  for (const hop of hopsOf(reader.kafka, groups)) {
    const ends = (await reader.endsOf(hop.topic)).map((at) => at.highOffset);
    const left = await untilDrained(hop, reader.kafka, ends.length, startedMonoMs + limitMs, ends);
    results.push({ ...hop, left, ends, tookMs: performance.now() - startedMonoMs });
  }
  return lagReport(results);
}

/** Pure: no lag holds when every group has nothing left. */
export function lagReport(groups: readonly GroupLag[]): LagReport {
  return { holds: groups.length > 0 && groups.every((group) => group.left === 0), groups };
}

/** What is wrong, a sentence per group. */
export function lagFindings(report: LagReport): string[] {
  return report.groups
    .filter((group) => group.left !== 0)
    .map(({ topic, groupId, left, tookMs }) => {
      const what = left === null ? 'the broker did not say how far it is' : `${left} events are not handled`;
      return `group ${groupId} on ${topic}: ${what} after ${(tookMs / 1000).toFixed(1)} s`;
    });
}
