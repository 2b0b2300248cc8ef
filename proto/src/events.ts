/**
 * The two events that follow a bid request: BidResponse (bidder to auction) and AuctionOutcome (auction to analytics),
 * with the field names they have on the wire. The validators run on every message of their hop; whatever passes can be
 * stored in PostgreSQL as it is: sizes fit int4, prices are finite, times exist in the calendar, strings are storable.
 * Unknown fields pass. Source: spec sections 2.3, 2.4 and 2.6.
 */
import { bodyFaultCodes, decodeObject, isObject } from './json-object.js';
import type { JsonObject } from './json-object.js';
import { isInstant } from './instant.js';
import { DOMAIN_MAX_BYTES, ID_MAX_BYTES, INT4_MAX, storableProblem } from './storable.js';

/** Bounds of the fields. Strings in bytes of UTF-8; prices in USD CPM. */
export const eventLimits = {
  idMaxBytes: ID_MAX_BYTES,
  /** A request id in which every byte is percent-encoded, a colon and a slot id. */
  bidIdMaxBytes: 3 * ID_MAX_BYTES + 1 + ID_MAX_BYTES,
  siteDomainMaxBytes: DOMAIN_MAX_BYTES,
  strategyMaxBytes: 64,
  categoryMaxBytes: 256,
  /** Markup is carried, not stored: its length is bounded (in UTF-16 units) and its characters are free. */
  admMaxLength: 65_536,
  priceMaxUsd: 1_000_000_000,
} as const;

export interface Creative {
  id: string;
  /** Width and height in pixels. */
  w: number;
  h: number;
  /** The ad as HTML, every value in it escaped. */
  adm: string;
}

/** The user's best interest; `score` from 0 to 1. */
export interface TopInterest {
  category: string;
  score: number;
}

/** One bid on one ad slot. Source: spec section 2.3. */
export interface BidResponse {
  /** `encodeBidId(bid_request_id, slot_id)`: the identity of the bid on every hop that follows. */
  bid_id: string;
  bid_request_id: string;
  slot_id: string;
  user_id: string | null;
  /** '' when the request names neither site, app nor dooh. */
  site_domain: string;
  /** USD CPM, at most six places. */
  bid_price: number;
  currency: 'USD';
  /** USD CPM. */
  floor: number;
  /** 1 = first price, 2 = second price. */
  auction_type: 1 | 2;
  /** A test bid counts in no statistic. */
  test: boolean;
  creative: Creative;
  /** Name of the pricing strategy. */
  strategy: string;
  /** A profile that was not empty arrived in time. */
  enriched: boolean;
  top_interest: TopInterest | null;
  /** ISO 8601. */
  bid_at: string;
}

/** What became of one bid. Source: spec section 2.4. */
export interface AuctionOutcome extends BidResponse {
  win_status: boolean;
  /** USD CPM: the clearing price when won, else 0. */
  win_price: number;
  /** USD CPM: the simulated best competing bid. */
  market_price: number;
  /** ISO 8601: when the auction was decided. */
  timestamp: string;
}

/** The closed list of reasons why a message is no event. */
export const eventFaultCodes = [...bodyFaultCodes, 'missing', 'wrong_type', 'out_of_range', 'too_long', 'not_storable'] as const;
export type EventFaultCode = (typeof eventFaultCodes)[number];

export interface EventFault {
  code: EventFaultCode;
  /** One sentence that names the field. */
  detail: string;
}

export type DecodedEvent<Event> = { ok: true; event: Event } | ({ ok: false } & EventFault);

/** Decodes and checks one value of the topic `bid_responses`. Never throws. */
export function decodeBidResponse(value: Uint8Array): DecodedEvent<BidResponse> {
  return decodeEvent(value, bidResponseFault);
}

/** Decodes and checks one value of the topic `auction_outcomes`. Never throws. */
export function decodeAuctionOutcome(value: Uint8Array): DecodedEvent<AuctionOutcome> {
  return decodeEvent(value, auctionOutcomeFault);
}

/** The value of one message on `bid_responses`. */
export function encodeBidResponse(event: BidResponse): string {
  return JSON.stringify(event);
}

/** The value of one message on `auction_outcomes`. */
export function encodeAuctionOutcome(event: AuctionOutcome): string {
  return JSON.stringify(event);
}

/**
 * The bid's identity: request id and slot id around a colon. Only `%` and `:` of the request id are percent-encoded, so
 * two different pairs never share an id and most ids stay readable. Source: spec section 2.3.
 */
export function encodeBidId(requestId: string, slotId: string): string {
  const plain = !requestId.includes('%') && !requestId.includes(':');
  return `${plain ? requestId : requestId.replaceAll('%', '%25').replaceAll(':', '%3A')}:${slotId}`;
}

/** The pair that `encodeBidId` made `bidId` of, or null when it made no such id. */
export function decodeBidId(bidId: string): { requestId: string; slotId: string } | null {
  const colonAt = bidId.indexOf(':');
  if (colonAt < 1 || colonAt === bidId.length - 1) return null;
  const encoded = bidId.slice(0, colonAt);
  const slotId = bidId.slice(colonAt + 1);
  const requestId = encoded.replaceAll('%3A', ':').replaceAll('%25', '%');
  return encodeBidId(requestId, slotId) === bidId ? { requestId, slotId } : null;
}

