import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inflate } from '../../src/ingest/gzip.js';

const TEXT = 'a bid request, '.repeat(20);
const GZIP = gzipSync(TEXT);

function inflated(compressed: Buffer, maxBytes = 10_000): string {
  const result = inflate(compressed, maxBytes);
  return result.ok ? result.body.toString() : result.why;
}

describe('a gzipped body', () => {
  it('is inflated, in one member or in several', () => {
    expect(inflated(GZIP)).toBe(TEXT);
    expect(inflated(Buffer.concat([GZIP, gzipSync('more')]))).toBe(`${TEXT}more`);
    expect(inflated(gzipSync(''))).toBe('');
  });

  it('may inflate to the limit, and not to one byte more', () => {
    expect(inflated(GZIP, TEXT.length)).toBe(TEXT);
    expect(inflated(GZIP, TEXT.length - 1)).toBe('too_large');
  });

  it('that is a bomb is given up at the limit, in one member or in many', () => {
    expect(inflated(gzipSync(Buffer.alloc(20_000_000)), 262_144)).toBe('too_large');
    expect(inflated(Buffer.concat(Array.from({ length: 100 }, () => gzipSync(Buffer.alloc(10_000)))), 262_144)).toBe('too_large');
  });

  const corrupt = Buffer.from(GZIP);
  corrupt.writeUInt32LE(0, corrupt.length - 8);
  it.each([
    ['is empty', Buffer.alloc(0)],
    ['is cut short in its data', GZIP.subarray(0, 15)],
    ['is cut short in its trailer', GZIP.subarray(0, -3)],
    ['has a wrong checksum', corrupt],
    ['is zlib and not gzip', deflateSync(TEXT)],
    ['is plain text', Buffer.from(TEXT)],
    ['is followed by text', Buffer.concat([GZIP, Buffer.from('text')])],
    ['is followed by zeros', Buffer.concat([GZIP, Buffer.alloc(4)])],
    ['is followed by half a member', Buffer.concat([GZIP, GZIP.subarray(0, 8)])],
  ])('that %s is malformed', (_name, compressed) => {
    expect(inflated(compressed)).toBe('malformed');
  });
});
