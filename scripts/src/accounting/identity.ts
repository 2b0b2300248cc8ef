/**
 * The accounting identity: every slot of a request that was answered 202 has exactly one end (one outcome, no bid by the pure rule, or a dead
 * letter), and under the run's ids nothing else was stored. Pure: it compares what was posted with what was found. It checks loss,
 * duplication and invention, not values. Source: spec section 5.
 */
import { type PostedRequest, SlotTable } from './slot-table.js';

export type { Expectation, PostedRequest, PostedSlot } from './slot-table.js';

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

/** The slot id of a letter from a later topic whose value does not name a slot. */
export const UNKNOWN_SLOT = '?';

/**
 * A message sent on purpose that no service can handle, by its key and the slot that its letter will name: null on the topic of bid requests,
 * `UNKNOWN_SLOT` on a later one when its value names none.
 */
export interface Poison {
  readonly requestId: string;
  readonly slotId: string | null;
}

export interface AccountOptions {
  /**
   * What must be in the dead letters, exactly; empty: nothing may be there. Null (the default): letters are ends like any other.
   * Source: fault matrix C1, rule 5.
   */
  readonly poison?: Iterable<Poison> | null;
}

/** A slot that breaks the identity, by id, with what is wrong in words; an empty slot id stands for the whole request. */
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
  /** Dead letters of messages that were sent on purpose. */
  readonly poisonLetters: number;
  /** Accepted slots without an end. */
  readonly missing: readonly Finding[];
  /** Ends where none may be: slots nobody posted, slots of refused requests, outcomes of slots that get no bid. */
  readonly unexpected: readonly Finding[];
  /** Slots with more than one end. */
  readonly duplicates: readonly Finding[];
  /** Where the dead letters are told beforehand: those that nobody planted, and those planted that are not there. */
  readonly deadLettersUnexpected: readonly Finding[];
  readonly poisonMissing: readonly Finding[];
  readonly holds: boolean;
}

/**
 * Compares postings with their ends. Postings of the same id (a retry) count as one: the most certain answer decides. Dead letters with the
 * same source topic, partition and offset are one letter.
 */
export function account(
  posted: Iterable<PostedRequest>,
  outcomes: Iterable<FoundOutcome>,
  letters: Iterable<FoundLetter>,
  options: AccountOptions = {},
): AccountingReport {
  const table = new SlotTable();
  for (const request of posted) table.post(request);
  const accounting = new Accounting(table, options);
  for (const outcome of outcomes) accounting.outcome(outcome);
  for (const letter of letters) accounting.letter(letter);
  return accounting.report();
}

interface Ends {
  outcomes: number;
  letters: number;
}

/** `account` for what arrives piece by piece: the ends of the requests in `table`, which is complete, are given one at a time. */
export class Accounting {
  readonly #table: SlotTable;
  readonly #outcomes: Uint32Array;
  readonly #letters: Uint32Array;
  /** Letters for whole requests, by request. */
  readonly #wholeLetters: Uint32Array;
  /** Ends of what nobody posted, by `idOf`. */
  readonly #strangers = new Map<string, Ends & FoundOutcome>();
  /** Letters that are still to come, by `idOf`; null when letters are not told beforehand. */
  readonly #poison: Map<string, Poison & { left: number }> | null;
  readonly #seenLetters = new Set<string>();
  #poisonLetters = 0;
  readonly #lettersUnexpected: Finding[] = [];

  constructor(table: SlotTable, options: AccountOptions = {}) {
    this.#table = table;
    this.#outcomes = new Uint32Array(table.slotCount);
    this.#letters = new Uint32Array(table.slotCount);
    this.#wholeLetters = new Uint32Array(table.requestCount);
    this.#poison = options.poison === undefined || options.poison === null ? null : new Map();
    for (const { requestId, slotId } of options.poison ?? []) {
      const id = idOf({ requestId, slotId });
      this.#poison?.set(id, { requestId, slotId, left: (this.#poison.get(id)?.left ?? 0) + 1 });
    }
  }

  /** A stored outcome. */
  outcome({ requestId, slotId }: FoundOutcome): void {
    const slot = this.#table.slotOf(requestId, slotId);
    if (slot === -1) this.#stranger(requestId, slotId).outcomes++;
    else this.#outcomes[slot] = (this.#outcomes[slot] ?? 0) + 1;
  }

