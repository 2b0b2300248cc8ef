import { decodeAuctionOutcome, decodeBidResponse, encodeAuctionOutcome, encodeBidId, type BidResponse } from '@helios/proto/events';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../src/auction/decide.js';
import { encodeOutcome } from '../../src/auction/outcome.js';
import { bidResponse } from './bid-response.js';

const timestamp = '2026-01-31T12:00:00.250Z';
const won: Decision = { win_status: true, win_price: 0.037, market_price: 0.037 };

function decoded(source: string): BidResponse {
  const result = decodeBidResponse(Buffer.from(source));
  if (!result.ok) throw new Error(`the test's own bid is invalid: ${result.detail}`);
  return result.event;
}

/** Encodes `source`'s outcome and checks that it says what the full encoding of the whole event says. */
function outcomeOf(source: string, decision = won): { text: string; outcome: unknown } {
  const bid = decoded(source);
  const bytes = encodeOutcome(Buffer.from(source), bid, decision, timestamp);
  const result = decodeAuctionOutcome(bytes);
  expect(result).toMatchObject({ ok: true });
  const outcome: unknown = JSON.parse(bytes.toString());
  expect(outcome).toEqual(JSON.parse(encodeAuctionOutcome({ ...bid, ...decision, timestamp })));
  return { text: bytes.toString(), outcome };
}

describe('an outcome', () => {
  test('is the bid’s own bytes with the decision behind them', () => {
    const source = JSON.stringify(bidResponse());
    const { text, outcome } = outcomeOf(source);
    expect(text).toBe(
      `${source.slice(0, -1)},"win_status":true,"win_price":0.037,"market_price":0.037,"timestamp":"2026-01-31T12:00:00.250Z"}`,
    );
    expect(outcome).toEqual({ ...bidResponse(), ...won, timestamp });
  });

  test.each([' ', '\n', '\r\n\t ', ' '.repeat(5000)])('of a bid that white space follows is the same event', (space) => {
    const { outcome } = outcomeOf(JSON.stringify(bidResponse(), null, 2) + space);
    expect(outcome).toEqual({ ...bidResponse(), ...won, timestamp });
  });

  test.each(['win_status', 'win_price', 'market_price', 'timestamp'])(
    'of a bid that brings its own %s holds the decision, once',
    (field) => {
      const { text, outcome } = outcomeOf(JSON.stringify({ ...bidResponse(), [field]: 'forged' }));
      expect(outcome).toMatchObject({ ...won, timestamp });
      expect(text.match(new RegExp(`"${field}"`, 'g'))).toHaveLength(1);
      expect(text).not.toContain('forged');
    },
  );

  test('of a bid that hides a decision behind an escaped name holds the decision, once', () => {
    const source = JSON.stringify(bidResponse()).replace(/\}$/, String.raw`,"win\u005fprice":1000,"win_pric\u0065":999}`);
    const { text, outcome } = outcomeOf(source);
    expect(outcome).toMatchObject(won);
    expect(text).not.toContain('999');
  });

  test('of a bid with a repeated key takes the last one, as every reader does', () => {
    const source = JSON.stringify(bidResponse({ floor: 0.01 })).replace(/\}$/, ',"floor":0.04,"strategy":"other"}');
    expect(outcomeOf(source).outcome).toMatchObject({ floor: 0.04, strategy: 'other' });
  });

  test('of a bid that braces and quotes end within its text is whole', () => {
    const creative = { id: 'c', w: 1, h: 1, adm: '"}]} \\" }' };
    expect(outcomeOf(JSON.stringify({ ...bidResponse({ creative }), last: '}' })).outcome).toMatchObject({ creative, last: '}' });
  });

  test('of a lost auction pays nothing and shows the market', () => {
    const { outcome } = outcomeOf(JSON.stringify(bidResponse()), { win_status: false, win_price: 0, market_price: 0.000001 });
    expect(outcome).toMatchObject({ win_status: false, win_price: 0, market_price: 0.000001 });
  });
});

test('whatever bid is valid, its outcome is valid and says what the full encoding says', () => {
  const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('\0'));
  const price = fc.integer({ min: 0, max: 1_000_000_000 }).map((micros) => micros / 1_000_000);
  const bids = fc.record({ requestId: id, slotId: id, domain: id, user: fc.option(id), bid: price, floor: price, adm: fc.string() });
  const extra = fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  const forged = fc.dictionary(fc.constantFrom('win_status', 'win_price', 'market_price', 'timestamp'), fc.jsonValue(), { maxKeys: 2 });
  const layout = fc.record({ indent: fc.nat(3), space: fc.stringMatching(/^[ \n\r\t]{0,4}$/) });
  const decisions = fc.record({ win_status: fc.boolean(), win_price: price, market_price: price });
  fc.assert(
    fc.property(bids, extra, forged, layout, decisions, (drawn, extra, forged, { indent, space }, decision) => {
      const bid = bidResponse({
        bid_id: encodeBidId(drawn.requestId, drawn.slotId),
        bid_request_id: drawn.requestId,
        slot_id: drawn.slotId,
        user_id: drawn.user,
        site_domain: drawn.domain,
        bid_price: drawn.bid,
        floor: drawn.floor,
        creative: { id: 'c', w: 1, h: 1, adm: drawn.adm },
      });
      outcomeOf(JSON.stringify({ ...extra, ...forged, ...bid }, null, indent) + space, decision);
    }),
  );
});
