import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '@helios/analytics/db';
import { hopsOf } from '@helios/scripts/accounting/lag';
import type { Hop } from '@helios/scripts/drain';
import { sumOf } from '@helios/scripts/metrics-text';
import { kafkaConfigOf } from '@helios/scripts/topic-reader';
import { BidLoad } from '../../load/bid-load.js';
import { until } from '../../processes.js';
import { databaseConfig, NEAR_CAPACITY, untilNoLag } from '../accounted-load.js';
import { commitFor, committedOffsets } from '../kafka-view.js';
import type { Row, RunContext, RunResult } from '../row.js';
import { consumerNames, oneBroker, type Stack } from '../stack.js';
import { unaskedEnds } from './processes.js';

/** Row 22: everything is delivered again, by groups that are set back and by clients that post again what they posted. */

const PARTITIONS = 6;
const BACK_OFFSETS = 10_000;
/** A little more than what is delivered again, so that all of that is this run's own. */
const REQUESTS = 10_500;
const GROUP_EMPTY_LIMIT_MS = 30_000;
const CAUGHT_UP_LIMIT_MS = 120_000;

export const redelivered: Row = {
  number: 22,
  title: 'consumer groups set back by 10,000 offsets, and the same ids posted again',
  promise: 'each id posted again is answered 202; outcomes and rollups are unchanged to the row version',
  unit: 'sets',
  target: { ci: 1, full: 10 },
  perRun: { ci: 1, full: 2 },
  budgetSeconds: 60,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const { stack, say } = context;
    const database = openDatabase(databaseConfig(stack), { applicationName: 'faults', poolSize: 1, statementTimeoutMs: 120_000 });
    try {
      const lateBefore = await lateProfiles(stack);
      const load = await context.startLoad({ perSecond: rateOf(context) });
      while (load.bids.sent < REQUESTS) await sleep(20);
      await load.bids.stop();
      await untilNoLag(stack, CAUGHT_UP_LIMIT_MS);
      const before = await contentOf(database);
      // The bidder's counts begin anew when it is started again.
      let late = (await lateProfiles(stack)) - lateBefore;
      const totals = { duplicate: 0, conflicting: 0, answered: 0 };
      const again: BidLoad[] = [];
      const recoveriesMs: number[] = [];
      const broken: string[] = [];
      for (let set = 0; set < context.faults; set++) {
        recoveriesMs.push(await setBack(context));
        broken.push(...differences(before, await contentOf(database), 'after the groups were set back'));
        const { duplicate } = await writerRows(stack);
        if (duplicate < BACK_OFFSETS) broken.push(`the writer counted ${duplicate} duplicates after ${BACK_OFFSETS} offsets`);
        say(`the same ${load.bids.sent} ids are posted again`);
        const repeat = await postAgain(context, load.bids);
        again.push(repeat);
        if (repeat.accepted !== repeat.sent) broken.push(`ids posted again were not all answered 202: ${JSON.stringify(repeat.answers)}`);
        await untilNoLag(stack, CAUGHT_UP_LIMIT_MS);
        broken.push(...differences(before, await contentOf(database), 'after the ids were posted again'));
        const rows = await writerRows(stack);
        if (rows.inserted !== 0) broken.push(`the writer stored ${rows.inserted} rows anew`);
        totals.duplicate += rows.duplicate;
        totals.conflicting += rows.conflicting;
        totals.answered += repeat.accepted;
        late += await lateProfiles(stack);
      }
      // A bid that was priced without a profile one time and with it the other differs, and the first stays: that is the rule for both.
      if (totals.conflicting > 0 && late === 0)
        broken.push(`${totals.conflicting} outcomes differed from the first, though every profile came in time`);
      const report = await load.settle({ limitMs: CAUGHT_UP_LIMIT_MS, alsoPosted: again.flatMap((bids) => [...bids.posted()]) });
      const figures = {
        duplicateRows: totals.duplicate,
        conflictingRows: totals.conflicting,
        lateProfileLookups: late,
        answeredAgain: totals.answered,
      };
      return { faults: context.faults, report, recoveriesMs, figures, broken: [...broken, ...unaskedEnds(context)] };
    } finally {
      await database.close();
    }
  },
};

