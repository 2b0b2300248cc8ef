import { encodeBidId } from '@helios/proto/events';
import { describe, expect, it } from 'vitest';
import { bidIdOf, HopTally } from '../../src/accounting/hops.js';
import { SlotTable } from '../../src/accounting/slot-table.js';
import { ids, letters, outcomes, posted } from './samples.js';

const topics = { bidRequests: 'bid_requests', bidResponses: 'bid_responses', auctionOutcomes: 'auction_outcomes' };

interface Messages {
  bidRequests: string[];
  bidResponses: [requestId: string, slotId: string][];
  auctionOutcomes: [requestId: string, slotId: string][];
}

/** A run without a fault: f's bid was dead-lettered by the auction, g as a whole by the bidder. */
const sound = (): Messages => ({
  bidRequests: ['a', 'b', 'd', 'f', 'g'],
  bidResponses: [
    ['a', '1'],
    ['b', '1'],
    ['d', '1'],
    ['f', '1'],
  ],
  auctionOutcomes: [
    ['a', '1'],
    ['b', '1'],
    ['d', '1'],
  ],
});

function tallyOf(messages: Messages, stored = outcomes, planted: string[] = []): HopTally {
  const table = new SlotTable();
  for (const request of posted) table.post(request);
  const tally = new HopTally(table, topics, new Set(planted));
  for (const id of messages.bidRequests) tally.bidRequest(id);
  for (const topic of ['bidResponses', 'auctionOutcomes'] as const)
    for (const [requestId, slotId] of messages[topic]) tally.bid(topic, requestId, encodeBidId(requestId, slotId));
  for (const letter of letters) tally.letter(letter);
  for (const outcome of stored) tally.stored(outcome);
  return tally;
}

describe('the hops', () => {
  it('hold when everything in a topic is in the next, in the dead letters, or gets no bid', () => {
    expect(tallyOf(sound()).report()).toEqual({
      holds: true,
      counts: [
        { topic: 'bid_requests', messages: 5, distinct: 5, duplicates: 0 },
        { topic: 'bid_responses', messages: 4, distinct: 4, duplicates: 0 },
        { topic: 'auction_outcomes', messages: 3, distinct: 3, duplicates: 0 },
      ],
      lost: [],
      invented: [],
    });
  });

  it('count what came twice, and hold', () => {
    const messages = sound();
    messages.bidRequests.push('a');
    messages.bidResponses.push(['a', '1'], ['a', '1']);
    const report = tallyOf(messages).report();
    expect(report.counts.map((count) => count.duplicates)).toEqual([1, 2, 0]);
    expect(report.holds).toBe(true);
  });

  it.each<[string, (messages: Messages) => void, string, string]>([
    ['ingest', (messages) => messages.bidRequests.splice(1, 1), 'b:', 'answered 202 and is not in bid_requests'],
    ['the bidder', (messages) => messages.bidResponses.splice(0, 1), 'a:1', 'neither in bid_responses'],
    ['the auction', (messages) => messages.auctionOutcomes.splice(1, 1), 'b:1', 'neither in auction_outcomes'],
  ])('name what %s lost', (_, lose, id, why) => {
    const messages = sound();
    lose(messages);
    const { lost, holds } = tallyOf(messages).report();
    expect(ids(lost)).toEqual([id]);
    expect(lost[0]?.why).toContain(why);
    expect(holds).toBe(false);
  });

  it('name what the writer lost', () => {
    const { lost } = tallyOf(sound(), outcomes.slice(1)).report();
    expect(ids(lost)).toEqual(['a:1']);
    expect(lost[0]?.why).toContain('neither stored');
  });

  it('name what is in a place and not in the one before', () => {
    const messages = sound();
    messages.bidRequests.splice(2, 1); // d, which nobody was promised
    expect(ids(tallyOf(messages).report().invented)).toEqual(['d:1']);
    const stored = sound();
    stored.auctionOutcomes.splice(0, 1);
    expect(tallyOf(stored).report().invented[0]?.why).toContain('is stored and not in auction_outcomes');
  });

  it('ask nothing of a request that came after the groups were waited for, but that it comes from somewhere', () => {
    const messages = sound();
    messages.bidRequests.splice(2, 1); // d, which nobody was promised
    messages.auctionOutcomes.splice(2, 1);
    const tally = tallyOf(messages, outcomes.slice(0, 2));
    tally.bidRequest('d', false);
    expect(tally.report().holds).toBe(true);
    tally.bidRequest('d');
    expect(ids(tally.report().lost)).toEqual(['d:1']);
  });

  it('name a bid for a slot that gets none, and ids that nobody posted', () => {
    const messages = sound();
    messages.bidRequests.push('z', 'z');
    messages.bidResponses.push(['a', '2'], ['a', '9']);
    const report = tallyOf(messages).report();
    expect(ids(report.invented).toSorted()).toEqual(['a:2', 'a:9', 'z:']);
    expect(report.counts[0]).toEqual({ topic: 'bid_requests', messages: 7, distinct: 6, duplicates: 1 });
  });

  it('count what was planted, and expect it nowhere else', () => {
    const messages = sound();
    messages.bidRequests.push('z');
    const tally = tallyOf(messages, outcomes, ['z', 'y']);
    tally.bid('auctionOutcomes', 'y', null);
    const report = tally.report();
    expect(report.holds).toBe(true);
    expect(report.counts.map((count) => count.messages)).toEqual([6, 4, 4]);
  });
});

describe('the bid id of an event', () => {
  it.each([
    ['{"bid_id":"a:1","bid_request_id":"a"}', 'a:1'],
    ['{"bid_id":"a\\"b:1","slot_id":"1"}', 'a"b:1'],
    ['{"bid_id":"a\\\\:1","slot_id":"1"}', 'a\\:1'],
    ['{"bid_id":"é%25:ü"}', 'é%25:ü'],
    ['{"slot_id":"1","bid_id":"a:1"}', 'a:1'],
    [' {"bid_id" : "a:1"}', 'a:1'],
    ['{"bid_id":7}', null],
    ['{"bid_id":"a', null],
    ['null', null],
    ['no json', null],
  ])('in %s is %s', (value, bidId) => {
    expect(bidIdOf(Buffer.from(value))).toBe(bidId);
  });
});
