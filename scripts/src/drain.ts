import { setTimeout as sleep } from 'node:timers/promises';
import { GroupOffsets } from '@helios/runtime/kafka/group-offsets';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { createLogger } from '@helios/runtime/log';

/** Waiting, at the stop, until a consumer group has handled all that its topic holds. */

export interface Hop {
  readonly topic: string;
  readonly groupId: string;
}

const POLL_MS = 100;

/**
 * Waits until the group's committed offsets have reached the end of the topic on all partitions.
 * @param deadlineMonoMs when to give up.
 * @returns how many events are left: 0 when drained; null when the broker did not say.
 */
export async function untilDrained(hop: Hop, kafka: KafkaConfig, partitions: number, deadlineMonoMs: number): Promise<number | null> {
  const offsets = new GroupOffsets({ ...hop, kafka, log: createLogger('start', 'fatal') });
  let left: number | null = null;
  try {
    do {
      const read = await offsets.read(partitions);
      left = read === null ? left : read.reduce((sum, at) => sum + at.highOffset - (at.committedOffset ?? at.lowOffset), 0);
      if (left === 0) return 0;
      await sleep(POLL_MS);
    } while (performance.now() < deadlineMonoMs);
    return left;
  } finally {
    await offsets.close();
  }
}
