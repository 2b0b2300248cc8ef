import { setTimeout as sleep } from 'node:timers/promises';
import { GroupOffsets, type PartitionOffsets } from '@helios/runtime/kafka/group-offsets';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { createLogger } from '@helios/runtime/log';

/** Waiting until a consumer group has handled all that its topic holds. */

export interface Hop {
  readonly topic: string;
  readonly groupId: string;
}

const POLL_MS = 100;

/**
 * Waits until the group's committed offsets have reached the end of the topic on all partitions.
 * @param deadlineMonoMs when to give up.
 * @param ends how far is far enough, by partition; without it the end moves along with what is written meanwhile.
 * @returns how many events are left: 0 when drained; null when the broker did not say.
 */
export async function untilDrained(
  hop: Hop,
  kafka: KafkaConfig,
  partitions: number,
  deadlineMonoMs: number,
  ends?: readonly number[],
): Promise<number | null> {
  const offsets = new GroupOffsets({ ...hop, kafka, log: createLogger('drain', 'fatal') });
  let left: number | null = null;
  try {
    do {
      const read = await offsets.read(partitions);
      left = read === null ? left : eventsLeft(read, ends);
      if (left === 0) return 0;
      await sleep(POLL_MS);
    } while (performance.now() < deadlineMonoMs);
    return left;
  } finally {
    await offsets.close();
  }
}

/** Events before `ends` (or the partitions' own ends) that the group has not committed; without a commit all that is kept. Pure. */
export function eventsLeft(offsets: readonly PartitionOffsets[], ends?: readonly number[]): number {
  let left = 0;
  for (const { partition, committedOffset, lowOffset, highOffset } of offsets)
    left += Math.max(0, (ends?.[partition] ?? highOffset) - (committedOffset ?? lowOffset));
  return left;
}
