import { isSampledTrace } from '@helios/proto/traceparent';
import pino, { type Logger } from 'pino';

/** JSON logs on standard output, and the choice of which requests are logged. Source: spec section 2.8. */

export type { Logger };

/** A logger that names its service in every line and writes synchronously: a crash loses no line, worker threads can use it too. */
export function createLogger(service: string, level: string): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 1, sync: true }),
  );
}

interface Window {
  startedMs: number;
  /** Candidates that the rate let through, in this window and in the one before. */
  candidates: number;
  previousCandidates: number;
  logged: number;
}

/**
 * Chooses by a hash of the request id which requests are logged, so that every service logs the same ones.
 *
 * `rate` (0..1) is the share of ids; above `maxPerSecond` lines per event and second the share shrinks, by the same hash: the ids that
 * remain are the ones with the smallest hashes, in every service. A sampled `traceparent` is exempt from the rate, not from the cap.
 */
export class LogSampler {
  readonly #rate: number;
  readonly #maxPerSecond: number;
  readonly #nowMs: () => number;
  readonly #windows = new Map<string, Window>();
  /** Lines left out, per event: by the rate or by the cap. */
  readonly leftOut = new Map<string, number>();

  /** `events`: the names that `shouldLog` will be asked about, so that each is counted from 0 on. */
  constructor(rate: number, maxPerSecond: number, nowMs: () => number = Date.now, events: readonly string[] = []) {
    for (const event of events) this.leftOut.set(event, 0);
    this.#rate = rate;
    this.#maxPerSecond = maxPerSecond;
    this.#nowMs = nowMs;
  }

  shouldLog(event: string, requestId: string, traceparent?: string): boolean {
    const traced = isSampledTrace(traceparent);
    const position = hashFraction(requestId);
    if (!traced && position >= this.#rate) return this.#leaveOut(event);
    const window = this.#window(event);
    window.candidates++;
    if (window.logged >= this.#maxPerSecond) return this.#leaveOut(event);
    if (!traced && position >= this.#rate * this.#share(window)) return this.#leaveOut(event);
    window.logged++;
    return true;
  }

  /** The share of ids that fits under the cap: from the window before, tightened as this one fills up. */
  #share(window: Window): number {
    const expected = Math.max(window.previousCandidates, window.candidates);
    const steady = expected > this.#maxPerSecond ? this.#maxPerSecond / expected : 1;
    const used = window.logged / this.#maxPerSecond;
    return used < 0.5 ? steady : used < 0.75 ? steady / 2 : steady / 8;
  }

  #window(event: string): Window {
    const nowMs = this.#nowMs();
    let window = this.#windows.get(event);
    if (window === undefined) {
      window = { startedMs: nowMs - (nowMs % 1000), candidates: 0, previousCandidates: 0, logged: 0 };
      this.#windows.set(event, window);
    } else if (nowMs - window.startedMs >= 1000 || nowMs < window.startedMs) {
      const consecutive = nowMs - window.startedMs < 2000 && nowMs >= window.startedMs;
      window.previousCandidates = consecutive ? window.candidates : 0;
      window.candidates = 0;
      window.logged = 0;
      window.startedMs = nowMs - (nowMs % 1000);
    }
    return window;
  }

  #leaveOut(event: string): false {
    this.leftOut.set(event, (this.leftOut.get(event) ?? 0) + 1);
    return false;
  }
}

/** FNV-1a with a final mix, as a fraction in [0, 1): the same in every service and on every machine. */
export function hashFraction(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}
