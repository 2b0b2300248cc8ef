import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Scrape, sumOf } from '@helios/scripts/metrics-text';
import { until } from '../processes.js';
import type { AccountedLoad, RunContext } from './row.js';

/**
 * How fast the bidder is: it is put to sleep while a backlog builds up in Kafka, and timed while it works it off. Ingest, the broker and the
 * hops behind run beside it in every measurement alike, so that two of one run can be compared.
 */

export interface BacklogDrain {
  readonly requests: number;
  readonly perSecond: number;
  /** By the CPU time of the bidder's process. */
  readonly perCpuSecond: number;
  /** Share of the time in which the bidder's busiest thread could have run, and had to leave the processor to others. */
  readonly starvedShare: number;
  /** Lookups meanwhile, by what they came to. */
  readonly lookups: Readonly<Record<string, number>>;
}

/** Enough for tens of full batches. */
const BACKLOG_REQUESTS = 7000;
const BURST_PER_SECOND = 8000;
/** Below the session timeout of the fault rows: the sleeping bidder keeps its partitions. */
const SLEEP_MAX_MS = 3500;
/** While nothing else is to be under way. */
const TRICKLE_PER_SECOND = 20;
const DRAIN_LIMIT_MS = 60_000;
const POLL_MS = 20;
/** A thread that hardly ever ran says little about how fast it would be. */
const STARVED_REST_MIN = 0.1;

/** Measures once. The load's rate is the caller's again afterwards. */
export async function drainBacklog(context: RunContext, load: AccountedLoad): Promise<BacklogDrain> {
  const bidder = context.stack.service('bidder');
  const perSecondBefore = load.bids.perSecond;
  load.bids.perSecond = TRICKLE_PER_SECOND;
  try {
    await until(async () => lagOf(await context.stack.metrics('bidder')) < TRICKLE_PER_SECOND, DRAIN_LIMIT_MS);
    const before = await context.stack.metrics('bidder');
    const acceptedBefore = load.bids.accepted;
    bidder.signal('SIGSTOP');
    try {
      const asleepMonoMs = performance.now();
      load.bids.perSecond = BURST_PER_SECOND;
      const waiting = () => load.bids.accepted - acceptedBefore;
      while (waiting() < BACKLOG_REQUESTS && performance.now() - asleepMonoMs < SLEEP_MAX_MS) await sleep(POLL_MS);
      load.bids.perSecond = TRICKLE_PER_SECOND;
    } finally {
      bidder.signal('SIGCONT');
    }
    return await timeDrain(context, before, load.bids.accepted - acceptedBefore);
  } finally {
    load.bids.perSecond = perSecondBefore;
  }
}

/** The faster of two measurements, by wall time. */
export function fasterOf(a: BacklogDrain, b: BacklogDrain): BacklogDrain {
  return a.perSecond >= b.perSecond ? a : b;
}

/**
 * How much of its healthy throughput the bidder keeps: by wall time, and by the time that others on the machine left to it. A fault is made
 * with the same processors (byte by byte it takes most of one), and what that takes from the bidder is not the bidder's doing.
 */
export function throughputLeft(faulty: BacklogDrain, healthy: BacklogDrain): { wallShare: number; unstarvedShare: number } {
  const unstarved = ({ perSecond, starvedShare }: BacklogDrain) => perSecond / Math.max(STARVED_REST_MIN, 1 - starvedShare);
  return { wallShare: faulty.perSecond / healthy.perSecond, unstarvedShare: unstarved(faulty) / unstarved(healthy) };
}

async function timeDrain(context: RunContext, before: Scrape, backlog: number): Promise<BacklogDrain> {
  const startedMonoMs = performance.now();
  const { pid } = context.stack.service('bidder');
  const threadsBefore = threadTimes(pid);
  for (;;) {
    const after = await context.stack.metrics('bidder');
    const elapsedMonoMs = performance.now() - startedMonoMs;
    const requests = grown('helios_bidder_requests_total', before, after);
    if (requests >= backlog) {
      const cpuSeconds = grown('process_cpu_seconds_total', before, after);
      return {
        requests,
        perSecond: (requests * 1000) / elapsedMonoMs,
        perCpuSecond: requests / cpuSeconds,
        starvedShare: waitedMs(threadsBefore, threadTimes(pid)) / elapsedMonoMs,
        lookups: lookupsBetween(before, after),
      };
    }
    if (elapsedMonoMs > DRAIN_LIMIT_MS) throw new Error(`the bidder took ${requests} of ${backlog} requests in ${DRAIN_LIMIT_MS / 1000} s`);
    await sleep(POLL_MS);
  }
}

/** How much a counter grew between two scrapes of one process. */
export function grown(name: string, before: Scrape, after: Scrape, labels: Readonly<Record<string, string>> = {}): number {
  return sumOf([after], name, labels) - sumOf([before], name, labels);
}

function lagOf(scrape: Scrape): number {
  return sumOf([scrape], 'helios_consumer_lag_messages');
}

function lookupsBetween(before: Scrape, after: Scrape): Record<string, number> {
  const results = (after.get('helios_profile_rpc_total') ?? []).map(({ labels }) => labels['result'] ?? '');
  const counts = results.map((result) => [result, grown('helios_profile_rpc_total', before, after, { result })] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

interface ThreadTime {
  readonly ranMs: number;
  /** Runnable, and not running. */
  readonly waitedMs: number;
}

/** By thread; empty where the system does not tell (it is not Linux). */
function threadTimes(pid: number | null): Map<string, ThreadTime> {
  const times = new Map<string, ThreadTime>();
  if (pid === null || process.platform !== 'linux') return times;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    // In nanoseconds: time on a processor, time in a run queue.
    const [ran = '0', waited = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    times.set(thread, { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 });
  }
  return times;
}

/** What the thread that ran most between the two waited for a processor. */
function waitedMs(before: ReadonlyMap<string, ThreadTime>, after: ReadonlyMap<string, ThreadTime>): number {
  let busiest: ThreadTime = { ranMs: 0, waitedMs: 0 };
  for (const [thread, time] of after) {
    const earlier = before.get(thread) ?? { ranMs: 0, waitedMs: 0 };
    const grew = { ranMs: time.ranMs - earlier.ranMs, waitedMs: time.waitedMs - earlier.waitedMs };
    if (grew.ranMs > busiest.ranMs) busiest = grew;
  }
  return busiest.waitedMs;
}