function decodeEvent<Event extends BidResponse>(value: Uint8Array, faultOf: (event: JsonObject) => EventFault | null): DecodedEvent<Event> {
  const decoded = decodeObject(value);
  if (!decoded.ok) return { ok: false, code: decoded.code, detail: `The message ${decoded.predicate}.` };
  const fault = faultOf(decoded.object);
  if (fault !== null) return { ok: false, code: fault.code, detail: fault.detail };
  return { ok: true, event: decoded.object as unknown as Event };
}

function bidResponseFault(event: JsonObject): EventFault | null {
  return (
    textFault('bid_id', event.bid_id, eventLimits.bidIdMaxBytes) ??
    textFault('bid_request_id', event.bid_request_id, eventLimits.idMaxBytes) ??
    textFault('slot_id', event.slot_id, eventLimits.idMaxBytes) ??
    identityFault(event) ??
    (event.user_id === null ? null : textFault('user_id', event.user_id, eventLimits.idMaxBytes)) ??
    (event.site_domain === '' ? null : textFault('site_domain', event.site_domain, eventLimits.siteDomainMaxBytes)) ??
    rangeFault('bid_price', event.bid_price, eventLimits.priceMaxUsd) ??
    (event.currency === 'USD' ? null : faultOf('currency', event.currency, 'out_of_range', '"USD"')) ??
    rangeFault('floor', event.floor, eventLimits.priceMaxUsd) ??
    (event.auction_type === 1 || event.auction_type === 2 ? null : faultOf('auction_type', event.auction_type, 'out_of_range', '1 or 2')) ??
    booleanFault('test', event.test) ??
    creativeFault(event.creative) ??
    textFault('strategy', event.strategy, eventLimits.strategyMaxBytes) ??
    booleanFault('enriched', event.enriched) ??
    topInterestFault(event.top_interest) ??
    instantFault('bid_at', event.bid_at)
  );
}

/** Under the id of another bid an event would take that bid's place: the first outcome stored wins. Source: spec sections 2.3 and 2.4. */
function identityFault(event: JsonObject): EventFault | null {
  const own = encodeBidId(event.bid_request_id as string, event.slot_id as string);
  return event.bid_id === own ? null : faultOf('bid_id', event.bid_id, 'out_of_range', 'the id that bid_request_id and slot_id make');
}

function auctionOutcomeFault(event: JsonObject): EventFault | null {
  return (
    bidResponseFault(event) ??
    booleanFault('win_status', event.win_status) ??
    rangeFault('win_price', event.win_price, eventLimits.priceMaxUsd) ??
    rangeFault('market_price', event.market_price, eventLimits.priceMaxUsd) ??
    instantFault('timestamp', event.timestamp)
  );
}

function creativeFault(creative: unknown): EventFault | null {
  if (!isObject(creative)) return faultOf('creative', creative, 'wrong_type', 'an object');
  const { adm } = creative;
  return (
    textFault('creative.id', creative.id, eventLimits.idMaxBytes) ??
    sizeFault('creative.w', creative.w) ??
    sizeFault('creative.h', creative.h) ??
    (typeof adm === 'string' ? null : faultOf('creative.adm', adm, 'wrong_type', 'a string')) ??
    ((adm as string).length > eventLimits.admMaxLength
      ? faultOf('creative.adm', adm, 'too_long', `at most ${eventLimits.admMaxLength} characters long`)
      : null)
  );
}

function topInterestFault(interest: unknown): EventFault | null {
  if (interest === null) return null;
  if (!isObject(interest)) return faultOf('top_interest', interest, 'wrong_type', 'an object or null');
  return (
    textFault('top_interest.category', interest.category, eventLimits.categoryMaxBytes) ??
    rangeFault('top_interest.score', interest.score, 1)
  );
}

/** A non-empty storable string. */
function textFault(field: string, value: unknown, maxBytes: number): EventFault | null {
  if (typeof value !== 'string') return faultOf(field, value, 'wrong_type', 'a string');
  if (value === '') return faultOf(field, value, 'missing', 'a non-empty string');
  const problem = storableProblem(value, maxBytes);
  if (problem === null) return null;
  return faultOf(field, value, problem, problem === 'too_long' ? `at most ${maxBytes} bytes long` : 'free of NUL and of lone surrogates');
}

/** A finite number from 0 to `max`. */
function rangeFault(field: string, value: unknown, max: number): EventFault | null {
  if (typeof value !== 'number') return faultOf(field, value, 'wrong_type', 'a number');
  return value >= 0 && value <= max ? null : faultOf(field, value, 'out_of_range', `a number from 0 to ${max}`);
}

function sizeFault(field: string, value: unknown): EventFault | null {
  const fault = rangeFault(field, value, INT4_MAX);
  return fault ?? (Number.isInteger(value) ? null : faultOf(field, value, 'wrong_type', 'an integer'));
}

function booleanFault(field: string, value: unknown): EventFault | null {
  return typeof value === 'boolean' ? null : faultOf(field, value, 'wrong_type', 'true or false');
}

function instantFault(field: string, value: unknown): EventFault | null {
  if (typeof value !== 'string') return faultOf(field, value, 'wrong_type', 'a string');
  return isInstant(value) ? null : faultOf(field, value, 'out_of_range', 'an ISO 8601 instant such as 2026-01-31T23:59:59.999Z');
}

/** The value itself stays out of the sentence: it may be long, unprintable or personal. */
function faultOf(field: string, value: unknown, code: EventFaultCode, wanted: string): EventFault {
  if (value === undefined) return { code: 'missing', detail: `${field} is missing: it must be ${wanted}.` };
  return { code, detail: `${field} must be ${wanted}.` };
}
