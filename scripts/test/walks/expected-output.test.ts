import { describe, expect, it } from 'vitest';
import { isPrinted, outputProblem } from '../../src/walks/expected-output.js';
import type { Expected } from '../../src/walks/page.js';

const lines = (text: string, numbersVary = false): Expected => ({ line: 1, form: 'lines', text, numbersVary });
const json = (text: string): Expected => ({ line: 1, form: 'json', text, numbersVary: false });

describe('text', () => {
  it.each([
    ['the same', 'a\nb', 'a\nb\n'],
    ['ids, times and numbers', '{"id":"<id>"} at <time>, <number> ms', '{"id":"9f-3.a:top"} at 2026-11-26T03:07:57.123Z, -1.5 ms'],
    ["Kubernetes' ages", 'pod <time>', 'pod 4m12s'],
    ['any text in a line', 'a <...> z', 'a then, much more, z'],
    ['any lines', 'first\n...\nlast', 'first\n2\n3\nlast'],
    ['no line in their place', 'first\n...\nlast', 'first\nlast'],
    ['lines before it', '...\nlast', '1\n2\nlast'],
    ['colours and blanks at the ends', 'a', '\u001B[32ma\u001B[0m  \r\n\n'],
    ['characters that mean something elsewhere', 'a.b (c) [d] $e? | f*', 'a.b (c) [d] $e? | f*'],
  ])('fits: %s', (_, shown, printed) => {
    expect(outputProblem(lines(shown), printed)).toBeNull();
  });

  it.each([
    ['another line', 'a\nb', 'a\nc', 'no line fits "b"; printed:\na\nc'],
    ['a line less', 'a\nb', 'a', 'no line fits "b"'],
    ['a line more', 'a', 'a\nb', 'more was printed than the page shows'],
    ['nothing', 'a', '', 'no line fits "a"'],
    ['an id of two words', '<id>', 'two words', 'no line fits "<id>"'],
    ['a dot that is another character', 'a.b', 'axb', 'no line fits "a.b"'],
    ['a time that is none', '<time>', 'yesterday', 'no line fits'],
  ])('does not fit: %s', (_, shown, printed, problem) => {
    expect(outputProblem(lines(shown), printed)).toContain(problem);
  });

  it('has other numbers where they are examples, but a 0 is a 0', () => {
    const shown = lines('accepted 20/s · p99 <= 50 ms · lost 0', true);
    expect(outputProblem(shown, 'accepted 19.5/s · p99 <= 2.5 ms · lost 0')).toBeNull();
    expect(outputProblem(shown, 'accepted 19.5/s · p99 <= 2.5 ms · lost 3')).toContain('no line fits');
    expect(outputProblem(shown, 'accepted 0/s · p99 <= 2.5 ms · lost 0')).toContain('no line fits');
  });

  it('is found within a longer output, as whole lines in a row', () => {
    const shown = lines('Helios runs.\n  bids <...>\n...\nlost 0');
    expect(isPrinted(shown, 'Starting\nHelios runs.\n  bids POST\nmore\nlost 0\nmore')).toBe(true);
    expect(isPrinted(shown, 'Starting\nHelios runs.\nother\n  bids POST\nlost 0')).toBe(false);
    expect(isPrinted(shown, 'Helios runs. Not.\n  bids POST\nlost 0')).toBe(false);
  });
});

describe('JSON', () => {
  it.each([
    ['the same, in another order and on one line', '{"a": 1,\n "b": [true, null]}', '{"b":[true,null],"a":1}'],
    [
      'values that differ',
      '{"id": "<id>", "n": "<number>", "any": "<...>", "at": "<time>"}',
      '{"id":"x-1","n":2.5,"any":[{}],"at":"2026-11-26T03:07:57Z"}',
    ],
    ['a text around a value', '"phase-<number>:top"', '"phase-17:top"'],
    ['further fields', '{"a": 1, "...": "..."}', '{"a":1,"b":2}'],
    ['further items', '[{"id": "<id>"}, "..."]', '[{"id":"a"},{"id":"b"},3]'],
    ['no further items', '[1, "..."]', '[1]'],
  ])('fits: %s', (_, shown, printed) => {
    expect(outputProblem(json(shown), printed)).toBeNull();
  });

  it.each([
    ['another value', '{"a": {"b": [1, 2]}}', '{"a":{"b":[1,3]}}', '/a/b/1 is 3 where the page has 2'],
    ['a field that is not shown', '{"a": 1}', '{"a":1,"b":2}', '/b is not on the page'],
    ['a field that is absent', '{"a": 1, "...": "..."}', '{"b":2}', '/a is absent'],
    ['an item more', '[1]', '[1,2]', 'has 2 items where the page has 1'],
    ['an item less', '[1, 2, "..."]', '[1]', 'has 1 items where the page has 2 or more'],
    ['a text for a number', '{"n": "<number>"}', '{"n":"many"}', '/n is "many"'],
    ['a number for a text', '{"n": "1"}', '{"n":1}', '/n is 1 where the page has "1"'],
    ['null for an object', '{"p": {"a": 1}}', '{"p":null}', '/p is null'],
    ['two values', '{"a": 1}', '{"a":1}\n{"a":1}', 'one JSON value was to be printed'],
    ['a page that is no JSON', '{a}', '{}', 'what the page shows is no JSON'],
  ])('does not fit: %s', (_, shown, printed, problem) => {
    expect(outputProblem(json(shown), printed)).toContain(problem);
  });
});
