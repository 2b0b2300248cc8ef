import type { KafkaConsumer } from 'node-rdkafka';
import { beforeEach, describe, expect, test } from 'vitest';
import { LagWatch } from '../../src/kafka/lag-watch.js';
import { OffsetTracker } from '../../src/kafka/offset-tracker.js';

/** Partition 0 as the broker has it, and as its consumer does. */
let endOffset: number;
let tracker: OffsetTracker;
let partitions: Map<number, { tracker: OffsetTracker }>;
let watch: LagWatch;
beforeEach(() => {
  endOffset = 10;
  tracker = new OffsetTracker(10);
  partitions = new Map([[0, { tracker }]]);
  const client = { getWatermarkOffsets: () => ({ lowOffset: 0, highOffset: endOffset }) } as unknown as KafkaConsumer;
  watch = new LagWatch('topic', () => client, partitions);
});

const ageAt = (nowUnixMs: number): number | undefined => watch.lagSeconds(nowUnixMs)['0'];

describe('the lag in seconds', () => {
  test('is 0 while nothing waits, and for a partition whose end is unknown', () => {
    expect(ageAt(5000)).toBe(0);
    endOffset = -1;
    partitions.set(0, { tracker: new OffsetTracker(null) });
    expect(ageAt(6000)).toBe(0);
  });

  test('is the age of the oldest event fetched and not finished', () => {
    tracker.fetched(10);
    const first = tracker.begin(10, 4000);
    tracker.fetched(11);
    tracker.begin(11, 4500);
    expect(ageAt(5000)).toBe(1);
    tracker.finish(first);
    expect(ageAt(5000)).toBe(0.5);
  });

  test('grows from when events were first seen to wait, as long as one of these waits', () => {
    endOffset = 12;
    expect(ageAt(5000)).toBe(0);
    endOffset = 20;
    expect(ageAt(8000)).toBe(3);
    tracker.finish(begun(10));
    expect(ageAt(9000)).toBe(4);
    // All that waited at first is done, but more has come: it was seen now.
    tracker.finish(begun(11));
    expect(ageAt(10_000)).toBe(0);
    expect(ageAt(10_500)).toBe(0.5);
    tracker.finish(begun(19));
    expect(ageAt(11_000)).toBe(0);
  });

  test('is not negative when another clock is ahead, and ends with the assignment', () => {
    tracker.fetched(10);
    tracker.begin(10, 9000);
    expect(ageAt(5000)).toBe(0);
    partitions.clear();
    expect(watch.lagSeconds(5000)).toEqual({});
  });
});

function begun(offset: number) {
  tracker.fetched(offset);
  return tracker.begin(offset, 1);
}
