/**
 * The accounting identity: every slot of a request that was answered 202 has exactly one end (one outcome, no bid by the pure rule, or a dead
 * letter), and under the run's ids nothing else was stored. Pure: it compares what was posted with what was found. It checks loss,
 * duplication and invention, not values. Source: spec section 5.
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

export interface FoundOutcome {
  readonly requestId: string;
  readonly slotId: string;
}

/** A dead letter; `slotId` null stands for all slots of its request (a letter from the topic of bid requests). */
export interface FoundLetter {
  readonly sourceTopic: string;
  readonly sourcePartition: number;
  readonly sourceOffset: number;
  readonly requestId: string;
  readonly slotId: string | null;
}

/** A slot that breaks the identity, by id, with what is wrong in words. */
export interface Finding {
  readonly requestId: string;
  readonly slotId: string;
  readonly why: string;
}

export interface AccountingReport {
  readonly acceptedRequests: number;
  readonly acceptedSlots: number;
  /** How the accepted slots ended. */
  readonly outcomes: number;
  readonly noBids: number;
  readonly deadLettered: number;
  /** Slots of unanswered or 5xx requests that were stored all the same: allowed, each once. */
  readonly storedUnconfirmed: number;
  /** Accepted slots without an end. */
  readonly missing: readonly Finding[];
  /** Ends where none may be: slots nobody posted, slots of refused requests, outcomes of slots that get no bid. */
  readonly unexpected: readonly Finding[];
  /** Slots with more than one end. */
  readonly duplicates: readonly Finding[];
  readonly holds: boolean;
}

interface Ends {
  outcomes: number;
  letters: number;
}

/** Postings of one id together. `unconfirmed`: one of them got no answer or a 5xx, so it may or may not be stored. */
interface Posting {
  accepted: boolean;
  unconfirmed: boolean;
  readonly slots: Map<string, { expectation: Expectation; accepted: boolean; unconfirmed: boolean }>;
}

/**
 * Compares postings with their ends. Postings of the same id (a retry) count as one: the most certain answer decides. Dead letters with the
 * same source topic, partition and offset are one letter.
 */
export function account(
  posted: Iterable<PostedRequest>,
  outcomes: Iterable<FoundOutcome>,
  letters: Iterable<FoundLetter>,
): AccountingReport {
  const postings = postingsById(posted);
  const found = endsBySlot(outcomes, letters, postings);
  const tally = new Tally();
  for (const [requestId, posting] of postings) {
    if (posting.accepted) tally.acceptedRequests++;
    const ends = found.get(requestId);
    for (const [slotId, slot] of posting.slots) {
      const end = ends?.get(slotId) ?? { outcomes: 0, letters: 0 };
      ends?.delete(slotId);
      if (slot.accepted) tally.accepted(requestId, slotId, slot.expectation, end, wholeLetter(ends));
      else tally.notAccepted(requestId, slotId, slot, end);
    }
  }
  for (const [requestId, slots] of found) {
    const posting = postings.get(requestId);
    const mayBeStored = posting !== undefined && (posting.accepted || posting.unconfirmed);
    for (const [slotId, end] of slots) if (slotId !== WHOLE_REQUEST || !mayBeStored) tally.invented(requestId, slotId, end);
  }
  return tally.report();
}

/** Key under which `endsBySlot` notes that a letter stands for a whole request; no slot id is empty. */
const WHOLE_REQUEST = '';

function wholeLetter(ends: Map<string, Ends> | undefined): boolean {
  return ends?.has(WHOLE_REQUEST) === true;
}

function postingsById(posted: Iterable<PostedRequest>): Map<string, Posting> {
  const postings = new Map<string, Posting>();
  for (const request of posted) {
    const posting: Posting = postings.get(request.id) ?? { accepted: false, unconfirmed: false, slots: new Map() };
    postings.set(request.id, posting);
    const accepted = request.status === 202;
    const unconfirmed = request.status === null || request.status >= 500;
    posting.accepted ||= accepted;
    posting.unconfirmed ||= unconfirmed;
    for (const slot of request.slots) {
      const before = posting.slots.get(slot.id);
      posting.slots.set(slot.id, {
        // Two postings of one id that disagree about a slot: the first stored wins, and which that is nobody knows.
        expectation: before === undefined || before.expectation === slot.expectation ? slot.expectation : 'either',
        accepted: accepted || before?.accepted === true,
        unconfirmed: unconfirmed || before?.unconfirmed === true,
      });
    }
  }
  return postings;
}

