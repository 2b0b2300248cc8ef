/**
 * What each topic holds of a run, hop by hop: how often events came twice, and where a slot was lost or appeared. Everything in a topic
 * must be in the next one, in the dead letters, or be a slot that gets no bid. Pure. Source: fault matrix C1.
 */
import { decodeBidId } from '@helios/proto/events';
import type { Finding, FoundLetter, FoundOutcome } from './identity.js';
import type { SlotTable } from './slot-table.js';

export type HopTopic = 'bidRequests' | 'bidResponses' | 'auctionOutcomes';

/** The topics' names, for what is said about them. */
export type TopicNames = Readonly<Record<HopTopic, string>>;

/** Messages of the run in one topic; `duplicates` = messages - distinct ids. Allowed after a restart, at most what was in flight. */
export interface HopCount {
  readonly topic: string;
  readonly messages: number;
  readonly distinct: number;
  readonly duplicates: number;
}

export interface HopsReport {
  readonly holds: boolean;
  readonly counts: readonly HopCount[];
  /** Requests and slots that are in one place and not in the next. */
  readonly lost: readonly Finding[];
  /** Requests and slots that are in a place and not in the one before. */
  readonly invented: readonly Finding[];
}

const IN_REQUESTS = 1;
const WHOLE_LETTER = 2;
/** One of its messages stood in the topic when the groups were waited for: all of its slots have come to their ends. */
const SETTLED = 4;
const IN_RESPONSES = 1;
const IN_OUTCOMES = 2;
const STORED = 4;
const LETTER_OF_RESPONSE = 8;
const LETTER_OF_OUTCOME = 16;

interface Count {
  messages: number;
  distinct: number;
}