  /** A dead letter; one with the source of an earlier one changes nothing. */
  letter(letter: FoundLetter): void {
    const source = `${letter.sourcePartition} ${letter.sourceOffset} ${letter.sourceTopic}`;
    if (this.#seenLetters.has(source)) return;
    this.#seenLetters.add(source);
    this.#comparePoison(letter);
    const request = this.#table.requestOf(letter.requestId);
    if (letter.slotId === null && request !== -1) {
      this.#wholeLetters[request] = (this.#wholeLetters[request] ?? 0) + 1;
      return;
    }
    const slot = letter.slotId === null ? -1 : this.#table.slotOf(letter.requestId, letter.slotId);
    if (slot !== -1) this.#letters[slot] = (this.#letters[slot] ?? 0) + 1;
    // Where letters are told beforehand, one that belongs to nothing posted is a planted one, or a finding already.
    else if (this.#poison === null) this.#stranger(letter.requestId, letter.slotId ?? '').letters++;
  }

  report(): AccountingReport {
    const tally = new Tally();
    const table = this.#table;
    for (const [id, request] of table.requests()) {
      const accepted = table.requestAccepted(request);
      const whole = this.#wholeLetters[request] ?? 0;
      if (accepted) tally.acceptedRequests++;
      else if (whole > 0 && !table.requestUnconfirmed(request)) tally.invented(id, '', { outcomes: 0, letters: whole });
      for (let slot = table.firstSlot(request); slot !== -1; slot = table.nextSlot(slot)) {
        tally.slot(table, id, slot, { outcomes: this.#outcomes[slot] ?? 0, letters: (this.#letters[slot] ?? 0) + whole }, whole > 0);
      }
    }
    for (const { requestId, slotId, ...ends } of this.#strangers.values()) tally.invented(requestId, slotId, ends);
    const poisonMissing = Array.from(this.#poison?.values() ?? [])
      .filter((poison) => poison.left > 0)
      .map(({ requestId, slotId }) => ({ requestId, slotId: slotId ?? '', why: 'was sent on purpose and is not in the dead letters' }));
    const findings =
      tally.missing.length + tally.unexpected.length + tally.duplicates.length + this.#lettersUnexpected.length + poisonMissing.length;
    return {
      acceptedRequests: tally.acceptedRequests,
      acceptedSlots: tally.acceptedSlots,
      outcomes: tally.outcomes,
      noBids: tally.noBids,
      deadLettered: tally.deadLettered,
      storedUnconfirmed: tally.storedUnconfirmed,
      poisonLetters: this.#poisonLetters,
      missing: tally.missing,
      unexpected: tally.unexpected,
      duplicates: tally.duplicates,
      deadLettersUnexpected: this.#lettersUnexpected,
      poisonMissing,
      holds: findings === 0,
    };
  }

  /** Ticks a planted letter off; one that nobody planted is a finding where letters are told beforehand. */
  #comparePoison({ requestId, slotId, sourceTopic, sourcePartition, sourceOffset }: FoundLetter): void {
    if (this.#poison === null) return;
    const planted = this.#poison.get(idOf({ requestId, slotId }));
    if (planted !== undefined && planted.left > 0) {
      planted.left--;
      this.#poisonLetters++;
      return;
    }
    const why = planted === undefined ? 'is a dead letter that nobody planted' : 'has more dead letters than were planted';
    const source = `topic ${sourceTopic}, partition ${sourcePartition}, offset ${sourceOffset}`;
    this.#lettersUnexpected.push({ requestId, slotId: slotId ?? '', why: `${why} (${source})` });
  }

  #stranger(requestId: string, slotId: string): Ends {
    const id = idOf({ requestId, slotId });
    let ends = this.#strangers.get(id);
    if (ends === undefined) this.#strangers.set(id, (ends = { requestId, slotId, outcomes: 0, letters: 0 }));
    return ends;
  }
}

/** One text per pair, whatever characters the ids hold. */
function idOf({ requestId, slotId }: { requestId: string; slotId: string | null }): string {
  return `${requestId.length} ${requestId} ${slotId ?? ''}`;
}

class Tally {
  acceptedRequests = 0;
  acceptedSlots = 0;
  outcomes = 0;
  noBids = 0;
  deadLettered = 0;
  storedUnconfirmed = 0;
  readonly missing: Finding[] = [];
  readonly unexpected: Finding[] = [];
  readonly duplicates: Finding[] = [];

  slot(table: SlotTable, requestId: string, slot: number, end: Ends, wholeRequest: boolean): void {
    const accepted = table.slotAccepted(slot);
    if (accepted) this.acceptedSlots++;
    const ends = end.outcomes + end.letters;
    const noBid = table.expectation(slot) === 'no_bid';
    const add = (list: Finding[], why: string) => void list.push({ requestId, slotId: table.slotId(slot), why });
    if (ends === 0) {
      if (!accepted) return;
      if (table.expectation(slot) !== 'bid') this.noBids++;
      else add(this.missing, 'was answered 202 and has neither an outcome nor a dead letter');
      return;
    }
    if (!accepted && !table.slotUnconfirmed(slot)) return add(this.unexpected, `has ${described(end)}, but its request was refused`);
    if (ends > 1) return add(this.duplicates, `has ${described(end)}: more than one end`);
    // A letter for the whole request is the end of all its slots, also of those that would have got no bid.
    if (noBid && !wholeRequest) return add(this.unexpected, `has ${described(end)}, but gets no bid by the rule`);
    if (!accepted) this.storedUnconfirmed++;
    else if (end.outcomes === 1) this.outcomes++;
    else this.deadLettered++;
  }

  /** An end that no posted slot accounts for; the empty slot id stands for a whole request. */
  invented(requestId: string, slotId: string, end: Ends): void {
    this.unexpected.push({ requestId, slotId, why: `has ${described(end)}, but nothing of it was accepted` });
  }
}

function described(end: Ends): string {
  const parts = [];
  if (end.outcomes > 0) parts.push(`${end.outcomes} outcome${end.outcomes > 1 ? 's' : ''}`);
  if (end.letters > 0) parts.push(`${end.letters} dead letter${end.letters > 1 ? 's' : ''}`);
  return parts.join(' and ');
}
