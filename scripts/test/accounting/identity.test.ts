import { describe, expect, it } from 'vitest';
import { account, type PostedRequest, UNKNOWN_SLOT } from '../../src/accounting/identity.js';
import { ids, letter, letters, outcome, outcomes, posted } from './samples.js';

describe('the accounting identity', () => {
  it('holds when every accepted slot has one end, and counts how they ended', () => {
    expect(account(posted, outcomes, letters)).toEqual({
      acceptedRequests: 4,
      acceptedSlots: 6,
      outcomes: 2,
      noBids: 1,
      deadLettered: 3,
      storedUnconfirmed: 1,
      poisonLetters: 0,
      missing: [],
      unexpected: [],
      duplicates: [],
      deadLettersUnexpected: [],
      poisonMissing: [],
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

  it('names a request id that was trimmed on the way twice: as missing and as invented', () => {
    const long = 'r'.repeat(80);
    const report = account([{ id: long, status: 202, slots: [{ id: '1', expectation: 'bid' }] }], [outcome(long.slice(0, 64), '1')], []);
    expect(ids(report.missing)).toEqual([`${long}:1`]);
    expect(ids(report.unexpected)).toEqual([`${long.slice(0, 64)}:1`]);
  });

  it('keeps slots apart whose ids look alike together', () => {
    const request = (id: string, slot: string): PostedRequest => ({ id, status: 202, slots: [{ id: slot, expectation: 'bid' }] });
    const report = account([request('1 2', '3'), request('1', '2 3')], [outcome('1 2', '3'), outcome('9', '9 9'), outcome('9 9', '9')], []);
    expect(ids(report.missing)).toEqual(['1:2 3']);
    expect(ids(report.unexpected)).toEqual(['9:9 9', '9 9:9']);
  });

  it('finds every slot of a request of a hundred slots, posted twice', () => {
    const slots = Array.from({ length: 100 }, (_, index) => ({ id: `s${index}`, expectation: 'bid' as const }));
    const twice: PostedRequest[] = [
      { id: 'many', status: 503, slots: slots.slice(0, 60) },
      { id: 'many', status: 202, slots },
    ];
    const stored = slots.filter(({ id }) => id !== 's77').map(({ id }) => outcome('many', id));
    const report = account(twice, stored, []);
    expect(report).toMatchObject({ acceptedRequests: 1, acceptedSlots: 100, outcomes: 99, duplicates: [], unexpected: [] });
    expect(ids(report.missing)).toEqual(['many:s77']);
  });

  it('lets a slot on which two postings disagree end either way', () => {
    const again: PostedRequest[] = [...posted, { id: 'a', status: 202, slots: [{ id: '2', expectation: 'bid' }] }];
    expect(account(again, outcomes, letters).holds).toBe(true);
    expect(account(again, [...outcomes, outcome('a', '2')], letters).holds).toBe(true);
  });
});

describe('dead letters that are told beforehand', () => {
  const planted = [
    { requestId: 'f', slotId: '1' },
    { requestId: 'g', slotId: null },
    { requestId: 'poison', slotId: UNKNOWN_SLOT },
  ];
  const found = [...letters, letter('poison', UNKNOWN_SLOT, 8)];

  it('hold when exactly those are there, of posted requests and of none', () => {
    expect(account(posted, outcomes, found, { poison: planted })).toMatchObject({ holds: true, poisonLetters: 3, deadLettered: 3 });
  });

  it('do not hold when one is not there', () => {
    const report = account(posted, outcomes, found.slice(0, 2), { poison: planted });
    expect(ids(report.poisonMissing)).toEqual([`poison:${UNKNOWN_SLOT}`]);
    expect(report.holds).toBe(false);
  });

  it('do not hold when nobody planted one, though it is the only end of its slot', () => {
    const report = account(posted, outcomes, found, { poison: planted.slice(1) });
    expect(ids(report.deadLettersUnexpected)).toEqual(['f:1']);
    expect(report).toMatchObject({ holds: false, missing: [], deadLettered: 3 });
    expect(account(posted, outcomes, found, { poison: [] }).deadLettersUnexpected).toHaveLength(3);
  });

  it('take a repeated letter of one source as one, and of another source as one too many', () => {
    expect(account(posted, outcomes, [...found, letter('poison', UNKNOWN_SLOT, 8)], { poison: planted }).holds).toBe(true);
    const report = account(posted, outcomes, [...found, letter('poison', UNKNOWN_SLOT, 9)], { poison: planted });
    expect(ids(report.deadLettersUnexpected)).toEqual([`poison:${UNKNOWN_SLOT}`]);
  });

  it('may be several under one id', () => {
    const twice = [...planted, { requestId: 'poison', slotId: UNKNOWN_SLOT }];
    expect(account(posted, outcomes, [...found, letter('poison', UNKNOWN_SLOT, 9)], { poison: twice }).holds).toBe(true);
    expect(ids(account(posted, outcomes, found, { poison: twice }).poisonMissing)).toEqual([`poison:${UNKNOWN_SLOT}`]);
  });

  it('do not excuse an outcome of a message that was planted', () => {
    expect(ids(account(posted, [...outcomes, outcome('poison', '1')], found, { poison: planted }).unexpected)).toEqual(['poison:1']);
  });
});