/** Sets all three groups back while nobody is in them. @returns how long they took to catch up after their services were started again. */
async function setBack({ stack, say }: RunContext): Promise<number> {
  await Promise.all(consumerNames.map((name) => stack.service(name).stop()));
  try {
    for (const hop of hopsOf(kafkaConfigOf(stack.kafkaEnv))) {
      const offsets = setBackOffsets(await committedOffsets(stack, hop, PARTITIONS));
      await untilCommitted(stack, hop, offsets);
      say(`group ${hop.groupId} set back by ${BACK_OFFSETS} offsets`);
    }
  } finally {
    await Promise.all(consumerNames.map((name) => stack.service(name).start()));
  }
  const startedMonoMs = performance.now();
  await untilNoLag(stack, CAUGHT_UP_LIMIT_MS);
  return performance.now() - startedMonoMs;
}

/** The group's members have left; the broker may need a moment to say so. */
function untilCommitted(stack: Stack, hop: Hop, offsets: ReadonlyMap<number, number>): Promise<void> {
  return until(async () => {
    await commitFor(stack, hop, offsets);
    return true;
  }, GROUP_EMPTY_LIMIT_MS);
}

/**
 * Takes `backOffsets` off what is committed, evenly from each partition, and from the others what one of them does not have. Pure.
 * @throws Error when all of them together do not have so many.
 */
export function setBackOffsets(committed: ReadonlyMap<number, number>, backOffsets = BACK_OFFSETS): Map<number, number> {
  const offsets = new Map<number, number>();
  const shortestFirst = [...committed].toSorted(([, a], [, b]) => a - b);
  let left = backOffsets;
  for (const [index, [partition, offset]] of shortestFirst.entries()) {
    const back = Math.min(offset, Math.ceil(left / (shortestFirst.length - index)));
    offsets.set(partition, offset - back);
    left -= back;
  }
  if (left > 0) throw new Error(`the group has not come far enough to be set back by ${backOffsets} offsets: ${left} are missing`);
  return offsets;
}

function rateOf({ ci, halfCapacityPerSecond }: RunContext): number {
  return ci ? halfCapacityPerSecond * NEAR_CAPACITY : halfCapacityPerSecond;
}

/** Posts the load's requests once more: the same ids, the same bodies. */
async function postAgain(context: RunContext, first: BidLoad): Promise<BidLoad> {
  const { stack, seed } = context;
  const bids = new BidLoad({
    port: stack.ingestPort,
    perSecond: rateOf(context),
    prefix: first.prefix,
    seed,
    requestsMax: first.sent,
    ledgerFile: join(stack.logFolder, `${first.prefix}again.log`),
  });
  while (bids.sent < first.sent) await sleep(20);
  await bids.stop();
  return bids;
}

interface TableContent {
  readonly rows: string;
  readonly values: string;
  readonly versions: string;
}

const tables = ['auction_outcomes', 'outcome_minutes', 'outcome_hours'] as const;

/** Of each table, sums over all rows that change with any value, and with any row that is written again. */
async function contentOf(database: Database): Promise<Record<string, TableContent>> {
  const contents: Record<string, TableContent> = {};
  for (const table of tables) {
    const text = `select count(*)::text as rows, coalesce(sum(hashtextextended(row::text, 0)), 0)::text as values,
      coalesce(sum(xmin::text::bigint), 0)::text as versions from ${table} as row`;
    const [content] = await database.query<TableContent>({ text }, []);
    if (content === undefined) throw new Error(`${table} could not be summed up`);
    contents[table] = content;
  }
  return contents;
}

function differences(before: Record<string, TableContent>, now: Record<string, TableContent>, when: string): string[] {
  return tables
    .filter((table) => JSON.stringify(before[table]) !== JSON.stringify(now[table]))
    .map((table) => {
      return `${table} changed ${when}: ${JSON.stringify(before[table])} became ${JSON.stringify(now[table])}`;
    });
}

async function writerRows(stack: Stack): Promise<{ inserted: number; duplicate: number; conflicting: number }> {
  const scrapes = [await stack.metrics('writer')];
  const rows = (result: string) => sumOf(scrapes, 'helios_writer_rows_total', { result });
  return { inserted: rows('inserted'), duplicate: rows('duplicate'), conflicting: rows('conflicting') };
}

/** Lookups of profiles, a batch each, that brought none in time. */
async function lateProfiles(stack: Stack): Promise<number> {
  const scrapes = [await stack.metrics('bidder')];
  return ['failed', 'deadline', 'rejected'].reduce((sum, result) => sum + sumOf(scrapes, 'helios_profile_rpc_total', { result }), 0);
}
