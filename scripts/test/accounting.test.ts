import { describe, expect, it } from 'vitest';
import { account, type FoundLetter, type FoundOutcome, type PostedRequest } from '../src/accounting.js';

const outcome = (requestId: string, slotId: string): FoundOutcome => ({ requestId, slotId });
const letter = (requestId: string, slotId: string | null, sourceOffset = 0): FoundLetter => ({
  sourceTopic: slotId === null ? 'bid_requests' : 'bid_responses',
  sourcePartition: 1,
  sourceOffset,
  requestId,
  slotId,
});
const posted: PostedRequest[] = [
  {
    id: 'a',
    status: 202,
    slots: [
      { id: '1', expectation: 'bid' },
      { id: '2', expectation: 'no_bid' },
    ],
  },
  { id: 'b', status: 202, slots: [{ id: '1', expectation: 'either' }] },
  { id: 'c', status: 400, slots: [] },
  { id: 'd', status: 503, slots: [{ id: '1', expectation: 'bid' }] },
  { id: 'e', status: null, slots: [{ id: '1', expectation: 'bid' }] },
  { id: 'f', status: 202, slots: [{ id: '1', expectation: 'bid' }] },
  {
    id: 'g',
    status: 202,
    slots: [
      { id: '1', expectation: 'bid' },
      { id: '2', expectation: 'no_bid' },
    ],
  },
];
const outcomes = [outcome('a', '1'), outcome('b', '1'), outcome('d', '1')];
const letters = [letter('f', '1'), letter('g', null)];
const ids = (findings: readonly { requestId: string; slotId: string }[]) =>
  findings.map((finding) => `${finding.requestId}:${finding.slotId}`);

describe('the accounting identity', () => {
  it('holds when every accepted slot has one end, and counts how they ended', () => {
    expect(account(posted, outcomes, letters)).toEqual({
      acceptedRequests: 4,
      acceptedSlots: 6,
      outcomes: 2,
      noBids: 1,
      deadLettered: 3,
      storedUnconfirmed: 1,
      missing: [],
      unexpected: [],
      duplicates: [],
      holds: true,
    });
  });

  it('names a lost slot', () => {
    const report = account(posted, outcomes.slice(1), letters);
    expect(ids(report.missing)).toEqual(['a:1']);
    expect(report.holds).toBe(false);
  });

  it('names a slot with two outcomes', () => {
    const report = account(posted, [...outcomes, outcome('a', '1')], letters);
    expect(ids(report.duplicates)).toEqual(['a:1']);
    expect(report.holds).toBe(false);
  });

  it('names a slot with an outcome and a dead letter', () => {
    const report = account(posted, [...outcomes, outcome('f', '1')], letters);
    expect(ids(report.duplicates)).toEqual(['f:1']);
    expect(report.holds).toBe(false);
  });

  it('names an outcome beside a dead letter that stands for the whole request', () => {
    expect(ids(account(posted, [...outcomes, outcome('g', '1')], letters).duplicates)).toEqual(['g:1']);
  });

  it('names invented slots, of known and of unknown requests', () => {
    const report = account(posted, [...outcomes, outcome('a', '3'), outcome('z', '1')], letters);
    expect(ids(report.unexpected).toSorted()).toEqual(['a:3', 'z:1']);
    expect(report.holds).toBe(false);
  });

  it('names an outcome of a slot that gets no bid by the rule', () => {
    expect(ids(account(posted, [...outcomes, outcome('a', '2')], letters).unexpected)).toEqual(['a:2']);
  });

  it('names a dead letter of one slot that gets no bid by the rule', () => {
    expect(ids(account(posted, outcomes, [...letters, letter('a', '2', 7)]).unexpected)).toEqual(['a:2']);
  });

  it('names what was stored of a refused request', () => {
    expect(ids(account(posted, [...outcomes, outcome('c', '1')], letters).unexpected)).toEqual(['c:1']);
    expect(ids(account(posted, outcomes, [...letters, letter('c', null, 9)]).unexpected)).toEqual(['c:']);
  });

  it('allows an unanswered request its slots once, not twice', () => {
    expect(account(posted, [...outcomes, outcome('e', '1')], letters)).toMatchObject({ holds: true, storedUnconfirmed: 2 });
    expect(ids(account(posted, [...outcomes, outcome('e', '1'), outcome('e', '1')], letters).duplicates)).toEqual(['e:1']);
  });

  it('takes a repeated dead letter of the same source as one, and of another source as a second end', () => {
    expect(account(posted, outcomes, [...letters, letter('f', '1')]).holds).toBe(true);
    expect(ids(account(posted, outcomes, [...letters, letter('f', '1', 5)]).duplicates)).toEqual(['f:1']);
  });

  it('takes a request posted again under its id as one request, accepted when any posting was', () => {
    const again: PostedRequest[] = [...posted, { id: 'd', status: 202, slots: [{ id: '1', expectation: 'bid' }] }];
    expect(account(again, outcomes, letters)).toMatchObject({ holds: true, acceptedSlots: 7, storedUnconfirmed: 0 });
    expect(ids(account(again, outcomes.slice(0, 2), letters).missing)).toEqual(['d:1']);
  });
});
