import { setTimeout as sleep } from 'node:timers/promises';

/** Waits that double from `minMs` to `maxMs`, each shortened at random by up to half: writers that lost one database do not return in step. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempt = 0;

  /** `random` returns a number in [0, 1). */
  constructor(minMs: number, maxMs: number, random: () => number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** The next wait in milliseconds. */
  nextMs(): number {
    const fullMs = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempt);
    this.#attempt = Math.min(this.#attempt + 1, 40);
    return fullMs * (1 - this.#random() / 2);
  }

  /** Sleeps for the next wait; rejects at once when `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    await sleep(this.nextMs(), undefined, { signal });
  }
}
