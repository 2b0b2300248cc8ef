import { until } from '@helios/bench/processes';
import { type CheckReport, checkRun } from '@helios/scripts/accounting/check';
import type { Poison } from '@helios/scripts/accounting/identity';
import type { PostedRequest } from '@helios/scripts/accounting/slot-table';
import { countStored } from '@helios/scripts/accounting/stored-outcomes';
import { HttpPoster } from '@helios/scripts/http-poster';
import { slotsOfBody } from '@helios/scripts/replay-input';
import { kafkaConfigOf } from '@helios/scripts/topic-reader';
import { expect } from 'vitest';
import type { Lane } from './lanes.js';

/** What was posted to a lane, and the check of it: the one that `replay --verify` and the fault rows use. */

/** Longest wait for what must come. */
export const LIMIT_MS = 60_000;

/** Posts every body once, some at a time, and notes how it was answered. */
export async function postAll(url: string, bodies: readonly string[]): Promise<PostedRequest[]> {
  const poster = new HttpPoster(url, 16);
  const posted = await Promise.all(
    bodies.map(async (body): Promise<PostedRequest> => {
      const { id, slots } = slotsOfBody(body) ?? { id: '', slots: [] };
      const { status } = await poster.post(body);
      return { id, status, slots };
    }),
  );
  poster.close();
  return posted;
}

/** Waits until a lane's database holds an outcome of every slot that gets a bid. */
export async function untilStored(lane: Lane, prefix: string, posted: readonly PostedRequest[]): Promise<void> {
  const expected = posted.flatMap(({ slots }) => slots.filter(({ expectation }) => expectation === 'bid')).length;
  await until(async () => (await countStored(lane.database, prefix)) >= expected, LIMIT_MS);
}

/** Checks everything: identity, rollups of the lane's database, lag of its groups, hops of its topics. */
export function check(lane: Lane, prefix: string, posted: readonly PostedRequest[], poison: readonly Poison[] = []): Promise<CheckReport> {
  return checkRun({
    prefix,
    posted,
    poison,
    database: lane.databaseConfig,
    kafka: { config: kafkaConfigOf(lane.env), start: null, groups: lane.groups },
    limitMs: LIMIT_MS,
  });
}

/** The kinds of faults that the check found. */
export function faultsIn({ identity, rollups, lag, hops }: CheckReport): string[] {
  const found = {
    missing: identity.missing.length > 0,
    unexpected: identity.unexpected.length > 0,
    'more than one end': identity.duplicates.length > 0,
    'dead letters': identity.deadLettersUnexpected.length > 0,
    poison: identity.poisonMissing.length > 0,
    lag: !lag.checked || !lag.report.holds,
    'lost on the way': !hops.checked || hops.report.lost.length > 0,
    'from nowhere': !hops.checked || hops.report.invented.length > 0,
    rollups: !rollups.checked || !rollups.report.holds,
  };
  return Object.entries(found).flatMap(([kind, is]) => (is ? [kind] : []));
}

/** The check holds, and there was something to check. */
export function expectNothingFound(report: CheckReport): void {
  expect(report).toMatchObject({ findings: [], holds: true });
  expect(faultsIn(report)).toEqual([]);
  expect(report.identity.outcomes).toBeGreaterThan(0);
  expect(report.identity.noBids).toBeGreaterThan(0);
}
