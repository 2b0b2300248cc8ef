import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cursor, decodeCursor, encodeCursor } from '../../src/api/cursor.js';

const storable = fc.string({ unit: 'grapheme', maxLength: 80 }).filter((text) => !text.includes('\u0000'));
const cursors: fc.Arbitrary<Cursor> = fc.record({
  direction: fc.constantFrom('older', 'newer'),
  timestamp: fc
    .tuple(
      fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true }),
      fc.integer({ min: 0, max: 999_999 }),
    )
    .map(([date, micros]) => `${date.toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`),
  bidId: storable,
});

describe('the cursor', () => {
  it('reads what it wrote, to the microsecond, for the same filters', () => {
    fc.assert(
      fc.property(cursors, storable, (cursor, filters) => {
        const text = encodeCursor(cursor, filters);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeCursor(text, filters)).toEqual(cursor);
      }),
    );
  });

  it('refuses other filters', () => {
    fc.assert(
      fc.property(cursors, storable, storable, (cursor, filters, others) => {
        fc.pre(filters !== others);
        expect(decodeCursor(encodeCursor(cursor, filters), others)).toBeNull();
      }),
    );
  });

  it('refuses a cursor in which one character was changed, added or left out', () => {
    fc.assert(
      fc.property(cursors, fc.nat(), fc.constantFrom('A', 'z', '0', '_', '=', ' ', ''), (cursor, where, character) => {
        const text = encodeCursor(cursor, '');
        const index = where % text.length;
        const changed = text.slice(0, index) + character + text.slice(index + 1);
        fc.pre(changed !== text);
        expect(decodeCursor(changed, '')).toBeNull();
      }),
    );
  });

  it.each([
    '',
    'x',
    'null',
    'W10',
    Buffer.from('[1,"older","2026-01-01T00:00:00Z","a","sum"]').toString('base64url'),
    'A'.repeat(100_000),
    '%00',
    "' or 1=1 --",
  ])('refuses %j', (text) => {
    expect(decodeCursor(text, '')).toBeNull();
  });
});