/** How often each slot ended, by request and slot id. */
function endsBySlot(
  outcomes: Iterable<FoundOutcome>,
  letters: Iterable<FoundLetter>,
  postings: ReadonlyMap<string, Posting>,
): Map<string, Map<string, Ends>> {
  const found = new Map<string, Map<string, Ends>>();
  const endOf = (requestId: string, slotId: string): Ends => {
    let slots = found.get(requestId);
    if (slots === undefined) found.set(requestId, (slots = new Map()));
    let end = slots.get(slotId);
    if (end === undefined) slots.set(slotId, (end = { outcomes: 0, letters: 0 }));
    return end;
  };
  for (const outcome of outcomes) endOf(outcome.requestId, outcome.slotId).outcomes++;
  const seen = new Set<string>();
  for (const letter of letters) {
    const source = `${letter.sourcePartition} ${letter.sourceOffset} ${letter.sourceTopic}`;
    if (seen.has(source)) continue;
    seen.add(source);
    if (letter.slotId !== null) {
      endOf(letter.requestId, letter.slotId).letters++;
      continue;
    }
    endOf(letter.requestId, WHOLE_REQUEST).letters++;
    for (const slotId of postings.get(letter.requestId)?.slots.keys() ?? []) endOf(letter.requestId, slotId).letters++;
  }
  return found;
}

class Tally {
  acceptedRequests = 0;
  #acceptedSlots = 0;
  #outcomes = 0;
  #noBids = 0;
  #deadLettered = 0;
  #storedUnconfirmed = 0;
  readonly #missing: Finding[] = [];
  readonly #unexpected: Finding[] = [];
  readonly #duplicates: Finding[] = [];

  accepted(requestId: string, slotId: string, expectation: Expectation, end: Ends, wholeRequest: boolean): void {
    this.#acceptedSlots++;
    const ends = end.outcomes + end.letters;
    if (ends > 1) return this.#add(this.#duplicates, requestId, slotId, `has ${described(end)}: more than one end`);
    if (ends === 0) {
      if (expectation === 'bid')
        this.#add(this.#missing, requestId, slotId, 'was answered 202 and has neither an outcome nor a dead letter');
      else this.#noBids++;
      return;
    }
    // A letter for the whole request is the end of all its slots, also of those that would have got no bid.
    if (expectation === 'no_bid' && !wholeRequest) {
      return this.#add(this.#unexpected, requestId, slotId, `has ${described(end)}, but gets no bid by the rule`);
    }
    if (end.outcomes === 1) this.#outcomes++;
    else this.#deadLettered++;
  }

  notAccepted(requestId: string, slotId: string, slot: { expectation: Expectation; unconfirmed: boolean }, end: Ends): void {
    const ends = end.outcomes + end.letters;
    if (ends === 0) return;
    if (!slot.unconfirmed) return this.#add(this.#unexpected, requestId, slotId, `has ${described(end)}, but its request was refused`);
    if (ends > 1) return this.#add(this.#duplicates, requestId, slotId, `has ${described(end)}: more than one end`);
    if (slot.expectation === 'no_bid' && end.outcomes > 0) {
      return this.#add(this.#unexpected, requestId, slotId, `has ${described(end)}, but gets no bid by the rule`);
    }
    this.#storedUnconfirmed++;
  }

  /** An end that no posted slot accounts for; the empty slot id stands for a whole request. */
  invented(requestId: string, slotId: string, end: Ends): void {
    this.#add(this.#unexpected, requestId, slotId, `has ${described(end)}, but nothing of it was accepted`);
  }

  report(): AccountingReport {
    return {
      acceptedRequests: this.acceptedRequests,
      acceptedSlots: this.#acceptedSlots,
      outcomes: this.#outcomes,
      noBids: this.#noBids,
      deadLettered: this.#deadLettered,
      storedUnconfirmed: this.#storedUnconfirmed,
      missing: this.#missing,
      unexpected: this.#unexpected,
      duplicates: this.#duplicates,
      holds: this.#missing.length + this.#unexpected.length + this.#duplicates.length === 0,
    };
  }

  #add(list: Finding[], requestId: string, slotId: string, why: string): void {
    list.push({ requestId, slotId, why });
  }
}

function described(end: Ends): string {
  const parts = [];
  if (end.outcomes > 0) parts.push(`${end.outcomes} outcome${end.outcomes > 1 ? 's' : ''}`);
  if (end.letters > 0) parts.push(`${end.letters} dead letter${end.letters > 1 ? 's' : ''}`);
  return parts.join(' and ');
}
