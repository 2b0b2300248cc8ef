import { describe, expect, test } from 'vitest';
import { hexDump, prettyJson, printable, printableKey, utf8Of } from '../../src/dead-letters/printable.js';

test.each([
  ['größe 🎾 日本', 'größe 🎾 日本'],
  ['a\u001B[2J\u0007\u0000\r\n\t', 'a\\u001b[2J\\u0007\\u0000\\u000d\\u000a\\u0009'],
  ['\u007F\u0085\u009B', '\\u007f\\u0085\\u009b'],
  ['\u202Egnp\u2066\u200B\uFEFF\u2028', '\\u202egnp\\u2066\\u200b\\ufeff\\u2028'],
  ['\uD800x', '\\ud800x'],
  ['\u{E0041}', '\\udb40\\udc41'],
])('%j is shown as %s', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('a text is cut before it is escaped', () => {
  expect(printable('\u0001'.repeat(10), 2)).toBe('\\u0001\\u0001…');
});

test.each([
  [null, '(none)'],
  [Buffer.alloc(0), '(empty)'],
  [Buffer.from('größe'), 'größe'],
  [Buffer.from([0x61, 0xff, 0x1b, 0x62]), 'a\\xff\\x1bb'],
])('the key %j is shown as %s', (key, shown) => {
  expect(printableKey(key)).toBe(shown);
});

test('bytes are text only when they are UTF-8 throughout; a byte-order mark is kept', () => {
  expect(utf8Of(Buffer.from([0xef, 0xbb, 0xbf, 0x61]))).toBe('\uFEFFa');
  expect(utf8Of(Buffer.from([0xed, 0xa0, 0x80]))).toBeNull();
});

test('a hex dump shows offset, bytes and what of them is printable', () => {
  expect([...hexDump(Buffer.from([0, 0xff, ...Buffer.from('{"id":"x"}\u001B[2Jzz')]))]).toEqual([
    '00000000  00 ff 7b 22 69 64 22 3a  22 78 22 7d 1b 5b 32 4a  |..{"id":"x"}.[2J|',
    '00000010  7a 7a                                             |zz|',
  ]);
});

describe('JSON', () => {
  test('gets a member a line, and its tokens stay as they were written', () => {
    const text = '{ "a":1e400,"a":[ 12345678901234567890 , {}, [] ],"s":"\\u0041 , : {\\"" }';
    const pretty = prettyJson(text) ?? '';
    expect(pretty).toBe(
      ['{', '  "a": 1e400,', '  "a": [', '    12345678901234567890,', '    {},', '    []', '  ],', '  "s": "\\u0041 , : {\\""', '}'].join(
        '\n',
      ),
    );
  });

  test('is shown without what moves a terminal, and still means the same', () => {
    const value = { 'k\u009B': '\u202Ex' };
    const pretty = prettyJson(JSON.stringify(value)) ?? '';
    expect(pretty).toMatch(/^[\u0020-\u007E\n]*$/);
    expect(JSON.parse(pretty)).toEqual(value);
  });

  test.each(['', '{', '{"a":1}x', '[1,]', '\uFEFF{}'])('%j is none', (text) => {
    expect(prettyJson(text)).toBeNull();
  });

  test('of a megabyte costs about a megabyte more, whatever it is made of', () => {
    for (const text of [
      `${'['.repeat(5000)}${']'.repeat(5000)}`,
      `"${'x'.repeat(1_000_000)}"`,
      `"${'\\n'.repeat(500_000)}"`,
      `[${'0,'.repeat(300_000)}0]`,
    ]) {
      const pretty = prettyJson(text);
      expect(pretty?.replaceAll(/\s/g, '')).toBe(text);
      expect(pretty?.length).toBeLessThan(2_000_000);
    }
  });

  test('nested deeper than anybody reads is not indented further', () => {
    const text = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(prettyJson(text)?.length ?? 0).toBeLessThan(200_000 * 90);
  });
});
