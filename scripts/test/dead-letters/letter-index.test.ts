import { partitionFor } from '@helios/runtime/kafka/partitioner';
import { describe, expect, test } from 'vitest';
import type { Place, TopicRecord } from '../../src/dead-letters/letter.js';
import { LetterIndex } from '../../src/dead-letters/letter-index.js';
import { encodeNote, noteOf, type ReplayNote } from '../../src/dead-letters/replay-note.js';
import { letterRecord } from './records.js';

const source: Place = { topic: 'bid_requests', partition: 3, offset: 7 };
const other: Place = { topic: 'bid_requests', partition: 3, offset: 8 };
const begun = (chunk: string, letters = ['bid_requests:3:7']): ReplayNote => ({
  kind: 'begun',
  chunk,
  letters,
  ends: { bid_requests: [1, 2, 3, 4] },
});

function noteRecord(note: ReplayNote, offset: number, timestamp = 1000, partition = 3): TopicRecord {
  const { key, value, headers } = encodeNote(note, partition, 4);
  return { topic: 'dead_letters', partition, offset, key: Buffer.from(key), value, headers, timestamp };
}

describe('a note', () => {
  test('is read back as it was written, and is led to the partition of its letters', () => {
    for (const note of [begun('c'), { kind: 'ended', chunk: 'c', replayed: ['bid_requests:3:7'] } as const]) {
      for (const [partition, count] of [
        [0, 1],
        [3, 4],
        [49, 50],
      ] as const) {
        const encoded = encodeNote(note, partition, count);
        expect(noteOf(encoded)).toEqual(note);
        expect(partitionFor(encoded.key, count)).toBe(partition);
      }
    }
  });

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"chunk":1}',
    '{"chunk":"c","letters":["x"],"ends":{}}',
    '{"chunk":"c","letters":[],"ends":{"t":["1"]}}',
  ])('that somebody else made up (%s) is none', (text) => {
    for (const kind of ['begun', 'ended', 'other'])
      expect(noteOf({ value: Buffer.from(text), headers: [{ 'helios-replay-note': kind }] })).toBeNull();
    expect(noteOf({ value: null, headers: [{ 'helios-replay-note': 'begun' }] })).toBeNull();
  });
});

describe('the index', () => {
  test('takes repeats of one source as one letter, and meets each once a walk', () => {
    const index = new LetterIndex();
    expect(index.take(letterRecord())?.id).toBe('3:117');
    index.take(letterRecord({ offset: 118 }));
    expect(index.copies(source)).toBe(2);
    expect(index.copies(other)).toBe(0);
    for (let walk = 0; walk < 2; walk++) {
      index.beginWalk();
      expect([index.meet(source), index.meet(source)]).toEqual([true, false]);
    }
    expect(index.copies(source)).toBe(2);
  });

  test('knows what was replayed from the ended note, and counts copies on', () => {
    const index = new LetterIndex();
    index.take(letterRecord());
    index.take(noteRecord(begun('c', ['bid_requests:3:7', 'bid_requests:3:8']), 118));
    expect([index.isReplayed(source), index.openChunks().length]).toEqual([false, 1]);
    index.take(noteRecord({ kind: 'ended', chunk: 'c', replayed: ['bid_requests:3:7'] }, 119));
    index.take(letterRecord({ offset: 120 }));
    expect([index.isReplayed(source), index.isReplayed(other), index.openChunks().length, index.copies(source)]).toEqual([
      true,
      false,
      0,
      2,
    ]);
    expect(index.foreign).toBe(0);
  });

  test('counts records that are neither letter nor note, and takes nothing from them', () => {
    const index = new LetterIndex();
    expect(index.take(letterRecord({ headers: [] }))).toBeNull();
    index.take({ ...noteRecord(begun('c'), 1), value: Buffer.from('{') });
    expect([index.foreign, index.openChunks()]).toEqual([2, []]);
  });

  test('gives a letter that two replays claim to the one whose note stands first', () => {
    const index = new LetterIndex();
    index.take(noteRecord(begun('first'), 10));
    index.take(noteRecord(begun('second'), 11));
    expect(index.claimedByAnother('first', [source])).toBe(false);
    expect(index.claimedByAnother('second', [source])).toBe(true);
    expect(index.claimedByAnother('second', [other])).toBe(false);
    index.take(noteRecord({ kind: 'ended', chunk: 'first', replayed: [] }, 12));
    expect(index.claimedByAnother('second', [source])).toBe(false);
  });
});
