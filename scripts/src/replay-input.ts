/**
 * From a line of a recording to the body that is posted: lines are bid requests, or objects that hold one as `body` (as text it is sent as
 * it stands). Ids get a prefix that is fresh per run, so that a recording can be replayed again and again. Pure.
 */
import { noBidReason } from '@helios/engine/bidder/pricing';
import { parseBidRequest } from '@helios/proto/bid-request';
import type { Expectation, PostedSlot } from './accounting/identity.js';

export interface ReplayBody {
  readonly text: string;
  /** The id that is posted; '' when the body has none that is text. */
  readonly id: string;
}

const ID_MAX_BYTES = 256;

/**
 * @param prefix put before the id, with the line's number, so that ids that repeat in a recording do not repeat here; null keeps ids.
 * A prefix never makes a valid id too long: the end of the id is cut instead.
 */
export function bodyOfLine(line: string, lineIndex: number, prefix: string | null): ReplayBody {
  const value = parsed(line);
  const body = isObject(value) && 'body' in value && !('imp' in value) && !('ad_slots' in value) ? value['body'] : value;
  if (typeof body === 'string') return withId(parsed(body) ?? body, body, lineIndex, prefix);
  return withId(body ?? line, body === undefined ? line : JSON.stringify(body), lineIndex, prefix);
}

/** What the accounting expects of a valid body's slots; empty for an invalid one. */
export function slotsOfBody(text: string): { id: string; slots: PostedSlot[] } | null {
  const result = parseBidRequest(Buffer.from(text));
  if (!result.ok) return null;
  const { id, usdAllowed, slots } = result.request;
  return { id, slots: slots.map((slot) => ({ id: slot.id, expectation: expectationOf(slot, usdAllowed) })) };
}

/** Prices in micros of USD CPM between which enrichment decides. Source: spec S3.3. */
const LEAST_PRICE_MICROS = 10_000;
const MOST_PRICE_MICROS = 100_000;

/** A slot whose floor lies between the least and the highest price gets a bid only if the user's profile arrived in time. */
function expectationOf(slot: Parameters<typeof noBidReason>[0], usdAllowed: boolean): Expectation {
  const atLeast = noBidReason(slot, usdAllowed, LEAST_PRICE_MICROS);
  const atMost = noBidReason(slot, usdAllowed, MOST_PRICE_MICROS);
  if (atLeast === null) return 'bid';
  return atMost === null ? 'either' : 'no_bid';
}

function withId(value: unknown, text: string, lineIndex: number, prefix: string | null): ReplayBody {
  const id = isObject(value) && typeof value['id'] === 'string' ? value['id'] : '';
  if (prefix === null || id === '' || !isObject(value)) return { text, id };
  const front = `${prefix}${lineIndex}-`;
  const fresh = Buffer.byteLength(id) > ID_MAX_BYTES ? front + id : front + cutToBytes(id, ID_MAX_BYTES - front.length);
  return { text: JSON.stringify({ ...value, id: fresh }), id: fresh };
}

/** The longest start of `text` that fits, in whole characters. */
function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let cut = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    cut += character;
  }
  return cut;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // sent as it stands: the answer says what is wrong with it
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
