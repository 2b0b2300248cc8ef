import type { RunStart } from '@helios/scripts/accounting/hop-reader';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { Letters } from '@helios/scripts/dead-letters/letters';
import type { LetterId } from '@helios/scripts/dead-letters/options';
import { replayLetters, type ReplaySummary } from '@helios/scripts/dead-letters/replay';
import { ReplaySender } from '@helios/scripts/dead-letters/replay-sender';

/** Replays as `npm run dead-letters -- replay ID...` makes them. */

/** Puts the messages of these letters back; `ids` as the command takes them. @throws Error when the broker fails in between. */
export async function replayById(kafka: KafkaConfig, ids: readonly string[]): Promise<ReplaySummary> {
  const letters = await Letters.open(kafka);
  try {
    const sender = await ReplaySender.connect(kafka);
    try {
      const options = {
        command: 'replay',
        brokers: undefined,
        filter: {},
        ids: ids.map(idOf),
        limit: ids.length,
        dryRun: false,
        yes: true,
      } as const;
      return await replayLetters({ letters, kafka, say: () => {} }, sender, options);
    } finally {
      await sender.close();
    }
  } finally {
    await letters.close();
  }
}

/** Messages that came to the three topics of the bid's path in between. */
export function messagesBetween(before: RunStart, after: RunStart, kafka: KafkaConfig): number {
  const sum = (ends: RunStart) =>
    [kafka.bidRequestsTopic, kafka.bidResponsesTopic, kafka.auctionOutcomesTopic]
      .flatMap((topic) => ends[topic] ?? [])
      .reduce((total, end) => total + end, 0);
  return sum(after) - sum(before);
}

function idOf(id: string): LetterId {
  const [partition, offset] = id.split(':').map(Number);
  return { partition: partition ?? -1, offset: offset ?? -1 };
}
