import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { murmur2, partitionFor } from '../../src/kafka/partitioner.js';

/** Text and hash, as org.apache.kafka.common.utils.UtilsTest.testMurmur2 has them. */
const javaVectors: [string, number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('murmur2', () => {
  test.each(javaVectors)('of "%s" is what Java computes', (text, hash) => {
    const bytes = Buffer.from(text);
    expect(murmur2(bytes, bytes.length)).toBe(hash);
  });

  test('looks at the given number of bytes and at no more', () => {
    const bytes = Buffer.from('foobar and whatever stood in the scratch memory before');
    expect(murmur2(bytes, 'foobar'.length)).toBe(-790332482);
  });
});

describe('the partition of a key', () => {
  test.each(javaVectors)('"%s" is the hash without its sign bit, modulo the number of partitions', (text, hash) => {
    // BigInt arithmetic, so that the expectation does not lean on the operators that are under test.
    const positive = BigInt.asUintN(31, BigInt(hash));
    for (const count of [1, 3, 4, 12, 100]) expect(partitionFor(text, count)).toBe(Number(positive % BigInt(count)));
  });

  test('is the same for a text and for its UTF-8 bytes, beyond ASCII too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 600 }), fc.integer({ min: 1, max: 500 }), (key, count) => {
        const partition = partitionFor(key, count);
        expect(partition).toBe(partitionFor(Buffer.from(key), count));
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(count);
      }),
    );
  });

  test('spreads ids that differ in a digit over all partitions', () => {
    const counts = Array.from({ length: 4 }, () => 0);
    for (let index = 0; index < 40_000; index++) {
      const partition = partitionFor(`req-${index}`, 4);
      counts[partition] = (counts[partition] ?? Number.NaN) + 1;
    }
    for (const count of counts) {
      expect(count).toBeGreaterThan(9000);
      expect(count).toBeLessThan(11_000);
    }
  });
});
