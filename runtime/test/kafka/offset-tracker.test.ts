import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type OffsetRange, OffsetTracker } from '../../src/kafka/offset-tracker.js';

describe('batches that end', () => {
  test('in the order they began each move the committable offset', () => {
    const tracker = new OffsetTracker(null);
    const [first, second] = [tracker.begin(9), tracker.begin(19)];
    expect(tracker.toCommit).toBeNull();
    tracker.finish(first);
    expect(tracker.toCommit).toBe(10);
    tracker.finish(second);
    expect(tracker.toCommit).toBe(20);
    expect(tracker.idle).toBe(true);
  });

  test('in reverse order commit nothing until the first is done, then everything', () => {
    const tracker = new OffsetTracker(0);
    const ranges = [9, 19, 29].map((lastOffset) => tracker.begin(lastOffset));
    tracker.finish(ranges[2] as OffsetRange);
    tracker.finish(ranges[1] as OffsetRange);
    expect(tracker.toCommit).toBeNull();
    expect(tracker.idle).toBe(false);
    tracker.finish(ranges[0] as OffsetRange);
    expect(tracker.toCommit).toBe(30);
  });

  test('behind an open one leave the commit before the open one', () => {
    const tracker = new OffsetTracker(0);
    const ranges = [9, 19, 29].map((lastOffset) => tracker.begin(lastOffset));
    tracker.finish(ranges[0] as OffsetRange);
    tracker.finish(ranges[2] as OffsetRange);
    expect(tracker.toCommit).toBe(10);
  });
});

describe('the oldest event that is not finished', () => {
  test('is the first of the first open batch, however batches end', () => {
    const tracker = new OffsetTracker(0);
    expect(tracker.oldestOpenUnixMs).toBeNull();
    const [first, second, third] = [tracker.begin(9, 1000), tracker.begin(19, 2000), tracker.begin(29, 3000)];
    tracker.finish(second);
    expect(tracker.oldestOpenUnixMs).toBe(1000);
    tracker.finish(first);
    expect(tracker.oldestOpenUnixMs).toBe(3000);
    tracker.finish(third);
    expect(tracker.oldestOpenUnixMs).toBeNull();
  });
});

describe('what is due for commit', () => {
  test('stays due until the broker confirms it', () => {
    const tracker = new OffsetTracker(5);
    tracker.finish(tracker.begin(6));
    expect(tracker.toCommit).toBe(7);
    expect(tracker.toCommit).toBe(7);
    tracker.committed(7);
    expect(tracker.toCommit).toBeNull();
    expect(tracker.committedOffset).toBe(7);
  });

  test('is nothing for a partition that was only assigned', () => {
    expect(new OffsetTracker(42).toCommit).toBeNull();
    expect(new OffsetTracker(null).toCommit).toBeNull();
    expect(new OffsetTracker(42).idle).toBe(true);
  });
});

describe('the first offset fetched', () => {
  test('past the committed one is a loss of what lies between', () => {
    const tracker = new OffsetTracker(100);
    expect(tracker.fetched(130)).toBe(30);
    expect(tracker.fetched(131)).toBe(0);
    expect(tracker.fetched(135)).toBe(3);
  });

  test('is no loss when it is the committed one, and cannot be one when nothing was committed', () => {
    expect(new OffsetTracker(100).fetched(100)).toBe(0);
    expect(new OffsetTracker(null).fetched(500)).toBe(0);
  });

  test('below the committed one is a redelivery, not a loss', () => {
    const tracker = new OffsetTracker(100);
    expect(tracker.fetched(90)).toBe(0);
    expect(tracker.fetched(91)).toBe(0);
  });
});

/** What the test knows without any cleverness: each message by its offset, done or not. */
class NaiveTracker {
  readonly #done: boolean[] = [];
  readonly #start: number;

  constructor(startOffset: number) {
    this.#start = startOffset;
  }

  begin(fromOffset: number, lastOffset: number): void {
    for (let offset = fromOffset; offset <= lastOffset; offset++) this.#done[offset - this.#start] = false;
  }

  finish(fromOffset: number, lastOffset: number): void {
    for (let offset = fromOffset; offset <= lastOffset; offset++) this.#done[offset - this.#start] = true;
  }

  /** The offset of the first message that is not done, null when not even the first one is. */
  get committable(): number | null {
    const open = this.#done.indexOf(false);
    const prefix = open === -1 ? this.#done.length : open;
    return prefix === 0 ? null : this.#start + prefix;
  }
}

test('whatever the order in which batches begin, end and are committed, the contiguous prefix is due and never less than before', () => {
  const step = fc.record({ begin: fc.boolean(), size: fc.integer({ min: 1, max: 20 }), pick: fc.nat(), commit: fc.boolean() });
  fc.assert(
    fc.property(fc.nat(1000), fc.array(step, { maxLength: 80 }), (startOffset, steps) => {
      const tracker = new OffsetTracker(startOffset);
      const naive = new NaiveTracker(startOffset);
      const open: { range: OffsetRange; from: number; last: number }[] = [];
      let next = startOffset;
      let due = startOffset;
      let confirmed = startOffset;
      for (const { begin, size, pick, commit } of steps) {
        if (begin || open.length === 0) {
          const last = next + size - 1;
          for (let offset = next; offset <= last; offset++) expect(tracker.fetched(offset)).toBe(0);
          open.push({ range: tracker.begin(last), from: next, last });
          naive.begin(next, last);
          next = last + 1;
        } else {
          const [ended] = open.splice(pick % open.length, 1);
          if (ended === undefined) throw new Error('an open batch was picked');
          tracker.finish(ended.range);
          naive.finish(ended.from, ended.last);
        }
        const committable = naive.committable;
        expect(tracker.toCommit).toBe(committable === confirmed ? null : committable);
        expect(tracker.toCommit ?? confirmed).toBeGreaterThanOrEqual(due);
        due = tracker.toCommit ?? confirmed;
        expect(tracker.idle).toBe(open.length === 0);
        if (commit && tracker.toCommit !== null) {
          confirmed = tracker.toCommit;
          tracker.committed(confirmed);
        }
      }
    }),
  );
});
