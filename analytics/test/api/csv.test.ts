import { describe, expect, it } from 'vitest';
import { csvHeader, csvLines } from '../../src/api/csv.js';

const line = (value: string | number | boolean | null) => csvLines([{ value, end: 'x' }], ['value', 'end']);

describe('csvLines', () => {
  it('is RFC 4180: commas, CRLF, quotes doubled, the columns in the order asked for', () => {
    expect(csvHeader(['a', 'b'])).toBe('a,b\r\n');
    const rows = [
      { a: 'x,y', b: 'say "hi"' },
      { a: 'two\r\nlines', b: '' },
    ];
    expect(csvLines(rows, ['b', 'a'])).toBe('"say ""hi""","x,y"\r\n,"two\r\nlines"\r\n');
    expect(csvLines([], ['a'])).toBe('');
  });

  it.each(['a\nb', 'a\rb', 'a\r\nb', 'a"b', 'a,b'])('quotes %j', (text) => {
    expect(line(text)).toBe(`"${text.replaceAll('"', '""')}",x\r\n`);
  });

  it('writes numbers as JSON does, booleans as words and null as nothing', () => {
    expect([line(0.000001), line(-0.5), line(12), line(true), line(false), line(null)]).toEqual(
      ['0.000001', '-0.5', '12', 'true', 'false', ''].map((cell) => `${cell},x\r\n`),
    );
  });

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '\n',
    ' =1',
    '  \t@x',
    '\u00a0=1',
    '\u200b=1',
    '\ufeff=1',
    '\uff1d1',
    ' \uff0b1',
    '=HYPERLINK("http://x")',
    '\u0001=1',
  ])('puts an apostrophe before %j', (text) => {
    const unquoted = line(text).replace(/^"/, '');
    expect(unquoted.startsWith(`'${text.slice(0, 1)}`)).toBe(true);
  });

  it.each(['a=1', 'x', "'=1", '1-2', ' x', 'https://example/?a=1'])('leaves %j as it is', (text) => {
    expect(line(text)).toBe(`${text},x\r\n`);
  });
});