/** Takes the messages, letters and rows of a run one at a time, in any order; `table` holds what was posted and is complete. */
export class HopTally {
  readonly #table: SlotTable;
  readonly #topics: TopicNames;
  readonly #requests: Uint8Array;
  readonly #slots: Uint8Array;
  readonly #counts: Record<HopTopic, Count> = {
    bidRequests: { messages: 0, distinct: 0 },
    bidResponses: { messages: 0, distinct: 0 },
    auctionOutcomes: { messages: 0, distinct: 0 },
  };
  /** Ids in a topic that nobody posted, each once. */
  readonly #strangers: Record<HopTopic, Set<string>> = { bidRequests: new Set(), bidResponses: new Set(), auctionOutcomes: new Set() };
  readonly #invented: Finding[] = [];
  readonly #planted: ReadonlySet<string>;

  /** @param planted ids of requests whose messages were put on a topic by hand: they are counted, and need not be anywhere else. */
  constructor(table: SlotTable, topics: TopicNames, planted: ReadonlySet<string>) {
    this.#table = table;
    this.#topics = topics;
    this.#planted = planted;
    this.#requests = new Uint8Array(table.requestCount);
    this.#slots = new Uint8Array(table.slotCount);
  }

  /**
   * A message on the topic of bid requests.
   * @param settled false: it came after the groups were waited for (nobody got a 202 for it by then); it may still be on its way.
   */
  bidRequest(requestId: string, settled = true): void {
    this.#counts.bidRequests.messages++;
    const request = this.#table.requestOf(requestId);
    if (request === -1) this.#stranger('bidRequests', requestId, requestId, '');
    else {
      this.#mark('bidRequests', this.#requests, request, IN_REQUESTS);
      if (settled) this.#set(this.#requests, request, SETTLED);
    }
  }

  /** A message on a later topic. @param bidId as the value names it; null when it names none. */
  bid(topic: 'bidResponses' | 'auctionOutcomes', requestId: string, bidId: string | null): void {
    this.#counts[topic].messages++;
    const named = bidId === null ? null : decodeBidId(bidId);
    const slot = named === null ? -1 : this.#table.slotOf(named.requestId, named.slotId);
    if (slot === -1) this.#stranger(topic, bidId ?? `no bid id under the key ${requestId}`, requestId, named?.slotId ?? '?');
    else this.#mark(topic, this.#slots, slot, topic === 'bidResponses' ? IN_RESPONSES : IN_OUTCOMES);
  }

  letter(letter: FoundLetter): void {
    if (letter.slotId === null) {
      const request = this.#table.requestOf(letter.requestId);
      if (request !== -1) this.#set(this.#requests, request, WHOLE_LETTER);
      return;
    }
    const slot = this.#table.slotOf(letter.requestId, letter.slotId);
    if (slot === -1) return;
    if (letter.sourceTopic === this.#topics.bidResponses) this.#set(this.#slots, slot, LETTER_OF_RESPONSE);
    if (letter.sourceTopic === this.#topics.auctionOutcomes) this.#set(this.#slots, slot, LETTER_OF_OUTCOME);
  }

  /** A row of the table of outcomes. */
  stored({ requestId, slotId }: FoundOutcome): void {
    const slot = this.#table.slotOf(requestId, slotId);
    if (slot !== -1) this.#set(this.#slots, slot, STORED);
  }

  report(): HopsReport {
    const lost: Finding[] = [];
    const invented = [...this.#invented];
    for (const [requestId, request] of this.#table.requests()) {
      const marks = this.#requests[request] ?? 0;
      if ((marks & IN_REQUESTS) === 0 && this.#table.requestAccepted(request))
        lost.push({ requestId, slotId: '', why: `was answered 202 and is not in ${this.#topics.bidRequests}` });
      for (let slot = this.#table.firstSlot(request); slot !== -1; slot = this.#table.nextSlot(slot))
        this.#compare(requestId, slot, marks, lost, invented);
    }
    return { holds: lost.length + invented.length === 0, counts: this.#hopCounts(), lost, invented };
  }

  #compare(requestId: string, slot: number, requestMarks: number, lost: Finding[], invented: Finding[]): void {
    const marks = this.#slots[slot] ?? 0;
    const { bidRequests, bidResponses, auctionOutcomes } = this.#topics;
    const add = (list: Finding[], why: string) => void list.push({ requestId, slotId: this.#table.slotId(slot), why });
    const asked = (requestMarks & IN_REQUESTS) !== 0;
    const answered = (marks & IN_RESPONSES) !== 0;
    const decided = (marks & IN_OUTCOMES) !== 0;
    const stored = (marks & STORED) !== 0;
    const given = (requestMarks & WHOLE_LETTER) !== 0;
    const onItsWay = asked && (requestMarks & SETTLED) === 0;
    if (!onItsWay) {
      if (asked && !answered && !given && this.#table.expectation(slot) === 'bid')
        add(lost, `is in ${bidRequests}, and neither in ${bidResponses} nor in the dead letters`);
      if (answered && !decided && (marks & LETTER_OF_RESPONSE) === 0)
        add(lost, `is in ${bidResponses}, and neither in ${auctionOutcomes} nor in the dead letters`);
      if (decided && !stored && (marks & LETTER_OF_OUTCOME) === 0)
        add(lost, `is in ${auctionOutcomes}, and neither stored nor in the dead letters`);
    }
    if (answered && !asked) add(invented, `is in ${bidResponses} and not in ${bidRequests}`);
    if (answered && this.#table.expectation(slot) === 'no_bid') add(invented, `is in ${bidResponses}, but gets no bid by the rule`);
    if (decided && !answered) add(invented, `is in ${auctionOutcomes} and not in ${bidResponses}`);
    if (stored && !decided) add(invented, `is stored and not in ${auctionOutcomes}`);
  }

  #hopCounts(): HopCount[] {
    return (['bidRequests', 'bidResponses', 'auctionOutcomes'] as const).map((topic) => {
      const { messages, distinct } = this.#counts[topic];
      return { topic: this.#topics[topic], messages, distinct, duplicates: messages - distinct };
    });
  }

  #stranger(topic: HopTopic, id: string, requestId: string, slotId: string): void {
    if (this.#strangers[topic].has(id)) return;
    this.#strangers[topic].add(id);
    this.#counts[topic].distinct++;
    if (!this.#planted.has(requestId))
      this.#invented.push({ requestId, slotId, why: `is in ${this.#topics[topic]} (${id}), but was never posted` });
  }

  #mark(topic: HopTopic, marks: Uint8Array, index: number, mark: number): void {
    if (((marks[index] ?? 0) & mark) === 0) this.#counts[topic].distinct++;
    this.#set(marks, index, mark);
  }

  #set(marks: Uint8Array, index: number, mark: number): void {
    marks[index] = (marks[index] ?? 0) | mark;
  }
}

const BID_ID_START = Buffer.from('{"bid_id":"');
const QUOTE = 0x22;

/**
 * The bid id in the value of an event; null when there is none. Helios writes it first: then the value is not parsed, which for half a
 * million events is most of the work. An id with an escape in it, and any other value, is parsed.
 */
export function bidIdOf(value: Buffer): string | null {
  if (value.subarray(0, BID_ID_START.length).equals(BID_ID_START)) {
    const end = value.indexOf(QUOTE, BID_ID_START.length);
    const text = end === -1 ? '\\' : value.toString('utf8', BID_ID_START.length, end);
    if (!text.includes('\\')) return text;
  }
  try {
    const bidId = (JSON.parse(value.toString()) as { bid_id?: unknown } | null)?.bid_id;
    return typeof bidId === 'string' ? bidId : null;
  } catch {
    return null; // no JSON names no bid
  }
}
