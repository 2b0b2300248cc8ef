import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { bytesOf, goodBody, type Notation } from '@helios/bench/faults/hostile/case-bytes';
import { readCaseFiles, requestOf, runCase } from '@helios/bench/faults/hostile/written-cases';
import { parseBidRequest } from '@helios/proto/bid-request';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('the notation of bytes', () => {
  it.each<readonly [string, Notation, string]>([
    ['text', 'aé', '61c3a9'],
    ['parts', ['a', { hex: '00 ff' }, 'b'], '6100ff62'],
    ['repeat', { repeat: [{ hex: '0b0c' }, 3] }, '0b0c0b0c0b0c'],
    ['pad', { pad: ['a', 3] }, '612020'],
    ['cut from the front', { cut: ['abcd', 2] }, '6162'],
    ['cut from the end', { cut: ['abcd', -1] }, '616263'],
    ['patch', { patch: ['abcd', -2, '0000'] }, '61620000'],
    ['chunked', { chunked: ['abc', 'd'] }, Buffer.from('3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n').toString('hex')],
    ['chunks of a length', { chunked_by: ['abcd', 3] }, Buffer.from('3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n').toString('hex')],
    ['numbered', { numbered: ['a#', 3, ','] }, Buffer.from('a0,a1,a2').toString('hex')],
    ['UTF-16, little endian', { utf16le: 'a' }, '6100'],
    ['UTF-16, big endian', { utf16be: 'a' }, '0061'],
    ['Latin-1', { latin1: 'é' }, 'e9'],
    ['json', { json: { a: 1 } }, Buffer.from('{"a":1}').toString('hex')],
  ])('%s', (_, notation, hex) => {
    expect(bytesOf(notation).toString('hex')).toBe(hex);
  });

  it('compresses', () => {
    expect(gunzipSync(bytesOf({ gzip: 'abc' })).toString()).toBe('abc');
  });

  it.each<readonly [string, Notation]>([
    ['an unknown key', { bytes: 'a' }],
    ['two keys', { hex: '00', latin1: 'a' }],
    ['half a byte', { hex: '0' }],
    ['a patch outside', { patch: ['ab', 1, '0000'] }],
    ['a pad that is too short', { pad: ['abc', 2] }],
  ])('is refused when it is %s', (_, notation) => {
    expect(() => bytesOf(notation)).toThrow();
  });
});

describe('the written cases', () => {
  const files = readCaseFiles();

  it('have names that differ within their category, and bytes that can be made', () => {
    for (const { category, cases } of files) {
      const names = cases.map(({ name }) => name);
      expect({ category, repeated: names.filter((name, index) => names.indexOf(name) !== index) }).toEqual({ category, repeated: [] });
      for (const written of cases) if (written.raw === undefined) expect(requestOf(written).length).toBeGreaterThan(0);
    }
  });

  it('know a good body', () => {
    expect(goodBody.length).toBe(34);
    expect(parseBidRequest(Buffer.from(goodBody)).ok).toBe(true);
  });
});

describe('the runner of written cases', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    // Answers 202 to everything but "400".
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => response.writeHead(body === '400' ? 400 : 202, { 'content-length': 2 }).end('{}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is content with what is as written', async () => {
    expect(await runCase(port, { name: 'good', answer: 202 })).toEqual({ why: null, accepted: 3 });
    expect(await runCase(port, { name: 'bad', body: '400', answer: 400 })).toEqual({ why: null, accepted: 2 });
  });

  it.each([
    ['another status', { name: '', answer: 400 }, /202 where 400 was due/],
    ['a problem that is none', { name: '', body: '400', answer: 400, code: 'missing' }, /no problem\+json/],
    ['an answer where none was due', { name: '', answer: 'close' as const }, /an answer 202 where the connection was to be closed/],
    ['one answer more', { name: '', answer: 202, closes: true, raw: [requestText, requestText] }, /an answer 202 where the connection/],
  ])('tells of %s', async (_, written, why) => {
    expect((await runCase(port, written)).why).toMatch(why);
  });
});

const requestText = `POST /bid HTTP/1.1\r\nHost: x\r\nContent-Length: ${goodBody.length}\r\n\r\n${goodBody}`;
