import { decodeAuctionOutcome } from '@helios/proto/events';
import { loadConfig } from '@helios/runtime/config';
import type { ConsumedMessage } from '@helios/runtime/kafka/consumer';
import type { OutgoingEvent } from '@helios/runtime/kafka/producer';
import { describe, expect, test } from 'vitest';
import { Auction } from '../../src/auction/consumer.js';
import { decide } from '../../src/auction/decide.js';
import { auctionSettings } from '../../src/auction/settings.js';
import { observed } from '../observed.js';
import { bidResponse } from './bid-response.js';

const market = { medianUsd: 0.037, sigma: 1.17, seed: 7 };

function messageOf(value: string | Buffer | null, offset = 0, extra: Partial<ConsumedMessage> = {}): ConsumedMessage {
  return {
    topic: 'bid_responses',
    partition: 1,
    offset,
    key: Buffer.from('req-1'),
    value: value === null ? null : Buffer.from(value),
    ...extra,
  };
}

/** An auction whose producer and dead letters are arrays. */
function auctionWith(parts: { sendAll?: () => Promise<void>; sendLetter?: () => Promise<void> } = {}) {
  const seen = observed('auction');
  const sent: { topic: string; events: readonly OutgoingEvent[]; signal: AbortSignal }[] = [];
  const letters: { message: ConsumedMessage; code: string; text: string }[] = [];
  const config = loadConfig({ service: 'auction', schema: auctionSettings, env: { AUCTION_SEED: '7' }, knownVariables: [] });
  const auction = new Auction({
    config,
    log: seen.log,
    metrics: seen.metrics,
    producer: {
      sendAll: async (topic, events, signal) => {
        await parts.sendAll?.();
        sent.push({ topic, events, signal });
      },
    },
    deadLetters: {
      send: async (message, code, text) => {
        await parts.sendLetter?.();
        letters.push({ message, code, text });
      },
    },
  });
  return { auction, sent, letters, seen };
}

const { signal } = new AbortController();

