import type { KafkaConsumer } from 'node-rdkafka';
import type { OffsetTracker } from './offset-tracker.js';

/**
 * How far a consumer is behind, per assigned partition: from librdkafka's cached watermarks, which fetches keep up to date, and while nothing
 * is fetched (an outage of the next hop) by asking the broker, or the lag would stand still for as long as the outage lasts.
 */

const ASK_EVERY_MS = 1000;
const ASK_TIMEOUT_MS = 2000;

export class LagWatch {
  readonly #topic: string;
  readonly #client: () => KafkaConsumer;
  readonly #partitions: ReadonlyMap<number, { readonly tracker: OffsetTracker }>;
  /** Ends as the broker told them last. */
  readonly #told = new Map<number, number>();
  #askedMonoMs = Number.NEGATIVE_INFINITY;
  #asking = false;

  /** `client`: the one in use now; a consumer that could not connect makes another. */
  constructor(topic: string, client: () => KafkaConsumer, partitions: ReadonlyMap<number, { readonly tracker: OffsetTracker }>) {
    this.#topic = topic;
    this.#client = client;
    this.#partitions = partitions;
  }

  /** To be called while the partitions are paused, as often as one likes: asks for their ends at most once a second. Never rejects. */
  async ask(): Promise<void> {
    if (this.#asking || performance.now() - this.#askedMonoMs < ASK_EVERY_MS) return;
    this.#asking = true;
    // One after the other: each holds one of the few threads that the binding's calls share until the broker has answered.
    for (const partition of this.#partitions.keys()) {
      const end = await this.#endOf(partition);
      if (end !== null) this.#told.set(partition, end);
    }
    this.#askedMonoMs = performance.now();
    this.#asking = false;
  }

  /** Messages not yet committed, per assigned partition; one whose end is unknown is left out rather than called 0. */
  lag(): Record<string, number> {
    const lag: Record<string, number> = {};
    for (const [partition, { tracker }] of this.#partitions) {
      try {
        const { highOffset, lowOffset } = this.#client().getWatermarkOffsets(this.#topic, partition);
        const end = Math.max(highOffset, this.#told.get(partition) ?? -1);
        if (end >= 0) lag[String(partition)] = Math.max(0, end - (tracker.committedOffset ?? Math.max(0, lowOffset)));
      } catch {
        // Not connected, or nothing fetched yet: unknown.
      }
    }
    return lag;
  }

  #endOf(partition: number): Promise<number | null> {
    return new Promise((resolve) => {
      if (!this.#client().isConnected()) return resolve(null);
      this.#client().queryWatermarkOffsets(this.#topic, partition, ASK_TIMEOUT_MS, (error, offsets) =>
        resolve(error ? null : offsets.highOffset),
      );
    });
  }
}
