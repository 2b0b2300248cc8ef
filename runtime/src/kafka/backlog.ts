/**
 * How many bytes of a topic its readers have not yet committed, per partition (pure).
 *
 * librdkafka's mock cluster drops the oldest events past 5 MiB a partition, so every hop that writes to it stops before that.
 * Bytes of our own events are known exactly: queued ones from the moment they are produced, stored ones until the group's committed offset
 * passes them. What other producers stored shows in the watermarks only and is estimated with our own mean size. Source: spec section 6.
 */

/** Record and batch framing, counted for every event as if it were alone in its batch. */
const FRAMING_BYTES = 160;
/** Mean size assumed for events of others before we have produced any ourselves. */
const UNKNOWN_EVENT_BYTES = 2048;
/** Events summed up in one entry of the list of stored ones. */
const SEGMENT_EVENTS = 64;

interface Segment {
  lastOffset: number;
  events: number;
  bytes: number;
}

class PartitionBacklog {
  queuedBytes = 0;
  storedBytes = 0;
  storedEvents = 0;
  foreignEvents = 0;
  readonly segments: Segment[] = [];
}

export class Backlog {
  readonly #maxBytes: number;
  readonly #partitions: PartitionBacklog[] = [];
  #ownEvents = 0;
  #ownBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that one event takes in a partition, at most. */
  static sizeOf(keyBytes: number, valueBytes: number): number {
    return keyBytes + valueBytes + FRAMING_BYTES;
  }

  /** Whether `bytes` more fit into the partition. */
  fits(partition: number, bytes: number): boolean {
    return this.bytes(partition) + bytes <= this.#maxBytes;
  }

  /** Whether every partition is below half its bound: time to take more work. */
  get roomy(): boolean {
    return this.#partitions.every((_, partition) => this.bytes(partition) * 2 <= this.#maxBytes);
  }

  bytes(partition: number): number {
    const state = this.#partitions[partition];
    if (state === undefined) return 0;
    const mean = this.#ownEvents === 0 ? UNKNOWN_EVENT_BYTES : this.#ownBytes / this.#ownEvents;
    return state.queuedBytes + state.storedBytes + state.foreignEvents * mean;
  }

  get maxPartitionBytes(): number {
    return this.#partitions.reduce((most, _, partition) => Math.max(most, this.bytes(partition)), 0);
  }

  queued(partition: number, bytes: number): void {
    this.#state(partition).queuedBytes += bytes;
    this.#ownEvents++;
    this.#ownBytes += bytes;
  }

  /** The broker stored the event at `offset`. */
  stored(partition: number, bytes: number, offset: number): void {
    const state = this.#state(partition);
    state.queuedBytes -= bytes;
    state.storedBytes += bytes;
    state.storedEvents++;
    const last = state.segments.at(-1);
    if (last !== undefined && last.events < SEGMENT_EVENTS && offset > last.lastOffset) {
      last.lastOffset = offset;
      last.events++;
      last.bytes += bytes;
    } else {
      state.segments.push({ lastOffset: offset, events: 1, bytes });
    }
  }

  failed(partition: number, bytes: number): void {
    this.#state(partition).queuedBytes -= bytes;
  }

  /**
   * Takes over what the broker says: the reading group's committed offset (null: none yet) and the partition's watermarks.
   * Our own stored events below the committed offset are forgotten; the rest of the span belongs to other producers.
   */
  observed(partition: number, committedOffset: number | null, lowOffset: number, highOffset: number): void {
    const state = this.#state(partition);
    const readUpTo = committedOffset ?? lowOffset;
    while (state.segments[0] !== undefined && state.segments[0].lastOffset < readUpTo) {
      const gone = state.segments.shift() as Segment;
      state.storedBytes -= gone.bytes;
      state.storedEvents -= gone.events;
    }
    state.foreignEvents = Math.max(0, highOffset - readUpTo - state.storedEvents);
  }

  #state(partition: number): PartitionBacklog {
    let state = this.#partitions[partition];
    if (state === undefined) {
      for (let index = this.#partitions.length; index <= partition; index++) this.#partitions[index] = new PartitionBacklog();
      state = this.#partitions[partition] as PartitionBacklog;
    }
    return state;
  }
}
