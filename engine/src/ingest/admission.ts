import type { DeliverySink } from '@helios/runtime/kafka/producer';

/**
 * The bound on requests in flight: a table of slots, each held from before `produce` until the broker's delivery report.
 *
 * States of a slot: free -> waiting (somebody waits for the report, until a deadline) -> abandoned (nobody waits any more: the deadline
 * passed or the client left) -> free. `acquire`: free -> waiting; `abandon` and `sweep`: waiting -> abandoned; `delivered`: waiting or
 * abandoned -> free; `release`: waiting -> free, when the producer refused. A slot is never given to another request before its report,
 * so the slot itself is the token of the report.
 *
 * Nothing is allocated per request and there is no timer per request: all deadlines are the same time away, so the order of acquisition
 * is the order of deadlines, and a linked list through two arrays keeps it.
 */

/** What a request in flight comes to. Each waiter gets exactly one of the two, unless it is abandoned or released first. */
export interface AdmissionOwner<W> {
  /** The report is here; `error` null: the broker acknowledged. The slot is free again. */
  settled(waiter: W, error: string | null): void;
  /** The deadline passed. The slot stays taken until the report. */
  expired(waiter: W): void;
}

/** What `acquire` returns when every slot is taken. */
export const NO_SLOT = -1;

const NONE = -1;
const FREE = 0;
const WAITING = 1;
const ABANDONED = 2;

export class Admission<W> implements DeliverySink {
  readonly #owner: AdmissionOwner<W>;
  readonly #ackTimeoutMs: number;
  readonly #waiters: (W | undefined)[];
  readonly #states: Uint8Array;
  readonly #deadlinesMonoMs: Float64Array;
  /** The waiting slots in order of their deadlines. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #first = NONE;
  #last = NONE;
  readonly #freeSlots: Int32Array;
  #freeCount: number;

  /** @param capacity slots, at least 1. @param ackTimeoutMs from `acquire` to the deadline. */
  constructor(capacity: number, ackTimeoutMs: number, owner: AdmissionOwner<W>) {
    this.#owner = owner;
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#waiters = Array.from<W | undefined>({ length: capacity });
    this.#states = new Uint8Array(capacity);
    this.#deadlinesMonoMs = new Float64Array(capacity);
    this.#next = new Int32Array(capacity).fill(NONE);
    this.#previous = new Int32Array(capacity).fill(NONE);
    this.#freeSlots = Int32Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
    this.#freeCount = capacity;
  }

  /** Slots taken: events whose delivery report is owed. */
  get inFlight(): number {
    return this.#waiters.length - this.#freeCount;
  }

  get full(): boolean {
    return this.#freeCount === 0;
  }

  /** Takes a slot for `waiter`, or returns NO_SLOT. `nowMonoMs` must not go backwards from one call to the next. */
  acquire(waiter: W, nowMonoMs: number): number {
    if (this.#freeCount === 0) return NO_SLOT;
    const slot = this.#freeSlots[--this.#freeCount] as number;
    this.#states[slot] = WAITING;
    this.#waiters[slot] = waiter;
    this.#deadlinesMonoMs[slot] = nowMonoMs + this.#ackTimeoutMs;
    this.#append(slot);
    return slot;
  }

  /** Gives back a slot whose event was never queued: no report will come. */
  release(slot: number): void {
    this.#expect(slot, WAITING, 'release');
    this.#unlink(slot);
    this.#free(slot);
  }

  /** Nobody waits for this slot any more; it stays taken until its report. */
  abandon(slot: number): void {
    this.#expect(slot, WAITING, 'abandon');
    this.#unlink(slot);
    this.#states[slot] = ABANDONED;
    this.#waiters[slot] = undefined;
  }

  delivered(slot: number, error: string | null): void {
    const state = this.#states[slot];
    if (state === ABANDONED) return this.#free(slot);
    this.#expect(slot, WAITING, 'delivery report');
    const waiter = this.#waiters[slot] as W;
    this.#unlink(slot);
    this.#free(slot);
    this.#owner.settled(waiter, error);
  }

  /** Abandons every slot whose deadline is not after `nowMonoMs`, oldest first, and tells the owner. Returns how many. */
  sweep(nowMonoMs: number): number {
    let expired = 0;
    while (this.#first !== NONE && (this.#deadlinesMonoMs[this.#first] as number) <= nowMonoMs) {
      const slot = this.#first;
      const waiter = this.#waiters[slot] as W;
      this.abandon(slot);
      expired++;
      this.#owner.expired(waiter);
    }
    return expired;
  }

  #append(slot: number): void {
    this.#previous[slot] = this.#last;
    this.#next[slot] = NONE;
    if (this.#last === NONE) this.#first = slot;
    else this.#next[this.#last] = slot;
    this.#last = slot;
  }

  #unlink(slot: number): void {
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    if (previous === NONE) this.#first = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#last = previous;
    else this.#previous[next] = previous;
  }

  #free(slot: number): void {
    this.#states[slot] = FREE;
    this.#waiters[slot] = undefined;
    this.#freeSlots[this.#freeCount++] = slot;
  }

  #expect(slot: number, state: number, what: string): void {
    if (this.#states[slot] !== state) throw new Error(`${what} for slot ${slot}, which is in state ${this.#states[slot]}, not ${state}`);
  }
}
