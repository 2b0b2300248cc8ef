import { describe, expect, it } from 'vitest';
import { differences, examplesOf } from './documented-examples.js';

describe('examplesOf', () => {
  it('pairs a command with the output behind it', () => {
    const page = '# Title\n```sh run\ncurl x\n```\n\n```json output\n{}\n```\n```json\n{"no": "example"}\n```\n';
    expect(examplesOf(page)).toEqual([{ line: 2, command: 'curl x', form: 'json', output: '{}' }]);
  });

  it.each([
    '```sh run\ncurl x\n```\n',
    '```sh run\ncurl x\n```\ntext\n```json output\n{}\n```\n',
    '```sh run\ncurl x\n```\n```json\n{}\n```\n',
    '```sh\ncurl x\n```\n```json output\n{}\n```\n',
    '```json output\n{}\n```\n',
    '```sh run\ncurl x\n',
  ])('refuses %j, where an example would go unchecked', (page) => {
    expect(() => examplesOf(page)).toThrow(/^line \d+: /);
  });
});

describe('differences', () => {
  it.each<[string, string, string]>([
    ['json', '{"a": 1, "b": ["x", null]}', '{"b":["x",null],"a":1}'],
    ['json', '{"a": 1, "…": "…"}', '{"a":1,"b":2}'],
    ['json', '{"id": "…", "list": [1, "…"]}', '{"id":{"any":"thing"},"list":[1,2,3]}'],
    ['json', '"/api/?cursor=…&limit=1"', '"/api/?cursor=abc&limit=1"'],
    ['csv', 'a,b\n1,…\n…', 'a,b\r\n1,2\r\n3,4\r\n'],
    ['http', 'HTTP/1.1 200 OK\netag: "…"\n\n{"a": 1}', 'HTTP/1.1 200 OK\r\ndate: x\r\netag: "q"\r\n\r\n{"a":1}'],
    ['http', 'HTTP/1.1 304 Not Modified', 'HTTP/1.1 304 Not Modified\r\netag: "q"\r\n\r\n'],
  ])('has none for %s %j and %j', (form, shown, printed) => {
    expect(differences(form, shown, printed)).toEqual([]);
  });

  it.each<[string, string, string]>([
    ['json', '{"a": 1}', '{"a":2}'],
    ['json', '{"a": 1}', '{"a":"1"}'],
    ['json', '{"a": 1}', '{"a":1,"b":2}'],
    ['json', '{"a": 1, "…": "…"}', '{"b":2}'],
    ['json', '[1, 2]', '[1]'],
    ['json', '[1, "…"]', '[]'],
    ['json', '{"a": null}', '{"a":0}'],
    ['json', '"a…a"', '"a"'],
    ['json', '"a…c…b"', '"axb"'],
    ['csv', 'a,b', 'a,b\r\n1,2\r\n'],
    ['csv', 'a,b\n1,2', 'a,b\r\n1,3\r\n'],
    ['http', 'HTTP/1.1 200 OK\netag: "…"', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['http', 'HTTP/1.1 200 OK\n\n{"a": 1}', 'HTTP/1.1 200 OK\r\n\r\n{"a":2}'],
  ])('has one for %s %j and %j', (form, shown, printed) => {
    expect(differences(form, shown, printed)).toHaveLength(1);
  });
});
