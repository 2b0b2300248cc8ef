import { type AuctionOutcome, decodeAuctionOutcome } from '@helios/proto/events';
import { headerNames } from '@helios/proto/topics';
import type { ConsumedMessage } from '@helios/runtime/kafka/consumer';
import { acceptedAtUnixMs } from '@helios/runtime/kafka/headers';

/**
 * From messages to what one insert statement takes. Pure: time and the way to read a header are parameters.
 *
 * Rows stand in the order of their `bid_id`: two writers that store the same bids lock them in the same order and cannot deadlock.
 */

/** Outcomes to be stored, each bid once; parallel arrays, so that a row costs no object beside its decoded event. */
export interface OutcomeBatch {
  readonly events: AuctionOutcome[];
  readonly sources: ConsumedMessage[];
  /** Unix milliseconds when ingest took the request; NaN when the message does not say. */
  readonly acceptedAtUnixMs: number[];
  readonly traceparents: (string | undefined)[];
}

export interface UnreadableMessage {
  readonly message: ConsumedMessage;
  readonly code: string;
  readonly detail: string;
}

export interface ReadOutcomes {
  readonly batch: OutcomeBatch;
  readonly unreadable: UnreadableMessage[];
  /** Outcomes older than the identity window. */
  readonly expired: number;
  /** Repeats of a bid within these messages: equal to the first, and different from it. */
  readonly duplicate: number;
  readonly conflicting: number;
}

export interface ReadOptions {
  readonly nowUnixMs: number;
  /** Outcomes decided longer ago are dropped. Source: spec section 2.6. */
  readonly retentionMs: number;
  readonly header: (message: ConsumedMessage, name: string) => string | undefined;
}

const empty = Buffer.alloc(0);

/** Decodes `messages`, drops what is too old and what repeats, and orders the rest by `bid_id`. Never throws. */
export function readOutcomes(messages: readonly ConsumedMessage[], options: ReadOptions): ReadOutcomes {
  const unreadable: UnreadableMessage[] = [];
  const first = new Map<string, { event: AuctionOutcome; source: ConsumedMessage }>();
  const oldestUnixMs = options.nowUnixMs - options.retentionMs;
  let expired = 0;
  let duplicate = 0;
  let conflicting = 0;
  for (const message of messages) {
    const decoded = decodeAuctionOutcome(message.value ?? empty);
    if (!decoded.ok) {
      unreadable.push({ message, code: decoded.code, detail: decoded.detail });
      continue;
    }
    const { event } = decoded;
    if (Date.parse(event.timestamp) < oldestUnixMs) {
      expired++;
      continue;
    }
    const known = first.get(event.bid_id);
    if (known === undefined) first.set(event.bid_id, { event, source: message });
    else if (sameOutcome(known.event, event)) duplicate++;
    else conflicting++;
  }
  return { batch: inOrder([...first.values()], options.header), unreadable, expired, duplicate, conflicting };
}

/** Whether two outcomes of one bid say the same: the fields by which a conflict is told from a repeat. Source: spec section 2.4. */
function sameOutcome(a: AuctionOutcome, b: AuctionOutcome): boolean {
  return a.win_status === b.win_status && a.win_price === b.win_price && a.bid_price === b.bid_price && a.market_price === b.market_price;
}

function inOrder(kept: { event: AuctionOutcome; source: ConsumedMessage }[], header: ReadOptions['header']): OutcomeBatch {
  kept.sort((a, b) => (a.event.bid_id < b.event.bid_id ? -1 : 1));
  return {
    events: kept.map(({ event }) => event),
    sources: kept.map(({ source }) => source),
    acceptedAtUnixMs: kept.map(({ source }) => acceptedAtUnixMs(header(source, headerNames.acceptedAt))),
    traceparents: kept.map(({ source }) => header(source, headerNames.traceparent)),
  };
}

/** Rows `from..to` (end not included) as a batch of their own. */
export function sliceBatch(batch: OutcomeBatch, from: number, to: number): OutcomeBatch {
  return {
    events: batch.events.slice(from, to),
    sources: batch.sources.slice(from, to),
    acceptedAtUnixMs: batch.acceptedAtUnixMs.slice(from, to),
    traceparents: batch.traceparents.slice(from, to),
  };
}
