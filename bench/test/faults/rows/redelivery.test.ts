import { describe, expect, test } from 'vitest';
import { setBackOffsets } from '../../../faults/rows/redelivery.js';

/** How far a group goes back, by partition. */
function backs(committed: Map<number, number>, by: number): number[] {
  const offsets = setBackOffsets(committed, by);
  return [...committed].map(([partition, offset]) => offset - (offsets.get(partition) ?? Number.NaN));
}

describe('setting a group back', () => {
  test('takes as much from each partition', () => {
    expect(
      backs(
        new Map([
          [0, 50],
          [1, 60],
          [2, 70],
        ]),
        30,
      ),
    ).toEqual([10, 10, 10]);
  });

  test('takes from the others what a short partition does not have, and exactly as much as asked for', () => {
    expect(
      backs(
        new Map([
          [0, 100],
          [1, 4],
          [2, 100],
        ]),
        31,
      ),
    ).toEqual([14, 4, 13]);
    expect(
      backs(
        new Map([
          [0, 0],
          [1, 31],
        ]),
        31,
      ),
    ).toEqual([0, 31]);
  });

  test('fails when all partitions together are too short', () => {
    expect(() =>
      setBackOffsets(
        new Map([
          [0, 10],
          [1, 5],
        ]),
        16,
      ),
    ).toThrow('1 are missing');
  });
});
