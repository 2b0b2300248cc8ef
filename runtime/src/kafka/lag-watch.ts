import type { KafkaConsumer } from 'node-rdkafka';
import type { OffsetTracker } from './offset-tracker.js';

/**
 * How far a consumer is behind, per assigned partition: from librdkafka's cached watermarks, which fetches keep up to date, and while nothing
 * is fetched (an outage of the next hop) by asking the broker, or the lag would stand still for as long as the outage lasts.
 *
 * In seconds it is the age of the oldest event that is not finished. Of events that were fetched the age is known. Of those that wait in the
 * broker it is not: they are at least as old as the moment at which they were first seen to wait, and that is what is said.
 */

const ASK_EVERY_MS = 1000;
const ASK_TIMEOUT_MS = 2000;

export class LagWatch {
  readonly #topic: string;
  readonly #client: () => KafkaConsumer;
  readonly #partitions: ReadonlyMap<number, { readonly tracker: OffsetTracker }>;
  /** Ends as the broker told them last. */
  readonly #told = new Map<number, number>();
  /** Per partition: since when events before `endOffset` have been seen to wait in the broker. */
  readonly #waiting = new Map<number, { readonly endOffset: number; readonly sinceUnixMs: number }>();
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
    this.lagSeconds(Date.now());
    this.#askedMonoMs = performance.now();
    this.#asking = false;
  }

  /** Messages not yet committed, per assigned partition; one whose end is unknown is left out rather than called 0. */
  lag(): Record<string, number> {
    const lag: Record<string, number> = {};
    for (const [partition, { tracker }] of this.#partitions) {
      const known = this.#watermarks(partition);
      if (known !== null) lag[String(partition)] = Math.max(0, known.endOffset - (tracker.committedOffset ?? known.lowOffset));
    }
    return lag;
  }

  /** Age of the oldest event that is not finished, per assigned partition: 0 when none is known to wait. */
  lagSeconds(nowUnixMs: number): Record<string, number> {
    const lag: Record<string, number> = {};
    for (const partition of this.#waiting.keys()) if (!this.#partitions.has(partition)) this.#waiting.delete(partition);
    for (const [partition, { tracker }] of this.#partitions) {
      const sinceUnixMs = tracker.oldestOpenUnixMs ?? this.#waitingSinceUnixMs(partition, tracker, nowUnixMs);
      // The broker's clock, or an earlier service's, may be ahead of this one.
      lag[String(partition)] = Math.max(0, nowUnixMs - (sinceUnixMs ?? nowUnixMs)) / 1000;
    }
    return lag;
  }

  /** Since when an event is known to wait in the broker for being fetched; null when none does. */
  #waitingSinceUnixMs(partition: number, tracker: OffsetTracker, nowUnixMs: number): number | null {
    const known = this.#watermarks(partition);
    const next = tracker.expectedOffset ?? known?.lowOffset ?? 0;
    if (known === null || known.endOffset <= next) {
      this.#waiting.delete(partition);
      return null;
    }
    const seen = this.#waiting.get(partition);
    // Something that was seen to wait then still does.
    if (seen !== undefined && next < seen.endOffset) return seen.sinceUnixMs;
    this.#waiting.set(partition, { endOffset: known.endOffset, sinceUnixMs: nowUnixMs });
    return nowUnixMs;
  }

  /** Null: not connected, or nothing fetched yet. */
  #watermarks(partition: number): { lowOffset: number; endOffset: number } | null {
    try {
      const { highOffset, lowOffset } = this.#client().getWatermarkOffsets(this.#topic, partition);
      const endOffset = Math.max(highOffset, this.#told.get(partition) ?? -1);
      return endOffset < 0 ? null : { lowOffset: Math.max(0, lowOffset), endOffset };
    } catch {
      return null;
    }
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
