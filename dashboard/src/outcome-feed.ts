import { batch, signal } from '@preact/signals';
import type { Outcome } from './outcome.js';

/**
 * Keeps the newest outcomes up to date by asking the API about once a second.
 *
 * States: loading (nothing answered yet) -> live; any state -> failed (what was shown stays) -> live. It rests while `hidden` or `paused`.
 * At most one request is under way; after a fault the waits grow, and `retry` asks at once.
 */

export interface Fault {
  readonly title: string;
  readonly detail: string;
  /** By which the API's log is searched; null when there was no answer. */
  readonly requestId: string | null;
}

/** What the feed needs of an HTTP response. */
export interface FeedResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  json(): Promise<unknown>;
}

export interface FeedOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Longest wait after faults. */
  readonly retryMaxMs: number;
  readonly request: (signal: AbortSignal) => Promise<FeedResponse>;
  readonly nowUnixMs: () => number;
}

export class OutcomeFeed {
  readonly outcomes = signal<readonly Outcome[]>([]);
  readonly state = signal<'loading' | 'live' | 'failed'>('loading');
  readonly fault = signal<Fault | null>(null);
  readonly paused = signal(false);
  /** When the API last answered; 0 before the first time. */
  readonly answeredAtUnixMs = signal(0);
  /** Newest `timestamp` of the answer before: rows above it are new. */
  readonly seenUntil = signal('');

  readonly #options: FeedOptions;
  #hidden = false;
  #etag: string | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #underWay: AbortController | null = null;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(0);
  }

  stop(): void {
    this.#hidden = true;
    clearTimeout(this.#timer);
    this.#underWay?.abort();
  }

  /** Asks at once, whatever the wait. */
  retry(): void {
    this.#schedule(0);
  }

  setPaused(paused: boolean): void {
    this.paused.value = paused;
    this.#schedule(0);
  }

  /** A tab that nobody sees asks for nothing. */
  setHidden(hidden: boolean): void {
    this.#hidden = hidden;
    this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#hidden || (this.paused.value && this.state.value === 'live')) return;
    this.#timer = setTimeout(() => void this.#poll(), delayMs);
  }

  async #poll(): Promise<void> {
    if (this.#underWay !== null) return;
    const underWay = new AbortController();
    this.#underWay = underWay;
    const limit = setTimeout(() => underWay.abort(), this.#options.timeoutMs);
    try {
      await this.#read(await this.#options.request(underWay.signal));
      this.#failures = 0;
    } catch {
      this.#failed({ title: 'The analytics API does not answer', detail: 'No connection, or no answer in time.', requestId: null });
    } finally {
      clearTimeout(limit);
      this.#underWay = null;
    }
    const { intervalMs, retryMaxMs } = this.#options;
    this.#schedule(Math.min(Math.max(intervalMs, retryMaxMs), intervalMs * 2 ** Math.min(this.#failures, 20)));
  }

  async #read(response: FeedResponse): Promise<void> {
    if (!response.ok) {
      this.#failed(await faultOf(response));
      return;
    }
    const etag = response.headers.get('etag');
    const results = etag !== null && etag === this.#etag ? null : resultsOf(await response.json());
    this.#etag = etag;
    batch(() => {
      if (results !== null) {
        this.seenUntil.value = this.outcomes.value[0]?.timestamp ?? '';
        this.outcomes.value = results;
      }
      this.answeredAtUnixMs.value = this.#options.nowUnixMs();
      this.fault.value = null;
      this.state.value = 'live';
    });
  }

  #failed(fault: Fault): void {
    this.#failures++;
    batch(() => {
      this.fault.value = fault;
      this.state.value = 'failed';
    });
  }
}

/** The problem that the API reports, or what can be said without one. */
async function faultOf(response: FeedResponse): Promise<Fault> {
  const requestId = response.headers.get('x-request-id');
  try {
    const problem = (await response.json()) as { title?: unknown; detail?: unknown; request_id?: unknown };
    return {
      title: typeof problem.title === 'string' ? problem.title : `Status ${response.status}`,
      detail: typeof problem.detail === 'string' ? problem.detail : '',
      requestId: typeof problem.request_id === 'string' ? problem.request_id : requestId,
    };
  } catch {
    return { title: `Status ${response.status}`, detail: 'The answer is not from the analytics API.', requestId };
  }
}

/** @throws TypeError when the body is no page of outcomes. */
function resultsOf(body: unknown): readonly Outcome[] {
  const results = typeof body === 'object' && body !== null ? (body as { results?: unknown }).results : undefined;
  if (!Array.isArray(results)) throw new TypeError('not a page of outcomes');
  return results as Outcome[];
}
