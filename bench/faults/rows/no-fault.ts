import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { NEAR_CAPACITY } from '../accounted-load.js';
import type { BidLoad } from '../../load/bid-load.js';
import type { Row, RunResult } from '../row.js';
import { oneBroker, serviceNames, type Stack } from '../stack.js';
import { unaskedEnds } from './processes.js';

/** Rows 0 and 28: no fault at all, for many requests, and for minutes while the memory of every service is watched. */

const SETTLE_MS = 60_000;
/** More than a second of requests: a pause of the machine that long fits into them. */
const CONNECTIONS_WITHOUT_FAULT = 2048;

const SAMPLE_EVERY_MS = 500;
/** The last third over the middle third. In two minutes a young heap that was not collected once may still be growing. */
const GROWTH_MAX = { full: 1.05, ci: 1.4 };
/**
 * Load near capacity before the watch begins: heaps, pools and caches come to their size in it. A leak goes on after it. The short form has
 * the overload of row 20 just before it, on the same processes, which is as good.
 */
const WARM_UP_MS = { full: 60_000, ci: 0 };
const RSS_MAX_MIB = 250;
const PAGE_BYTES = 4096;

/** What the soak of a stack sent, and its account. */
const soaks = new WeakMap<Stack, { readonly bids: BidLoad; readonly report: RunResult['report'] }>();

/** Row 0. The unit is the request itself. In the short form those of the soak count: it is as free of faults, and sends more of them. */
export const noFault: Row = {
  number: 0,
  title: 'no fault',
  promise: 'every slot of a request answered 202 has exactly one end',
  unit: 'requests',
  target: { ci: 50_000, full: 2_000_000 },
  perRun: { ci: 50_000, full: 200_000 },
  budgetSeconds: 50,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const soak = context.ci ? soaks.get(context.stack) : undefined;
    if (soak !== undefined && soak.bids.accepted >= context.faults) {
      context.say(`the ${soak.bids.accepted} requests of the soak`);
      context.count(soak.bids.sent, soak.bids.accepted);
      return { ...withoutFault(soak.bids), report: soak.report };
    }
    const load = await context.startLoad({
      perSecond: context.halfCapacityPerSecond * NEAR_CAPACITY,
      connectionsMax: CONNECTIONS_WITHOUT_FAULT,
    });
    while (load.bids.sent < context.faults) await sleep(20);
    const report = await load.settle({ limitMs: SETTLE_MS });
    return { ...withoutFault(load.bids), report };
  },
};

function withoutFault({ sent, answers }: BidLoad): Omit<RunResult, 'report'> {
  const { '202': accepted = 0, 'not sent': notSent = 0 } = answers;
  // What the sender had no connection for never left it: the answers are to the others.
  const broken = accepted + notSent === sent ? [] : [`not every request was answered 202: ${JSON.stringify(answers)}`];
  return { faults: accepted, recoveriesMs: [], figures: { notSent }, broken };
}

export const soaked: Row = {
  number: 28,
  title: 'soak at half of capacity',
  promise:
    'memory of every service is flat (the last third within 5 % of the middle third; 40 % in the two minutes of the short form, where heaps are young) and under 250 MB; identity exact',
  unit: 'minutes',
  target: { ci: 2, full: 10 },
  perRun: { ci: 2, full: 10 },
  budgetSeconds: 160,
  shape: oneBroker,
  leavesRoom: true,
  async run(context): Promise<RunResult> {
    const { stack, faults: minutes, halfCapacityPerSecond, ci } = context;
    const samples = new Map<string, number[]>(serviceNames.map((name) => [name, []]));
    const load = await context.startLoad({
      perSecond: halfCapacityPerSecond * NEAR_CAPACITY,
      connectionsMax: CONNECTIONS_WITHOUT_FAULT,
    });
    await sleep(ci ? WARM_UP_MS.ci : WARM_UP_MS.full);
    load.bids.perSecond = halfCapacityPerSecond;
    const endMonoMs = performance.now() + minutes * 60_000;
    while (performance.now() < endMonoMs) {
      for (const [name, list] of samples) list.push(residentMiB(stack.process(name).pid));
      await sleep(SAMPLE_EVERY_MS);
    }
    const report = await load.settle({ limitMs: 120_000 });
    const broken: string[] = [];
    const figures: Record<string, number> = {};
    for (const [name, list] of samples) {
      const third = Math.floor(list.length / 3);
      // The course, so that a step can be told from a slope.
      for (let minute = 0; minute < minutes; minute++)
        figures[`${name}Minute${minute + 1}MiB`] =
          Math.round(middleOf(list.slice((minute * list.length) / minutes, ((minute + 1) * list.length) / minutes)) * 10) / 10;
      const [middle, last, most] = [middleOf(list.slice(third, 2 * third)), middleOf(list.slice(2 * third)), Math.max(...list)];
      figures[`${name}MiddleThirdMiB`] = Math.round(middle * 10) / 10;
      figures[`${name}LastThirdMiB`] = Math.round(last * 10) / 10;
      figures[`${name}MostMiB`] = Math.round(most * 10) / 10;
      context.say(`${name}: ${middle.toFixed(1)} MiB in the middle third, ${last.toFixed(1)} in the last, ${most.toFixed(1)} at most`);
      if (last > middle * (ci ? GROWTH_MAX.ci : GROWTH_MAX.full))
        broken.push(`${name} grew from ${middle.toFixed(1)} MiB to ${last.toFixed(1)} MiB`);
      if (most > RSS_MAX_MIB) broken.push(`${name} took ${most.toFixed(1)} MiB`);
    }
    soaks.set(stack, { bids: load.bids, report });
    return { faults: minutes, report, recoveriesMs: [], figures, broken: [...broken, ...unaskedEnds(context)] };
  },
};

/** Resident memory of a process, as the kernel counts it. Linux only. */
function residentMiB(pid: number | null): number {
  if (pid === null) return 0;
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return (pages * PAGE_BYTES) / 1024 / 1024;
}

function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
