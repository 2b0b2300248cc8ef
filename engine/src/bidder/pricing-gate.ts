/**
 * Lets batches be priced side by side, and suspects with nothing beside them. A worker that dies takes every batch with it that it has
 * under way, so only a batch that was alone can be blamed for the death.
 */
export class PricingGate {
  readonly #beside = new Set<Promise<unknown>>();
  /** The last of those that wait to be, or are, alone. */
  #alone: Promise<unknown> | null = null;

  /** Runs `price` at once, or after the suspects. Settles as `price` does. */
  async beside<T>(price: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) await this.#alone;
    const pricing = price();
    this.#beside.add(pricing);
    try {
      return await pricing;
    } finally {
      this.#beside.delete(pricing);
    }
  }

  /** Runs `price` when all that is under way has ended, and lets nothing begin before it has. Settles as `price` does. */
  async alone<T>(price: () => Promise<T>): Promise<T> {
    const before = this.#alone;
    const pricing = (async () => {
      await before;
      await Promise.allSettled(this.#beside);
      return price();
    })();
    const ended = pricing.then(
      () => undefined,
      () => undefined,
    );
    this.#alone = ended;
    try {
      return await pricing;
    } finally {
      if (this.#alone === ended) this.#alone = null;
    }
  }
}
