import { compareLetters, type FoundLetter, hashOf, longestRow, type Stands } from '@helios/bench/faults/poison-letters';
import type { PoisonMessage } from '@helios/bench/faults/poison-messages';
import { describe, expect, it } from 'vitest';

type Planted = PoisonMessage & Stands;

function planted(offset: number, changes: Partial<Planted> = {}): Planted {
  return {
    kind: 'not JSON',
    codes: ['malformed_json'],
    topic: 'bidResponses',
    key: Buffer.from(`key-${offset}`),
    value: Buffer.from(`value-${offset}`),
    known: null,
    place: `bid_responses:2:${offset}`,
    partition: 2,
    offset,
    plantedAtUnixMs: 1000,
    ...changes,
  };
}

function letterOf(poison: Planted, changes: Partial<FoundLetter> = {}): FoundLetter {
  return {
    id: `0:${poison.offset}`,
    place: poison.place,
    stage: 'auction',
    reason: 'malformed_json',
    errorText: 'The message is not valid JSON.',
    writtenAtUnixMs: 1000 + poison.offset,
    acceptedAtUnixMs: null,
    omittedBytes: null,
    replayedFrom: null,
    key: poison.key,
    hash: hashOf(poison.value),
    ...changes,
  };
}

describe('compareLetters', () => {
  it('finds nothing where each message has its letter, a repeated one included, and says how long they took', () => {
    const messages = [planted(30), planted(10), planted(20, { key: null, value: null })];
    const letters = [...messages.map((message) => letterOf(message)), letterOf(planted(10))];
    expect(compareLetters(messages, letters)).toEqual({ broken: [], delaysMs: [10, 20, 30], copies: 1 });
  });

  it('finds a message without a letter, and a letter without a message unless it is known', () => {
    const { broken } = compareLetters([planted(1)], [letterOf(planted(2)), letterOf(planted(3))], new Set(['bid_responses:2:3']));
    expect(broken).toEqual([
      'not JSON at bid_responses:2:1 has no letter',
      'bid_responses:2:2 has a letter (malformed_json) and was not planted',
    ]);
  });

  it.each([
    ['other bytes', { hash: hashOf(Buffer.from('other')) }, 'does not hold the original bytes'],
    ['no bytes', { hash: hashOf(null) }, 'does not hold the original bytes'],
    ['an empty value', { hash: hashOf(Buffer.alloc(0)) }, 'does not hold the original bytes'],
    ['a small value left out', { omittedBytes: 7, hash: hashOf(null) }, 'leaves out 7 bytes'],
    ['another key', { key: null }, 'does not hold the original key'],
    ['another stage', { stage: 'writer' }, 'says the stage writer'],
    ['another reason', { reason: 'missing' }, 'says missing'],
    ['no word of why', { errorText: '' }, 'does not say what is wrong'],
  ])('finds a letter with %s', (_, changes, sentence) => {
    expect(compareLetters([planted(1)], [letterOf(planted(1), changes)]).broken).toEqual([expect.stringContaining(sentence)]);
  });

  it('takes a large value that is left out, when the letter says its length', () => {
    const large = planted(1, { value: Buffer.alloc(999_000) });
    expect(compareLetters([large], [letterOf(large, { omittedBytes: 999_000, hash: hashOf(null) })]).broken).toEqual([]);
    expect(compareLetters([large], [letterOf(large, { omittedBytes: 998_999, hash: hashOf(null) })]).broken).toHaveLength(1);
  });
});

describe('longestRow', () => {
  it('counts the most offsets that follow each other on one partition', () => {
    const row = [9, 3, 1, 2, 5, 4].map((offset) => planted(offset));
    expect(longestRow([...row, planted(6, { place: 'bid_responses:3:6' }), planted(10)])).toBe(5);
    expect(longestRow([])).toBe(0);
  });
});
