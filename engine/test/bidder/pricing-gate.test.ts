import { describe, expect, test } from 'vitest';
import { PricingGate } from '../../src/bidder/pricing-gate.js';

/** Work that says when it begins and ends when the test says so. */
function work(begun: string[], name: string) {
  let end: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const price = () => {
    begun.push(name);
    return new Promise<string>((resolve, reject) => {
      end = () => resolve(name);
      fail = reject;
    });
  };
  return { price, end: () => end(), fail: (error: Error) => fail(error) };
}

/** Lets everything happen that can happen without the test's doing. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('batches', () => {
  test('are priced side by side', async () => {
    const begun: string[] = [];
    const gate = new PricingGate();
    const [a, b] = [work(begun, 'a'), work(begun, 'b')];
    const pricing = Promise.all([gate.beside(a.price), gate.beside(b.price)]);
    await settled();
    expect(begun).toEqual(['a', 'b']);
    b.end();
    a.end();
    expect(await pricing).toEqual(['a', 'b']);
  });
});

describe('a suspect', () => {
  test('waits for what is under way, and what comes later waits for it', async () => {
    const begun: string[] = [];
    const gate = new PricingGate();
    const [before, suspect, second, after] = ['before', 'suspect', 'second', 'after'].map((name) => work(begun, name));
    if (!before || !suspect || !second || !after) throw new Error('four works');
    const pricing = [gate.beside(before.price), gate.alone(suspect.price), gate.alone(second.price), gate.beside(after.price)];
    await settled();
    expect(begun).toEqual(['before']);
    before.end();
    await settled();
    expect(begun).toEqual(['before', 'suspect']);
    suspect.end();
    await settled();
    expect(begun).toEqual(['before', 'suspect', 'second']);
    second.end();
    await settled();
    expect(begun).toEqual(['before', 'suspect', 'second', 'after']);
    after.end();
    expect(await Promise.all(pricing)).toEqual(['before', 'suspect', 'second', 'after']);
  });

  test('that fails, or waits for a batch that fails, holds up nobody', async () => {
    const begun: string[] = [];
    const gate = new PricingGate();
    const [before, suspect, after] = ['before', 'suspect', 'after'].map((name) => work(begun, name));
    if (!before || !suspect || !after) throw new Error('three works');
    const failing = expect(gate.beside(before.price)).rejects.toThrow('died');
    const suspected = expect(gate.alone(suspect.price)).rejects.toThrow('died again');
    const later = gate.beside(after.price);
    await settled();
    before.fail(new Error('died'));
    await failing;
    await settled();
    suspect.fail(new Error('died again'));
    await suspected;
    await settled();
    after.end();
    expect(await later).toBe('after');
  });
});
