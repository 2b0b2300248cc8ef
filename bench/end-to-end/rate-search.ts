/**
 * Finds the highest rate that something sustains: grows by half until a rate does not hold, then halves the gap between the highest rate that
 * held and the lowest that did not (by their geometric mean) until it is narrow. Pure: whoever runs the steps asks for the next rate.
 *
 * States: growing (nothing has failed) | shrinking (nothing has held) | narrowing (both are known) -> over.
 */
export interface SearchBounds {
  readonly firstPerSecond: number;
  readonly leastPerSecond: number;
  readonly mostPerSecond: number;
  /** Most steps altogether. */
  readonly stepsMax: number;
  /** Over when the lowest rate that failed is within this share of the highest that held. */
  readonly toleranceShare: number;
}

const GROWTH = 1.5;

export class RateSearch {
  readonly #bounds: SearchBounds;
  #held: number | null = null;
  #failed: number | null = null;
  #steps = 0;

  /** @throws Error when the bounds contradict each other. */
  constructor(bounds: SearchBounds) {
    const { firstPerSecond, leastPerSecond, mostPerSecond } = bounds;
    if (!(leastPerSecond > 0 && leastPerSecond <= firstPerSecond && firstPerSecond <= mostPerSecond))
      throw new Error(`a search from ${leastPerSecond} over ${firstPerSecond} to ${mostPerSecond} a second makes no sense`);
    this.#bounds = bounds;
  }

  /** The highest rate that held so far. */
  get found(): number | null {
    return this.#held;
  }

  /** The rate to try now, in whole requests a second; null: the search is over. */
  next(): number | null {
    const { firstPerSecond, leastPerSecond, mostPerSecond, stepsMax, toleranceShare } = this.#bounds;
    if (this.#steps >= stepsMax) return null;
    if (this.#held === null && this.#failed === null) return firstPerSecond;
    if (this.#failed === null) return this.#held === mostPerSecond ? null : Math.min(mostPerSecond, Math.round((this.#held ?? 0) * GROWTH));
    if (this.#held === null) return this.#failed === leastPerSecond ? null : Math.max(leastPerSecond, Math.round(this.#failed / 2));
    const middle = Math.round(Math.sqrt(this.#held * this.#failed));
    const narrow = this.#failed <= this.#held * (1 + toleranceShare) || middle <= this.#held || middle >= this.#failed;
    return narrow ? null : middle;
  }

  /** Tells what became of a rate. */
  observe(perSecond: number, held: boolean): void {
    this.#steps++;
    if (held) this.#held = Math.max(this.#held ?? 0, perSecond);
    else this.#failed = Math.min(this.#failed ?? Number.POSITIVE_INFINITY, perSecond);
  }
}
