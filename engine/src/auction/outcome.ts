import { type AuctionOutcome, type BidResponse, encodeAuctionOutcome } from '@helios/proto/events';
import type { Decision } from './decide.js';

/** The outcome's bytes (pure). */

const decisionFields = ['win_status', 'win_price', 'market_price', 'timestamp'] as const;
const CLOSING_BRACE = 0x7d;

/**
 * Encodes the outcome of a bid: every field of the bid response, then the decision. `source` is the bid's own JSON text: the decision is
 * appended to it, which costs a copy where encoding the whole event anew would cost a walk over it. `timestamp` is ISO 8601.
 */
export function encodeOutcome(source: Buffer, bid: BidResponse, decision: Decision, timestamp: string): Buffer {
  const end = lastBrace(source);
  if (end === -1 || decisionFields.some((name) => name in bid)) {
    return Buffer.from(encodeAuctionOutcome({ ...bid, ...decision, timestamp } satisfies AuctionOutcome));
  }
  const { win_status: won, win_price: winPrice, market_price: marketPrice } = decision;
  const tail = `,"win_status":${won},"win_price":${winPrice},"market_price":${marketPrice},"timestamp":"${timestamp}"}`;
  const outcome = Buffer.allocUnsafe(end + tail.length);
  source.copy(outcome, 0, 0, end);
  outcome.write(tail, end, 'latin1');
  return outcome;
}

/** Where the object's last brace stands; white space may follow it. */
function lastBrace(source: Buffer): number {
  let at = source.length - 1;
  while (at >= 0 && (source[at] as number) <= 0x20) at--;
  return source[at] === CLOSING_BRACE ? at : -1;
}
