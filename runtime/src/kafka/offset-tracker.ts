/**
 * Which offset of one partition may be committed while several batches are under way and end in any order (pure).
 *
 * Batches begin in offset order. A batch is open, then done. The committable offset is the one below which every message is done:
 * the end of the longest prefix of done batches. Source: spec section 2.1.
 */
export interface OffsetRange {
  readonly endOffset: number;
  /** Unix milliseconds of its first message's event. */
  readonly firstAtUnixMs: number;
  done: boolean;
}

export class OffsetTracker {
  readonly #open: OffsetRange[] = [];
  #expectedOffset: number | null;
  #committable: number | null = null;
  #committed: number | null;

  /** `committedOffset` is the group's committed offset for the partition, null when it has none. */
  constructor(committedOffset: number | null) {
    this.#expectedOffset = committedOffset;
    this.#committed = committedOffset;
  }

  /**
   * Notes one fetched message; returns how many offsets the broker skipped before it (0 in health).
   * A smaller offset than expected is a redelivery, not a loss.
   */
  fetched(offset: number): number {
    const lost = this.#expectedOffset === null ? 0 : Math.max(0, offset - this.#expectedOffset);
    this.#expectedOffset = offset + 1;
    return lost;
  }

  /** Opens the batch that ends with `lastOffset` and whose first event is of `firstAtUnixMs`. */
  begin(lastOffset: number, firstAtUnixMs = 0): OffsetRange {
    const range = { endOffset: lastOffset + 1, firstAtUnixMs, done: false };
    this.#open.push(range);
    return range;
  }

  finish(range: OffsetRange): void {
    range.done = true;
    while (this.#open[0]?.done === true) this.#committable = (this.#open.shift() as OffsetRange).endOffset;
  }

  /** The offset to commit now, or null when nothing new is done. */
  get toCommit(): number | null {
    return this.#committable !== null && this.#committable !== this.#committed ? this.#committable : null;
  }

  committed(offset: number): void {
    this.#committed = offset;
  }

  get idle(): boolean {
    return this.#open.length === 0;
  }

  /** Unix milliseconds of the oldest event that was fetched and is not finished; null when there is none. */
  get oldestOpenUnixMs(): number | null {
    return this.#open[0]?.firstAtUnixMs ?? null;
  }

  /** The offset to be fetched next, as far as it is known. */
  get expectedOffset(): number | null {
    return this.#expectedOffset;
  }

  get committedOffset(): number | null {
    return this.#committed;
  }
}
