import { describe, expect, test } from 'vitest';
import { type Letter, letterOf, matches, placeOf, placeText } from '../../src/dead-letters/letter.js';
import { groupJson, LetterGroups, groupTable, letterJson, letterLine } from '../../src/dead-letters/letter-groups.js';
import { letterRecord } from './records.js';

function letter(...change: Parameters<typeof letterRecord>): Letter {
  const found = letterOf(letterRecord(...change));
  if (found === null) throw new Error('no letter');
  return found;
}

describe('a record of the dead-letter topic', () => {
  test('is a letter with its place, its source and its reason', () => {
    expect(letter()).toMatchObject({
      id: '3:117',
      source: { topic: 'bid_requests', partition: 3, offset: 7 },
      stage: 'bidder',
      reason: 'malformed_json',
      errorText: 'The body is not valid JSON.',
      writtenAtUnixMs: 1_760_000_001_000,
      acceptedAtUnixMs: 1_760_000_000_000,
      omittedBytes: null,
      replayedFrom: null,
    });
  });

  test.each([
    ['no headers', letterRecord({ headers: [] })],
    ['an offset that is no number', letterRecord({ headersChange: { 'helios-source-offset': '-1' } })],
    ['an offset that no log has', letterRecord({ headersChange: { 'helios-source-offset': '9'.repeat(16) } })],
    ['a topic that cannot be', letterRecord({ headersChange: { 'helios-source-topic': 'a:1:2\n' } })],
  ])('with %s is no letter', (_, record) => {
    expect(letterOf(record)).toBeNull();
  });

  test('without a time that means anything has none', () => {
    expect(letter({ timestamp: undefined }).writtenAtUnixMs).toBeNull();
    expect(letter({ timestamp: -1 }).writtenAtUnixMs).toBeNull();
    expect(letter({ headersChange: { 'helios-accepted-at': '1e9' } }).acceptedAtUnixMs).toBeNull();
  });
});

test('places are read back as they are written', () => {
  const place = { topic: 'my.topic-1_x', partition: 12, offset: 123_456_789_012 };
  expect(placeOf(placeText(place))).toEqual(place);
  expect(placeOf('a:b:c')).toBeNull();
  expect(placeOf('a:1')).toBeNull();
});

describe('a filter', () => {
  test.each([
    [{}, true],
    [{ stage: 'bidder', reason: 'malformed_json', topic: 'bid_requests', key: 'req-1' }, true],
    [{ stage: 'auction' }, false],
    [{ reason: 'not_utf8' }, false],
    [{ topic: 'bid_responses' }, false],
    [{ key: 'req' }, false],
    [{ sinceUnixMs: 1_760_000_001_000, untilUnixMs: 1_760_000_001_000 }, true],
    [{ sinceUnixMs: 1_760_000_001_001 }, false],
    [{ untilUnixMs: 1_760_000_000_999 }, false],
  ])('%j leaves the letter in: %s', (filter, isIn) => {
    expect(matches(letter(), filter)).toBe(isIn);
  });

  test('of time leaves out what has no time, and of a key what has no key', () => {
    expect(matches(letter({ timestamp: undefined }), { sinceUnixMs: 0 })).toBe(false);
    expect(matches(letter({ timestamp: undefined }), { untilUnixMs: 9e12 })).toBe(false);
    expect(matches(letter({ key: null }), { key: '' })).toBe(false);
    expect(matches(letter({ key: Buffer.alloc(0) }), { key: '' })).toBe(true);
  });
});

describe('the list', () => {
  test('counts letters, open ones and copies by stage, topic and reason, the largest group first', () => {
    const groups = new LetterGroups();
    groups.add(letter({ headersChange: { 'helios-error-code': 'not_utf8' } }), 1, true);
    groups.add(letter({ timestamp: 5000 }), 1, true);
    groups.add(letter({ timestamp: 3000 }), 2, false);
    groups.add(letter({ timestamp: undefined }), 1, true);
    expect(groups.groups()).toMatchObject([
      {
        stage: 'bidder',
        topic: 'bid_requests',
        reason: 'malformed_json',
        letters: 3,
        open: 2,
        copies: 4,
        firstAtUnixMs: 3000,
        lastAtUnixMs: 5000,
      },
      { reason: 'not_utf8', letters: 1, open: 1, copies: 1 },
    ]);
    expect(groups.letters).toBe(4);
    expect(groupTable(groups.groups()).split('\n')[1]).toMatch(
      /^bidder +bid_requests +malformed_json +3 +2 +4 +1970-01-01T00:00:03Z +1970-01-01T00:00:05Z +3:117 +req-1$/,
    );
  });

  test('keeps a thousand groups, and counts what is beyond them together', () => {
    const groups = new LetterGroups();
    for (let number = 0; number < 5000; number++) groups.add(letter({ headersChange: { 'helios-error-code': `c${number}` } }), 1, true);
    expect(groups.groups()).toHaveLength(1001);
    expect(groups.letters).toBe(5000);
    expect(groups.groups()[0]).toMatchObject({ reason: '(others)', letters: 4000 });
  });

  test('shows nothing that moves a terminal, in lines for people and in JSON', () => {
    const evil = '\u001B]0;x\u0007\u009B31m\u202E\r\n';
    const hostile = letter({
      key: Buffer.from(evil),
      headersChange: { 'helios-stage': evil, 'helios-error-code': evil, 'helios-error-text': evil, 'helios-replayed-from': evil },
    });
    const groups = new LetterGroups();
    groups.add(hostile, 1, true);
    const lines = [
      letterLine(hostile, 2, true, 0),
      letterJson(hostile, 1, false),
      ...groupTable(groups.groups())
        .split('\n')
        .map((line) => `${line}\n`),
      ...groups.groups().map(groupJson),
    ];
    for (const line of lines) expect(line).toMatch(/^[\u0020-\u007E…]*\n$/);
    expect(JSON.parse(letterJson(hostile, 1, false))).toMatchObject({ key: evil, stage: evil, state: 'replayed' });
  });

  test('carries a key that is no text in base64', () => {
    expect(JSON.parse(letterJson(letter({ key: Buffer.from([0xff, 0]) }), 1, true))).toMatchObject({ key: null, keyBase64: '/wA=' });
    expect(JSON.parse(letterJson(letter({ key: null }), 1, true))).not.toHaveProperty('keyBase64');
  });

  test('tells how large the original is, be it in the letter or left out', () => {
    const left = letter({ value: null, headersChange: { 'helios-omitted-bytes': '999980' } });
    expect(letterLine(left, 1, true, 0)).toContain('999980 B');
    expect(letterLine(left, 1, true, 0)).toContain('(value left out)');
  });
});
