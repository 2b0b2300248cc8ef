import { describe, expect, it } from 'vitest';
import { Admission, NO_SLOT } from '../../src/ingest/admission.js';

const TIMEOUT_MS = 100;

function table(capacity: number) {
  const told: string[] = [];
  const admission = new Admission<string>(capacity, TIMEOUT_MS, {
    settled: (waiter, error) => told.push(`${waiter} ${error ?? 'acknowledged'}`),
    expired: (waiter) => told.push(`${waiter} expired`),
  });
  return { admission, told };
}

describe('admission', () => {
  it('tells each waiter of its own report when reports come in reverse order', () => {
    const { admission, told } = table(3);
    const [a, b, c] = [admission.acquire('a', 0), admission.acquire('b', 0), admission.acquire('c', 0)] as const;
    expect(admission.full).toBe(true);
    admission.delivered(c, null);
    admission.delivered(b, 'broken');
    admission.delivered(a, null);
    expect(told).toEqual(['c acknowledged', 'b broken', 'a acknowledged']);
    expect(admission.inFlight).toBe(0);
  });

  it('gives no slot when all are taken, and gives one again after a report', () => {
    const { admission } = table(2);
    const first = admission.acquire('a', 0);
    admission.acquire('b', 0);
    expect(admission.acquire('c', 0)).toBe(NO_SLOT);
    admission.delivered(first, null);
    expect(admission.acquire('c', 0)).toBe(first);
  });

  it('expires a waiter at its deadline, keeps its slot until the late report, and tells nobody of that', () => {
    const { admission, told } = table(1);
    const slot = admission.acquire('a', 10);
    expect(admission.sweep(10 + TIMEOUT_MS - 1)).toBe(0);
    expect(admission.sweep(10 + TIMEOUT_MS)).toBe(1);
    expect(admission.sweep(10 + 2 * TIMEOUT_MS)).toBe(0);
    expect(admission.full).toBe(true);
    expect(admission.acquire('b', 200)).toBe(NO_SLOT);
    admission.delivered(slot, null);
    expect(told).toEqual(['a expired']);
    expect(admission.full).toBe(false);
  });

  it('expires the oldest first, and only those that are due, whatever was reported in between', () => {
    const { admission, told } = table(5);
    const a = admission.acquire('a', 0);
    const b = admission.acquire('b', 10);
    const c = admission.acquire('c', 20);
    const d = admission.acquire('d', 30);
    const e = admission.acquire('e', 40);
    // First, middle and last of the list leave it.
    for (const slot of [a, c, e]) admission.delivered(slot, null);
    told.length = 0;
    expect(admission.sweep(10 + TIMEOUT_MS)).toBe(1);
    const late = admission.acquire('f', 110);
    expect(admission.sweep(1000)).toBe(2);
    expect(told).toEqual(['b expired', 'd expired', 'f expired']);
    expect(admission.inFlight).toBe(3);
    for (const slot of [b, d, late]) admission.delivered(slot, 'message timed out');
    expect(admission.inFlight).toBe(0);
    expect(told).toHaveLength(3);
  });

  it('keeps the slot of a client that left until the report', () => {
    const { admission, told } = table(1);
    const slot = admission.acquire('a', 0);
    admission.abandon(slot);
    expect(admission.full).toBe(true);
    expect(admission.sweep(1000)).toBe(0);
    admission.delivered(slot, null);
    expect(told).toEqual([]);
    expect(admission.inFlight).toBe(0);
  });

  it('takes a slot back whose event was never queued', () => {
    const { admission, told } = table(1);
    admission.release(admission.acquire('a', 0));
    expect(admission.inFlight).toBe(0);
    expect(admission.sweep(1000)).toBe(0);
    expect(told).toEqual([]);
  });

  it('lets a waiter that is told acquire again at once', () => {
    const taken: number[] = [];
    const admission: Admission<string> = new Admission<string>(1, TIMEOUT_MS, {
      settled: () => taken.push(admission.acquire('again', 50)),
      expired: () => undefined,
    });
    admission.delivered(admission.acquire('a', 0), null);
    expect(taken).toEqual([0]);
    expect(admission.inFlight).toBe(1);
  });

  it('fails on a second report, on a report for a free slot and on a slot given back twice', () => {
    const { admission } = table(2);
    const slot = admission.acquire('a', 0);
    admission.delivered(slot, null);
    expect(() => admission.delivered(slot, null)).toThrow(/delivery report for slot 0/);
    expect(() => admission.delivered(1, null)).toThrow(/delivery report for slot 1/);
    expect(() => admission.release(slot)).toThrow(/release for slot 0/);
    expect(() => admission.abandon(slot)).toThrow(/abandon for slot 0/);
    expect(admission.inFlight).toBe(0);
  });

  it('reports every waiter exactly once through a long random life', () => {
    let state = 12_345;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state % below;
    };
    const told = new Map<number, number>();
    const count = (waiter: number) => told.set(waiter, (told.get(waiter) ?? 0) + 1);
    const admission = new Admission<number>(50, TIMEOUT_MS, { settled: count, expired: count });
    const owed: number[] = [];
    let waiters = 0;
    for (let nowMs = 0; nowMs < 20_000; nowMs++) {
      const slot = admission.acquire(waiters, nowMs);
      if (slot !== NO_SLOT) {
        owed.push(slot);
        waiters++;
      }
      const reports = random(3) > 0 && owed.length > 0 ? owed.splice(random(owed.length), 1) : [];
      for (const reported of reports) admission.delivered(reported, null);
      if (nowMs % 25 === 0) admission.sweep(nowMs);
      expect(admission.inFlight).toBe(owed.length);
    }
    for (const slot of owed) admission.delivered(slot, null);
    expect(told.size).toBe(waiters);
    expect([...told.values()].every((times) => times === 1)).toBe(true);
    expect(admission.inFlight).toBe(0);
  });
});
