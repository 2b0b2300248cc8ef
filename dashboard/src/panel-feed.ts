import { batch, signal } from '@preact/signals';
import { type Fault, faultOf, type FeedResponse, isRefused, noAnswer } from './fault.js';

/**
 * One resource of the API, kept up to date for one panel.
 *
 * States: loading (nothing shown yet) -> ready; ready -> refreshing when the reader changes range or filters (what is shown stays, dimmed)
 * -> ready; any -> failed -> ready. When a changed view fails, what was shown before goes: it would stand under the wrong filters.
 * It rests while hidden or paused, but a changed view is asked for while paused too. At most one request is under way: a changed view and
 * `retry` abort it, the regular refresh waits for it. A question that the API refuses is not repeated until it changes.
 */

export type PanelState = 'loading' | 'ready' | 'refreshing' | 'failed';

export interface PanelOptions<T> {
  /** From one answer to the next question; null asks once. */
  readonly intervalMs: number | null;
  readonly timeoutMs: number;
  /** Longest wait after faults. */
  readonly retryMaxMs: number;
  /** Asks for the view as it is now: presets move along with the time. */
  readonly request: (signal: AbortSignal) => Promise<FeedResponse>;
  /** @throws TypeError when the body is something else. */
  readonly read: (body: unknown) => T;
  readonly nowUnixMs: () => number;
}

export class PanelFeed<T> {
  readonly state = signal<PanelState>('loading');
  readonly data = signal<T | null>(null);
  /** What this view showed before its newest answer; null when that is its first. */
  readonly previous = signal<T | null>(null);
  readonly fault = signal<Fault | null>(null);
  /** When the API last answered this view; 0 before the first time. */
  readonly answeredAtUnixMs = signal(0);

  readonly #options: PanelOptions<T>;
  #stopped = true;
  #hidden = false;
  #paused = false;
  /** The view was changed and not yet answered. */
  #changed = false;
  #etag: string | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #underWay: AbortController | null = null;

  constructor(options: PanelOptions<T>) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = false;
    this.#schedule(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#abort();
  }

  /** The reader wants something else: asks at once. */
  change(): void {
    this.#changed = true;
    this.#etag = null;
    this.#failures = 0;
    this.#abort();
    batch(() => {
      this.fault.value = null;
      this.state.value = this.data.value === null ? 'loading' : 'refreshing';
    });
    this.#schedule(0);
  }

  /** Asks at once, whatever the wait. */
  retry(): void {
    this.#abort();
    this.#schedule(0);
  }

  setHidden(hidden: boolean): void {
    this.#hidden = hidden;
    this.#schedule(0);
  }

  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#schedule(0);
  }

  #abort(): void {
    this.#underWay?.abort();
    this.#underWay = null;
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#hidden) return;
    if (this.state.value === 'ready' && (this.#paused || this.#options.intervalMs === null)) return;
    this.#timer = setTimeout(() => void this.#ask(), delayMs);
  }

  async #ask(): Promise<void> {
    if (this.#underWay !== null) return;
    const underWay = new AbortController();
    this.#underWay = underWay;
    const limit = setTimeout(() => underWay.abort(), this.#options.timeoutMs);
    let answer: (() => void) | null;
    try {
      answer = await this.#answer(await this.#options.request(underWay.signal));
    } catch {
      answer = () => this.#failed(noAnswer);
    } finally {
      clearTimeout(limit);
    }
    // A newer question took its place: this answer is for nobody.
    if (this.#underWay !== underWay) return;
    this.#underWay = null;
    batch(answer);
    const { intervalMs, retryMaxMs } = this.#options;
    // Asked again, the same question would be refused again.
    if (this.fault.value !== null && isRefused(this.fault.value)) return;
    if (this.#failures > 0) this.#schedule(Math.min(retryMaxMs, (intervalMs ?? retryMaxMs) * 2 ** Math.min(this.#failures, 20)));
    else if (intervalMs !== null) this.#schedule(intervalMs);
  }

  /** Reads an answer to the end; what it changes happens later, if the question still stands. */
  async #answer(response: FeedResponse): Promise<() => void> {
    if (!response.ok) {
      const fault = await faultOf(response);
      return () => this.#failed(fault);
    }
    const etag = response.headers.get('etag');
    const unchanged = etag !== null && etag === this.#etag;
    const data = unchanged ? this.data.value : this.#options.read(await response.json());
    return () => {
      if (!unchanged || this.#changed) this.previous.value = this.#changed ? null : this.data.value;
      this.#etag = etag;
      this.#changed = false;
      this.#failures = 0;
      this.data.value = data;
      this.answeredAtUnixMs.value = this.#options.nowUnixMs();
      this.fault.value = null;
      this.state.value = 'ready';
    };
  }

  #failed(fault: Fault): void {
    this.#failures++;
    if (this.#changed) {
      this.data.value = null;
      this.answeredAtUnixMs.value = 0;
    }
    this.fault.value = fault;
    this.state.value = 'failed';
  }
}
