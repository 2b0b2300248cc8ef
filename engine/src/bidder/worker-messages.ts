import type { NoBidReason } from './pricing.js';
import type { Profile } from './bid.js';
import type { InterestTiers } from './pricing.js';

/**
 * What crosses between the main thread and a worker: whole batches in transferable buffers, and rare facts (faults, sampled log lines)
 * as plain values.
 */

/** Settings of a worker; plain data, handed over once. */
export interface WorkerSettings {
  readonly tiers: InterestTiers;
  readonly auctionType: 1 | 2;
  readonly profileAddress: string;
  readonly profileTimeoutMs: number;
  readonly breakerErrorPercent: number;
  readonly breakerMinCalls: number;
  readonly breakerWindowMs: number;
  readonly breakerResetMs: number;
  readonly logLevel: string;
  /** One `BreakerState` per worker, at `threadId % length`; shared memory, so that the main thread reads it at scrape time. */
  readonly breakerStates: Int32Array;
  /** One number, shared likewise: how often breakers opened. */
  readonly breakerOpenings: Int32Array;
}

export const breakerStates = ['closed', 'open', 'half_open'] as const;
export type BreakerState = (typeof breakerStates)[number];

export interface BidTask {
  /** Messages back to back. */
  readonly bytes: ArrayBuffer;
  /** `ends[i]`: where message `i` ends in `bytes`. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** Indexes of the messages whose profile and bids are wanted for the log. */
  readonly logged: readonly number[];
  /** Those of them whose request belongs to a trace, at most `TRACED_USERS_MAX`: profile-svc is told of it. */
  readonly traced: readonly TracedMessage[];
}

export interface TracedMessage {
  readonly index: number;
  readonly traceparent: string;
}

/** How the lookup of a batch's profiles ended. */
export const lookupResults = ['ok', 'failed', 'deadline', 'rejected', 'none'] as const;
export type LookupResult = (typeof lookupResults)[number];

export interface BidResult {
  /** Encoded bid responses back to back. */
  readonly bytes: ArrayBuffer;
  /** `ends[i]`: where bid `i` ends; `sources[i]`: the message it answers. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly sources: Uint32Array<ArrayBuffer>;
  readonly noBids: Readonly<Record<NoBidReason, number>>;
  readonly enrichedBids: number;
  /** Messages that are no valid request. */
  readonly faults: readonly MessageFault[];
  readonly logs: readonly LoggedRequest[];
  readonly lookup: { readonly result: LookupResult; readonly durationMs: number; readonly userIds: number };
  /** Time spent on parsing, pricing and encoding, in milliseconds. */
  readonly workMs: number;
}

export interface MessageFault {
  readonly index: number;
  readonly code: string;
  readonly detail: string;
}

/** What the log is to say of a message, beside the message itself: a request nested deeply cannot be copied between threads. */
export interface LoggedRequest {
  readonly index: number;
  readonly requestId: string;
  /** null: the lookup failed, was late or was not tried. */
  readonly profile: Profile | null;
  readonly bidIds: readonly string[];
  readonly noBids: readonly { readonly slotId: string; readonly reason: NoBidReason }[];
}

/** Packs message values for transfer: one copy each, into memory of its own (Node's pooled buffers cannot be transferred). */
export function packMessages(
  values: readonly (Buffer | null)[],
  logged: readonly number[],
  traced: readonly TracedMessage[] = [],
): BidTask {
  let total = 0;
  const ends = new Uint32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    total += values[index]?.length ?? 0;
    ends[index] = total;
  }
  const bytes = new ArrayBuffer(total);
  const target = new Uint8Array(bytes);
  let start = 0;
  for (const value of values) {
    if (value === null) continue;
    target.set(value, start);
    start += value.length;
  }
  return { bytes, ends, logged, traced };
}

/** Encoded texts back to back in memory that grows; `finish` gives it away for transfer. */
export class TextPacker {
  #bytes: Buffer;
  #length = 0;

  constructor(expectedBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(1024, expectedBytes));
  }

  /** Appends text as UTF-8 and returns where it ends. */
  append(text: string): number {
    const mostBytes = text.length * 3;
    if (this.#length + mostBytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + mostBytes));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(text, this.#length);
    return this.#length;
  }

  finish(): ArrayBuffer {
    return this.#bytes.buffer as ArrayBuffer;
  }
}
