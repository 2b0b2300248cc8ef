import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backlog } from '../../src/kafka/backlog.js';

const MAX_BYTES = 100_000;

describe('the bytes of a partition', () => {
  test('are those queued and those stored that the group has not committed', () => {
    const backlog = new Backlog(MAX_BYTES);
    backlog.queued(2, 1000);
    backlog.queued(2, 500);
    expect(backlog.bytes(2)).toBe(1500);
    backlog.stored(2, 1000, 0);
    expect(backlog.bytes(2)).toBe(1500);
    backlog.failed(2, 500);
    expect(backlog.bytes(2)).toBe(1000);
    backlog.observed(2, 1, 0, 1);
    expect(backlog.bytes(2)).toBe(0);
  });

  test('count each partition for itself, and the fullest one for the metric', () => {
    const backlog = new Backlog(MAX_BYTES);
    backlog.queued(0, 100);
    backlog.queued(3, 300);
    expect([0, 1, 2, 3, 9].map((partition) => backlog.bytes(partition))).toEqual([100, 0, 0, 300, 0]);
    expect(backlog.maxPartitionBytes).toBe(300);
  });

  test('of a group that has committed nothing count from the first offset the broker keeps', () => {
    const backlog = new Backlog(MAX_BYTES);
    for (let offset = 0; offset < 200; offset++) {
      backlog.queued(0, 100);
      backlog.stored(0, 100, offset);
    }
    backlog.observed(0, null, 0, 200);
    expect(backlog.bytes(0)).toBe(20_000);
    backlog.observed(0, null, 128, 200);
    expect(backlog.bytes(0)).toBe(7200);
  });

  test('that other producers stored are estimated with our own mean size', () => {
    const backlog = new Backlog(MAX_BYTES);
    backlog.queued(0, 1000);
    backlog.stored(0, 1000, 7);
    backlog.observed(0, 0, 0, 20);
    expect(backlog.bytes(0)).toBe(1000 + 19 * 1000);
    backlog.observed(0, 20, 0, 20);
    expect(backlog.bytes(0)).toBe(0);
  });

  test('that other producers stored before we produced anything are taken for large', () => {
    const backlog = new Backlog(MAX_BYTES);
    backlog.observed(0, 0, 0, 10);
    expect(backlog.bytes(0)).toBeGreaterThanOrEqual(10 * 1024);
  });
});

describe('room', () => {
  test('is there up to the bound, exactly', () => {
    const backlog = new Backlog(1000);
    expect(backlog.fits(0, 1000)).toBe(true);
    expect(backlog.fits(0, 1001)).toBe(false);
    backlog.queued(0, 600);
    expect(backlog.fits(0, 400)).toBe(true);
    expect(backlog.fits(0, 401)).toBe(false);
    expect(backlog.fits(1, 1000)).toBe(true);
  });

  test('for more work is there while every partition is below half', () => {
    const backlog = new Backlog(1000);
    expect(backlog.roomy).toBe(true);
    backlog.queued(1, 500);
    expect(backlog.roomy).toBe(true);
    backlog.queued(1, 1);
    expect(backlog.roomy).toBe(false);
    backlog.failed(1, 501);
    expect(backlog.roomy).toBe(true);
  });
});

test('an event is counted with at least its key and its value', () => {
  expect(Backlog.sizeOf(20, 1000)).toBeGreaterThan(1020);
});

interface Ours {
  readonly offset: number;
  readonly bytes: number;
}

/** One partition as the broker sees it, and what we have in flight to it. */
class Partition {
  readonly queued: number[] = [];
  readonly ours: Ours[] = [];
  high = 0;
  committed: number | null = null;

  get ownBytes(): number {
    const unread = this.ours.filter(({ offset }) => offset >= (this.committed ?? 0));
    return [...unread.map(({ bytes }) => bytes), ...this.queued].reduce((sum, bytes) => sum + bytes, 0);
  }
}

test('whatever happens, our own unread bytes are never under-estimated, and a group that has read all leaves what is queued', () => {
  const step = fc.record({
    act: fc.constantFrom('queue', 'queue', 'store', 'store', 'fail', 'foreign', 'commit', 'observe'),
    bytes: fc.integer({ min: 1, max: 5000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const backlog = new Backlog(MAX_BYTES);
      const partition = new Partition();
      for (const { act, bytes, share } of steps) {
        if (act === 'queue') {
          partition.queued.push(bytes);
          backlog.queued(0, bytes);
        } else if (act === 'store' || act === 'fail') {
          const size = partition.queued.shift();
          if (size === undefined) continue;
          if (act === 'fail') {
            backlog.failed(0, size);
          } else {
            partition.ours.push({ offset: partition.high, bytes: size });
            backlog.stored(0, size, partition.high);
            partition.high++;
          }
        } else if (act === 'foreign') {
          partition.high += Math.ceil(share * 10);
        } else if (act === 'commit') {
          const from = partition.committed ?? 0;
          partition.committed = from + Math.floor(share * (partition.high - from));
        } else {
          backlog.observed(0, partition.committed, 0, partition.high);
        }
        expect(backlog.bytes(0)).toBeGreaterThanOrEqual(partition.ownBytes);
      }
      partition.committed = partition.high;
      backlog.observed(0, partition.high, 0, partition.high);
      expect(backlog.bytes(0)).toBe(partition.queued.reduce((sum, bytes) => sum + bytes, 0));
    }),
  );
});
