/**
 * A token bucket per client address: `perSecond` requests a second with bursts of twice that. Pure but for its own memory: time is a
 * parameter. At most `maxClients` are remembered; the one longest unseen is forgotten first, which gives it a full bucket again.
 */
export class RateLimiter {
  readonly #perSecond: number;
  readonly #maxClients: number;
  readonly #clients = new Map<string, { tokens: number; atMonoMs: number }>();
  limited = 0;

  constructor(perSecond: number, maxClients: number) {
    this.#perSecond = perSecond;
    this.#maxClients = maxClients;
  }

  /** Takes one request of `client`. Returns 0 when it may go on, else the seconds after which it may come again (whole, at least 1). */
  take(client: string, nowMonoMs: number): number {
    if (this.#perSecond === 0) return 0;
    const burst = this.#perSecond * 2;
    const bucket = this.#clients.get(client) ?? { tokens: burst, atMonoMs: nowMonoMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMonoMs - bucket.atMonoMs) / 1000) * this.#perSecond);
    bucket.atMonoMs = nowMonoMs;
    // Deleting and setting moves the client to the end: the map's first is the one longest unseen.
    this.#clients.delete(client);
    this.#clients.set(client, bucket);
    if (this.#clients.size > this.#maxClients) this.#forgetOldest();
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    this.limited++;
    return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perSecond));
  }

  #forgetOldest(): void {
    for (const client of this.#clients.keys()) {
      this.#clients.delete(client);
      return;
    }
  }
}
