/**
 * Every slot that was posted, with what is known of it, in columns of numbers: 500,000 requests with 1.5 million slots take 180 MB with all
 * of the identity (a map and objects per request took 610 MB). Pure.
 */

/** What the pure no-bid rule says of a slot; `either` where degraded enrichment may decide it. */
export type Expectation = 'bid' | 'no_bid' | 'either';

export interface PostedSlot {
  readonly id: string;
  readonly expectation: Expectation;
}

export interface PostedRequest {
  readonly id: string;
  /** The HTTP status; null when no answer came, which like a 5xx does not say that the request was not stored. */
  readonly status: number | null;
  /** Empty when the body is not a valid request. */
  readonly slots: readonly PostedSlot[];
}

const expectations: readonly Expectation[] = ['bid', 'no_bid', 'either'];
const EXPECTATION_MASK = 3;
const ACCEPTED = 4;
const UNCONFIRMED = 8;
const NONE = -1;

/**
 * Requests and slots have numbers, counted from 0 in the order of posting. Postings of one id count as one request: the most certain
 * answer decides, and a slot on which two postings disagree may end `either` way.
 */
export class SlotTable {
  readonly #requests = new Map<string, number>();
  readonly #requestMarks = new Column();
  readonly #firstSlots = new Column();
  readonly #slotMarks = new Column();
  readonly #slotNames = new Column();
  readonly #nextSlots = new Column();
  /** Slot ids repeat from request to request. */
  readonly #names: string[] = [];
  readonly #numberOfName = new Map<string, number>();

  get requestCount(): number {
    return this.#requests.size;
  }

  get slotCount(): number {
    return this.#slotMarks.length;
  }

  /** Adds a posting; `status` 202 makes it accepted, null or 500 and up unconfirmed, anything else refused. */
  post(request: PostedRequest): void {
    const answer = request.status === 202 ? ACCEPTED : request.status === null || request.status >= 500 ? UNCONFIRMED : 0;
    let number = this.#requests.get(request.id);
    if (number === undefined) {
      number = this.#requestMarks.push(0);
      this.#firstSlots.push(NONE);
      this.#requests.set(request.id, number);
    }
    this.#requestMarks.set(number, this.#requestMarks.at(number) | answer);
    for (const { id, expectation } of request.slots) this.#postSlot(number, id, expectation, answer);
  }

  /** All requests, in the order of posting. */
  requests(): IterableIterator<[id: string, request: number]> {
    return this.#requests.entries();
  }

  /** The number of a request; -1 when it was not posted. */
  requestOf(id: string): number {
    return this.#requests.get(id) ?? NONE;
  }

  /** One of its postings was answered 202. */
  requestAccepted(request: number): boolean {
    return (this.#requestMarks.at(request) & ACCEPTED) !== 0;
  }

  /** One of its postings got no answer or a 5xx, so it may or may not be stored. */
  requestUnconfirmed(request: number): boolean {
    return (this.#requestMarks.at(request) & UNCONFIRMED) !== 0;
  }

  /** A request's first slot, or -1; `nextSlot` leads on. */
  firstSlot(request: number): number {
    return this.#firstSlots.at(request);
  }

  nextSlot(slot: number): number {
    return this.#nextSlots.at(slot);
  }

  /** The number of a slot; -1 when the request was not posted or has no such slot. */
  slotOf(requestId: string, slotId: string): number {
    const request = this.requestOf(requestId);
    const name = this.#numberOfName.get(slotId);
    if (request === NONE || name === undefined) return NONE;
    let slot = this.firstSlot(request);
    while (slot !== NONE && this.#slotNames.at(slot) !== name) slot = this.nextSlot(slot);
    return slot;
  }

  slotId(slot: number): string {
    return this.#names[this.#slotNames.at(slot)] ?? '';
  }

  expectation(slot: number): Expectation {
    return expectations[this.#slotMarks.at(slot) & EXPECTATION_MASK] ?? 'either';
  }

  slotAccepted(slot: number): boolean {
    return (this.#slotMarks.at(slot) & ACCEPTED) !== 0;
  }

  slotUnconfirmed(slot: number): boolean {
    return (this.#slotMarks.at(slot) & UNCONFIRMED) !== 0;
  }

  #postSlot(request: number, id: string, expectation: Expectation, answer: number): void {
    const name = this.#nameOf(id);
    let last = NONE;
    for (let slot = this.firstSlot(request); slot !== NONE; last = slot, slot = this.nextSlot(slot)) {
      if (this.#slotNames.at(slot) !== name) continue;
      // Two postings of one id that disagree about a slot: the first stored wins, and which that is nobody knows.
      const agreed = this.expectation(slot) === expectation ? expectation : 'either';
      const answers = (this.#slotMarks.at(slot) & ~EXPECTATION_MASK) | answer;
      return this.#slotMarks.set(slot, answers | expectations.indexOf(agreed));
    }
    const slot = this.#slotMarks.push(answer | expectations.indexOf(expectation));
    this.#slotNames.push(name);
    this.#nextSlots.push(NONE);
    if (last === NONE) this.#firstSlots.set(request, slot);
    else this.#nextSlots.set(last, slot);
  }

  #nameOf(id: string): number {
    let number = this.#numberOfName.get(id);
    if (number === undefined) {
      number = this.#names.push(id) - 1;
      this.#numberOfName.set(id, number);
    }
    return number;
  }
}

/** A list of whole numbers that doubles its room when it is full. */
class Column {
  #values = new Int32Array(1024);
  length = 0;

  at(index: number): number {
    const value = this.#values[index];
    if (value === undefined || index >= this.length) throw new RangeError(`index ${index} of ${this.length}`);
    return value;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** @returns where the value stands. */
  push(value: number): number {
    if (this.length === this.#values.length) {
      const wider = new Int32Array(this.#values.length * 2);
      wider.set(this.#values);
      this.#values = wider;
    }
    this.#values[this.length] = value;
    return this.length++;
  }
}