describe('a batch of bids', () => {
  test('becomes one outcome each, in the order of the bids, with their keys and headers', async () => {
    const { auction, sent, letters, seen } = auctionWith();
    const bids = Array.from({ length: 20 }, (_, index) => bidResponse({ bid_id: `req-${index}:top`, bid_request_id: `req-${index}` }));
    const batch = bids.map((bid, index) =>
      messageOf(JSON.stringify(bid), index, {
        key: Buffer.from(bid.bid_request_id),
        // One is of a minute ago, the others of half a century.
        headers: [
          { 'helios-accepted-at': Buffer.from(String(index === 0 ? Date.now() - 59_000 : index)) },
          { traceparent: '00-aa-bb-01' },
          { other: 'x' },
        ],
      }),
    );
    await auction.handle(batch, signal);
    expect(letters).toEqual([]);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.topic).toBe('auction_outcomes');
    expect(sent[0]?.signal).toBe(signal);
    let wins = 0;
    for (const [index, event] of (sent[0]?.events ?? []).entries()) {
      const outcome = decodeAuctionOutcome(event.value as Buffer);
      if (!outcome.ok) throw new Error(outcome.detail);
      const bid = bids[index] ?? bidResponse();
      expect(outcome.event).toEqual({ ...bid, ...decide(bid, market), timestamp: outcome.event.timestamp });
      expect(event.key?.toString()).toBe(bid.bid_request_id);
      expect(event.headers).toEqual([
        { 'helios-accepted-at': index === 0 ? expect.any(String) : String(index) },
        { traceparent: '00-aa-bb-01' },
      ]);
      if (outcome.event.win_status) wins++;
    }
    expect(sent[0]?.events).toHaveLength(20);
    expect(wins).toBeGreaterThan(0);
    expect(await seen.metric('helios_auctions_total{result="won"}')).toBe(wins);
    expect(await seen.metric('helios_auctions_total{result="lost"}')).toBe(20 - wins);
    expect(await seen.metric('helios_auction_wins_total')).toBe(wins);
    expect(await seen.metric('helios_accepted_to_outcome_seconds_bucket{le="60"}')).toBe(1);
    expect(await seen.metric('helios_accepted_to_outcome_seconds_count')).toBe(20);
    for (const stage of ['decide', 'publish'])
      expect(await seen.metric(`helios_auction_stage_duration_seconds_count{stage="${stage}"}`)).toBe(1);
    expect(seen.logged).toContainEqual(
      expect.objectContaining({
        msg: 'auction decided',
        request_id: 'req-0',
        bid_id: 'req-0:top',
        bid: bids[0],
        decision: expect.anything() as unknown,
      }),
    );
  });

  test('sends what is no bid to the dead letters with its reason, and the good ones on', async () => {
    const { auction, sent, letters, seen } = auctionWith();
    const good = JSON.stringify(bidResponse());
    const batch = [
      messageOf('{', 0),
      messageOf(good, 1),
      messageOf(null, 2),
      messageOf('[]', 3),
      messageOf(JSON.stringify({ ...bidResponse(), bid_price: 'dear' }), 4),
      messageOf(JSON.stringify({ ...bidResponse(), auction_type: 3 }), 5),
      messageOf(Buffer.from([0xff, 0xfe]), 6),
      messageOf(JSON.stringify(bidResponse({ bid_id: 'req-1:other', slot_id: 'other' })), 7),
      messageOf(JSON.stringify(bidResponse({ bid_id: 'req-2:top' })), 8),
      messageOf(JSON.stringify(bidResponse({ bid_id: 'req-1:top:', slot_id: 'top' })), 9),
    ];
    await auction.handle(batch, signal);
    expect(letters.map(({ message, code }) => [message.offset, code])).toEqual([
      [0, 'malformed_json'],
      [2, 'empty_body'],
      [3, 'not_an_object'],
      [4, 'wrong_type'],
      [5, 'out_of_range'],
      [6, 'not_utf8'],
      [8, 'out_of_range'],
      [9, 'out_of_range'],
    ]);
    expect(letters[6]?.text).toContain('bid_id');
    expect(letters[3]?.text).toContain('bid_price');
    expect(sent[0]?.events.map((event) => (JSON.parse(String(event.value)) as { slot_id: string }).slot_id)).toEqual(['top', 'other']);
    expect(await seen.metric('helios_invalid_bid_responses_total')).toBe(8);
  });

  test('keys an event without a key by its request', async () => {
    const { auction, sent } = auctionWith();
    await auction.handle(
      [messageOf(JSON.stringify(bidResponse({ bid_id: 'req-9:top', bid_request_id: 'req-9' })), 0, { key: null })],
      signal,
    );
    expect(sent[0]?.events[0]?.key).toBe('req-9');
    expect(sent[0]?.events[0]?.headers).toEqual([]);
  });

  test('is not done when its outcomes were not acknowledged', async () => {
    const { auction } = auctionWith({ sendAll: () => Promise.reject(new Error('no ack')) });
    await expect(auction.handle([messageOf(JSON.stringify(bidResponse()))], signal)).rejects.toThrow('no ack');
  });

  test('is not done when a dead letter was not acknowledged, and has sent nothing on', async () => {
    const { auction, sent } = auctionWith({ sendLetter: () => Promise.reject(new Error('no letter')) });
    await expect(auction.handle([messageOf(JSON.stringify(bidResponse())), messageOf('{')], signal)).rejects.toThrow('no letter');
    expect(sent).toEqual([]);
  });

  test('handled twice gives the same decisions', async () => {
    const { auction, sent } = auctionWith();
    const batch = [messageOf(JSON.stringify(bidResponse()))];
    await auction.handle(batch, signal);
    await auction.handle(batch, signal);
    const [first, second] = sent.map(({ events }) => JSON.parse(String(events[0]?.value)) as Record<string, unknown>);
    expect({ ...first, timestamp: '' }).toEqual({ ...second, timestamp: '' });
  });
});
