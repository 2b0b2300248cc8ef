import { setTimeout as sleep } from 'node:timers/promises';

/** The one reason why the launcher ends: the first that comes. */
export class StopRequest {
  readonly #controller = new AbortController();
  #exitCode = 0;
  #sentence: string | null = null;
  /** Resolves when the end is requested. */
  readonly requested: Promise<void>;

  constructor() {
    this.requested = new Promise((resolve) => this.signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  /** Aborts at the first request. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get exitCode(): number {
    return this.#exitCode;
  }

  /** What to tell the person at the terminal; null when they asked for it. */
  get sentence(): string | null {
    return this.#sentence;
  }

  /** Asks for the end; later requests change nothing. */
  request(exitCode: number, sentence: string | null): void {
    if (this.signal.aborted) return;
    this.#exitCode = exitCode;
    this.#sentence = sentence;
    this.#controller.abort();
  }

  /** Waits, but not beyond the request to end. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal }).catch((error: unknown) => {
      if (!this.signal.aborted) throw error;
    });
  }

  /** `work`, or a rejection with `StopRequested` as soon as the end is requested. */
  async orStop<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {}); // when the stop wins, the work's own failure is of no interest
    const stopped = this.requested.then((): never => {
      throw new StopRequested();
    });
    return Promise.race([work, stopped]);
  }
}

export class StopRequested extends Error {
  constructor() {
    super('asked to stop');
  }
}
