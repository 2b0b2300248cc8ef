import { describe, expect, test } from 'vitest';
import { hashFraction, LogSampler } from '../src/log.js';

const sampledTrace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const unsampledTrace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

function ids(count: number, prefix = 'req'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

/** A clock that a test moves by hand. */
function clock(startMs = 1_000_000): { nowMs: number; read: () => number } {
  const self = { nowMs: startMs, read: () => self.nowMs };
  return self;
}

/** The ids that a service logs out of those it sees at an even pace. */
function loggedBy(sampler: LogSampler, time: { nowMs: number }, seen: readonly string[], perSecond: number, event = 'bid'): Set<string> {
  const startMs = time.nowMs;
  const logged = new Set<string>();
  for (const [index, id] of seen.entries()) {
    time.nowMs = startMs + Math.floor((index * 1000) / perSecond);
    if (sampler.shouldLog(event, id)) logged.add(id);
  }
  return logged;
}

describe('below the cap', () => {
  test('the rate is the share of ids that is logged', () => {
    const time = clock();
    const logged = loggedBy(new LogSampler(0.2, 1_000_000, time.read), time, ids(20_000), 1000);
    expect(logged.size / 20_000).toBeGreaterThan(0.18);
    expect(logged.size / 20_000).toBeLessThan(0.22);
  });

  test('rate 0 logs nothing and rate 1 everything', () => {
    const time = clock();
    expect(loggedBy(new LogSampler(0, 1_000_000, time.read), time, ids(1000), 1000).size).toBe(0);
    expect(loggedBy(new LogSampler(1, 1_000_000, time.read), time, ids(1000), 1000).size).toBe(1000);
  });

  test('every service with one rate logs the same requests, in whatever order they come', () => {
    const [first, second] = [clock(), clock(5_000_123)];
    const a = loggedBy(new LogSampler(0.1, 1000, first.read), first, ids(5000), 500);
    const b = loggedBy(new LogSampler(0.1, 1000, second.read), second, ids(5000).toReversed(), 900);
    expect(a.size).toBeGreaterThan(300);
    expect([...b].sort()).toEqual([...a].sort());
  });

  test('a service with a smaller rate logs a subset of what one with a larger rate logs', () => {
    const [first, second] = [clock(), clock()];
    const large = loggedBy(new LogSampler(0.5, 100_000, first.read), first, ids(4000), 1000);
    const small = loggedBy(new LogSampler(0.1, 100_000, second.read), second, ids(4000), 1000);
    expect(small.size).toBeGreaterThan(200);
    expect([...small].filter((id) => !large.has(id))).toEqual([]);
  });
});

describe('the cap', () => {
  test('holds per second and event, and every line left out is counted', () => {
    const time = clock();
    const sampler = new LogSampler(1, 50, time.read);
    const perSecond = new Map<number, number>();
    for (let index = 0; index < 20_000; index++) {
      time.nowMs = 1_000_000 + index;
      if (sampler.shouldLog('bid', `req-${index}`)) {
        const second = Math.floor(time.nowMs / 1000);
        perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
      }
    }
    expect(perSecond.size).toBe(20);
    for (const lines of perSecond.values()) {
      expect(lines).toBeGreaterThan(0);
      expect(lines).toBeLessThanOrEqual(50);
    }
    const logged = [...perSecond.values()].reduce((sum, lines) => sum + lines, 0);
    expect(sampler.leftOut.get('bid')).toBe(20_000 - logged);
  });

  test('of one event does not take lines from another', () => {
    const time = clock();
    const sampler = new LogSampler(1, 10, time.read);
    for (const id of ids(1000)) sampler.shouldLog('noisy', id);
    expect(sampler.shouldLog('quiet', 'req-1')).toBe(true);
  });

  test('leaves two services under different loads, in another order, with requests that both of them log', () => {
    const [first, second] = [clock(), clock(7_000_400)];
    const all = ids(40_000);
    // One service sees all requests, its sibling every other one, last come first: both far above the cap.
    const a = loggedBy(new LogSampler(1, 50, first.read), first, all, 4000);
    const half = all.filter((_, index) => index % 2 === 0).toReversed();
    const b = loggedBy(new LogSampler(1, 50, second.read), second, half, 2000);
    const common = [...b].filter((id) => a.has(id));
    // Chosen by arrival, the two would share about one in a hundred.
    expect(common.length / Math.min(a.size, b.size)).toBeGreaterThan(0.25);
  });

  test('starts afresh after a quiet spell and when the clock is set back', () => {
    const time = clock();
    const sampler = new LogSampler(1, 5, time.read);
    for (const id of ids(1000)) sampler.shouldLog('bid', id);
    expect(sampler.shouldLog('bid', 'later')).toBe(false);
    time.nowMs += 10_000;
    expect(sampler.shouldLog('bid', 'later')).toBe(true);
    for (const id of ids(1000)) sampler.shouldLog('bid', id);
    time.nowMs -= 3_600_000;
    expect(sampler.shouldLog('bid', 'later')).toBe(true);
  });
});

describe('a sampled traceparent', () => {
  test('is exempt from the rate', () => {
    const sampler = new LogSampler(0, 50, clock().read);
    expect(sampler.shouldLog('bid', 'req-1', sampledTrace)).toBe(true);
    expect(sampler.shouldLog('bid', 'req-1', sampledTrace.replace(/01$/, '03'))).toBe(true);
    expect(sampler.shouldLog('bid', 'req-1', unsampledTrace)).toBe(false);
    expect(sampler.shouldLog('bid', 'req-1')).toBe(false);
    expect(sampler.leftOut.get('bid')).toBe(2);
  });

  test('is not exempt from the cap', () => {
    const sampler = new LogSampler(0, 50, clock().read);
    const logged = ids(200).filter((id) => sampler.shouldLog('bid', id, sampledTrace));
    expect(logged).toHaveLength(50);
    expect(sampler.leftOut.get('bid')).toBe(150);
  });
});

test('the hash spreads ids that differ in a digit evenly over [0, 1)', () => {
  const tenths = Array.from({ length: 10 }, () => 0);
  for (const id of ids(100_000)) {
    const tenth = Math.floor(hashFraction(id) * 10);
    tenths[tenth] = (tenths[tenth] ?? Number.NaN) + 1;
  }
  for (const count of tenths) {
    expect(count).toBeGreaterThan(9500);
    expect(count).toBeLessThan(10_500);
  }
});
