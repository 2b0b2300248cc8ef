import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packMessages, TextPacker } from '../../src/bidder/worker-messages.js';

function slices(bytes: ArrayBuffer, ends: ArrayLike<number>): Buffer[] {
  return Array.from(ends, (end, index) => {
    const start = index === 0 ? 0 : (ends[index - 1] ?? Number.NaN);
    return Buffer.from(bytes, start, end - start);
  });
}

describe('packed messages', () => {
  test('come out as they went in, an absent value as an empty one', () => {
    const value = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 50 }), fc.array(fc.nat(50)), (values, logged) => {
        const task = packMessages(values, logged);
        expect(slices(task.bytes, task.ends)).toEqual(values.map((one) => one ?? Buffer.alloc(0)));
        expect(task.logged).toEqual(logged);
      }),
    );
  });

  test('stand in memory of their own that can be given away, and leave their source as it was', () => {
    // Small buffers share one pool; giving that away would take strangers' memory along.
    const values = [Buffer.from('first'), Buffer.from('second')];
    const { bytes, ends } = packMessages(values, []);
    expect(bytes.byteLength).toBe('firstsecond'.length);
    const moved = structuredClone({ bytes, ends }, { transfer: [bytes, ends.buffer] });
    expect(bytes.byteLength).toBe(0);
    expect(slices(moved.bytes, moved.ends).map(String)).toEqual(['first', 'second']);
    expect(values.map(String)).toEqual(['first', 'second']);
  });
});

describe('packed texts', () => {
  test('come out as they went in, however far the memory has to grow', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('x', 'ö', '要', '🙂'), minLength: 500, maxLength: 3000 }),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), fc.nat(5000), (texts, expectedBytes) => {
        const packer = new TextPacker(expectedBytes);
        const ends = texts.map((one) => packer.append(one));
        const bytes = packer.finish();
        expect(slices(bytes, ends).map(String)).toEqual(texts);
        expect(() => structuredClone(bytes, { transfer: [bytes] })).not.toThrow();
      }),
    );
  });
});
