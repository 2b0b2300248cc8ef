import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { machineBetween } from '@helios/bench/gate/machine';
import { figureLimits, fullForm, shortForm } from '@helios/bench/gate/limits';

it('docs/performance.md names the limits that the gate has', () => {
  const page = readFileSync(new URL('../../../docs/performance.md', import.meta.url), 'utf8');
  const gate = page.slice(page.indexOf('## The gate'), page.indexOf('**One pair**'));
  const limitOf = (row: string): string | undefined =>
    gate
      .split('\n')
      .find((line) => line.startsWith(`| ${row}`))
      ?.split(' | ')
      .at(-1);
  expect(limitOf('p99 at a constant arrival rate')).toBe(`${figureLimits.p99.limit} ms |`);
  expect(figureLimits['p99 by k6'].limit).toBe(figureLimits.p99.limit);
  expect(limitOf('the same p99 over')).toBe(`${figureLimits['p99 ratio'].limit} x |`);
  expect(limitOf('CPU microseconds a request over')).toBe(`${figureLimits['cpu ratio'].limit} x |`);
});

it('both forms measure at least five pairs, and k6 often enough to be judged', () => {
  for (const form of [fullForm, shortForm]) {
    expect(form.pairs).toBeGreaterThanOrEqual(5);
    expect(Math.ceil(form.pairs / form.k6EveryPairs)).toBeGreaterThanOrEqual(figureLimits['p99 by k6'].pairsMin);
  }
  expect(shortForm.budgetSeconds).toBeLessThan(90);
  expect(fullForm.budgetSeconds).toBeLessThan(360);
});

it("the machine's time is shared out between the gate, others and nobody", () => {
  const before = { totalSeconds: 100, idleSeconds: 40, ownSeconds: 10 };
  const after = { totalSeconds: 120, idleSeconds: 45, ownSeconds: 20 };
  expect(machineBetween(before, after)).toEqual({ othersShare: 0.25, idleShare: 0.25 });
  // The kernel's ticks are coarse: what is its own may come out larger than what was busy.
  expect(machineBetween(before, { totalSeconds: 110, idleSeconds: 40, ownSeconds: 20.1 })?.othersShare).toBe(0);
  expect(machineBetween(null, after)).toBeNull();
  expect(machineBetween(after, after)).toBeNull();
});
