import { setTimeout as sleep } from 'node:timers/promises';
import { bucketsOf, type Scrape, sumOf } from '@helios/scripts/metrics-text';
import { until } from '../../processes.js';
import { type BacklogDrain, drainBacklog, fasterOf, grown, throughputLeft } from '../bidder-backlog.js';
import {
  type DrawFault,
  type ProfileFault,
  profileServiceDown,
  profileServiceHalfOpen,
  profileServiceWrong,
  redisFaults,
} from '../profile-faults.js';
import type { AccountedLoad, Row, RunContext, RunResult } from '../row.js';
import { oneBroker } from '../stack.js';
import { unaskedEnds } from './processes.js';

/** Rows 7 to 10: profiles come late, wrong or not at all, and bids go on without them. */

const SETTLE_MS = 60_000;
/** From a fault that fails every lookup until the breakers are open. */
const OPEN_LIMIT_MS = 5000;
const RECOVERY_LIMIT_MS = 30_000;
/** What is left of the bidder's throughput at least. Source: spec section 5 and the fault matrix. */
const THROUGHPUT_LEFT_MIN = 0.8;
/** Where a pair of measurements says less, both are repeated this often and the best of each count: the machine may be shared. */
const REPEATS = 2;
/** Edges of the bidder's histogram: lookups end at their deadline of 100 ms, but for what a busy machine adds. */
const LATE_EDGE_SECONDS = 0.25;
const LATE_SHARE_MAX = 0.1;
/** Open breakers leave few lookups: of so few a share says nothing. */
const LATE_LOOKUPS_MIN = 3;
const NEVER_EDGE_SECONDS = 2.5;
/** Share of the accepted requests that the bidder handles while they arrive; the rest is under way. */
const HANDLED_SHARE_MIN = 0.7;

export const redisFails = profileRow(7, 'Redis down, hanging, slow or emptied', redisFaults);
export const profileServiceIsDown = profileRow(8, 'profile-svc killed and held down, or refused', profileServiceDown);
export const profileServiceHangs = profileRow(
  9,
  'profile-svc half open: hanging after connect, in one direction, a black hole',
  profileServiceHalfOpen,
);
export const profileServiceIsWrong = profileRow(
  10,
  'profile-svc slow around the deadline, byte by byte, with corrupt bytes, or another server in its place',
  profileServiceWrong,
);

function profileRow(number: number, title: string, kinds: readonly DrawFault[]): Row {
  return {
    number,
    title,
    promise:
      'bids go out unenriched within the deadline of a lookup, the bidder keeps at least 80 % of its throughput, breakers open and close by themselves',
    unit: 'outages',
    target: { ci: 1, full: 15 },
    perRun: { ci: 1, full: kinds.length },
    budgetSeconds: 25,
    shape: oneBroker,
    run: (context) => runOutages(context, kinds),
  };
}

/** What the outages of a run came to. */
class Findings {
  readonly recoveriesMs: number[] = [];
  readonly broken: string[] = [];
  readonly #figures = new Map<string, number>();

  /** Keeps the largest (or with `least` the smallest) of a figure. */
  figure(name: string, value: number, which: 'most' | 'least' = 'most'): void {
    const before = this.#figures.get(name) ?? value;
    this.#figures.set(name, Math.round((which === 'most' ? Math.max(before, value) : Math.min(before, value)) * 1000) / 1000);
  }

  get figures(): Record<string, number> {
    return Object.fromEntries(this.#figures);
  }
}

async function runOutages(context: RunContext, kinds: readonly DrawFault[]): Promise<RunResult> {
  const { random, say, faults } = context;
  const findings = new Findings();
  const load = await context.startLoad();
  await sleep(1000);
  // Which kind comes first is the seed's choice; each has its turn.
  const first = random.integer(0, kinds.length - 1);
  for (let index = 0; index < faults; index++) {
    const fault = (kinds[(first + index) % kinds.length] as DrawFault)(random);
    say(fault.name);
    await new Outage(context, load, fault, findings).run();
  }
  const report = await load.settle({ limitMs: SETTLE_MS });
  const { recoveriesMs, figures, broken } = findings;
  return { faults, report, recoveriesMs, figures, broken: [...broken, ...unaskedEnds(context)] };
}

/** One fault: healthy throughput, the fault under load, throughput under it, its end and what comes back. */
class Outage {
  readonly #context: RunContext;
  readonly #load: AccountedLoad;
  readonly #fault: ProfileFault;
  readonly #findings: Findings;

  constructor(context: RunContext, load: AccountedLoad, fault: ProfileFault, findings: Findings) {
    this.#context = context;
    this.#load = load;
    this.#fault = fault;
    this.#findings = findings;
  }

  async run(): Promise<void> {
    await this.#untilEnriched();
    let healthy = await drainBacklog(this.#context, this.#load);
    let faulty = await this.#under(() => drainBacklog(this.#context, this.#load));
    for (let repeat = 0; repeat < REPEATS && !keepsThroughput(faulty, healthy); repeat++) {
      this.#context.say(`${figuresOf(faulty)} of ${figuresOf(healthy)}: measuring both again`);
      healthy = fasterOf(healthy, await drainBacklog(this.#context, this.#load));
      const end = await this.#fault.begin(this.#context.stack);
      try {
        await this.#untilInEffect();
        faulty = fasterOf(faulty, await drainBacklog(this.#context, this.#load));
      } finally {
        await end();
      }
      await this.#untilEnriched();
    }
    this.#judgeThroughput(healthy, faulty);
  }

  /** The fault once, under the load: what it does to lookups and breakers, `measure` meanwhile, and how long all takes to come back. */
  async #under(measure: () => Promise<BacklogDrain>): Promise<BacklogDrain> {
    const { stack, random, say } = this.#context;
    const before = await stack.metrics('bidder');
    const acceptedBefore = this.#load.bids.accepted;
    const startedMonoMs = performance.now();
    const end = await this.#fault.begin(stack);
    let measured: BacklogDrain;
    try {
      await this.#untilInEffect();
      const inEffectMs = performance.now() - startedMonoMs;
      if (this.#fault.lookups === 'fail') this.#findings.figure('breakersOpenAfterMs', inEffectMs);
      await sleep(random.integer(1000, 2500));
      const after = await stack.metrics('bidder');
      this.#judgeBids(before, after, this.#load.bids.accepted - acceptedBefore);
      measured = await measure();
    } finally {
      await end();
    }
    const endedMonoMs = performance.now();
    await this.#untilEnriched();
    const recoveryMs = performance.now() - endedMonoMs;
    say(`enriched again after ${Math.round(recoveryMs)} ms`);
    this.#findings.recoveriesMs.push(recoveryMs);
    return measured;
  }

  /** Until the fault shows: breakers open, or nobody is enriched. A fault that may leave lookups alone gets a moment. */
  async #untilInEffect(): Promise<void> {
    const { stack } = this.#context;
    if (this.#fault.lookups === 'fail') {
      await this.#reach('the breakers are open', OPEN_LIMIT_MS, async () => breakersIn(await stack.metrics('bidder'), 'closed') === 0);
    } else if (this.#fault.lookups === 'empty') {
      await this.#reach('bids go out unenriched', OPEN_LIMIT_MS, async () => {
        const before = await stack.metrics('bidder');
        await sleep(300);
        const after = await stack.metrics('bidder');
        return grown('helios_bids_total', before, after) > 0 && grown('helios_bids_total', before, after, { profile: 'enriched' }) === 0;
      });
    } else await sleep(1000);
  }

  /** Until every breaker is closed and bids are enriched. */
  async #untilEnriched(): Promise<void> {
    const { stack } = this.#context;
    await this.#reach('the breakers are closed and bids are enriched', RECOVERY_LIMIT_MS, async () => {
      const before = await stack.metrics('bidder');
      if (breakersIn(before, 'open') + breakersIn(before, 'half_open') > 0) return false;
      await sleep(100);
      const after = await stack.metrics('bidder');
      return grown('helios_bids_total', before, after, { profile: 'enriched' }) > 0;
    });
  }

  /** A state that is not reached is a broken promise, not the end of the run. */
  async #reach(what: string, limitMs: number, condition: () => Promise<boolean>): Promise<void> {
    try {
      await until(condition, limitMs);
    } catch (error) {
      this.#findings.broken.push(`${this.#fault.name}: not within ${limitMs / 1000} s: ${what} (${String(error)})`);
    }
  }

  #judgeBids(before: Scrape, after: Scrape, accepted: number): void {
    const { broken } = this.#findings;
    const handled = grown('helios_bidder_requests_total', before, after);
    this.#findings.figure('handledShare', handled / accepted, 'least');
    if (handled < accepted * HANDLED_SHARE_MIN)
      broken.push(`${this.#fault.name}: of ${accepted} requests accepted meanwhile the bidder handled ${handled}`);
    if (grown('helios_worker_failures_total', before, after) > 0) broken.push(`${this.#fault.name}: a worker of the bidder failed`);
    const lookups = grown('helios_profile_rpc_duration_seconds_count', before, after);
    const over = (edge: number) => lookups - (bucketAt(after, edge) - bucketAt(before, edge));
    const late = over(LATE_EDGE_SECONDS);
    this.#findings.figure('lookupsLateShare', lookups === 0 ? 0 : late / lookups);
    if (late > Math.max(LATE_LOOKUPS_MIN, lookups * LATE_SHARE_MAX))
      broken.push(`${this.#fault.name}: ${late} of ${lookups} lookups took longer than ${LATE_EDGE_SECONDS} s`);
    if (over(NEVER_EDGE_SECONDS) > 0)
      broken.push(`${this.#fault.name}: ${over(NEVER_EDGE_SECONDS)} lookups took longer than ${NEVER_EDGE_SECONDS} s`);
  }

  #judgeThroughput(healthy: BacklogDrain, faulty: BacklogDrain): void {
    const { wallShare, unstarvedShare } = throughputLeft(faulty, healthy);
    this.#context.say(`the bidder took ${figuresOf(faulty)}; ${figuresOf(healthy)} when all was well`);
    this.#findings.figure('throughputLeftShare', wallShare, 'least');
    this.#findings.figure('unstarvedThroughputLeftShare', unstarvedShare, 'least');
    this.#findings.figure('perCpuSecondLeftShare', faulty.perCpuSecond / healthy.perCpuSecond, 'least');
    if (!keepsThroughput(faulty, healthy))
      this.#findings.broken.push(`${this.#fault.name}: the bidder took ${figuresOf(faulty)}; ${figuresOf(healthy)} when all was well`);
  }
}

function keepsThroughput(faulty: BacklogDrain, healthy: BacklogDrain): boolean {
  const { wallShare, unstarvedShare } = throughputLeft(faulty, healthy);
  return Math.max(wallShare, unstarvedShare) >= THROUGHPUT_LEFT_MIN;
}

function figuresOf({ requests, perSecond, perCpuSecond, starvedShare, lookups }: BacklogDrain): string {
  const results = Object.entries(lookups).map(([result, count]) => `${count} ${result}`);
  return `${requests} requests at ${Math.round(perSecond)}/s (${Math.round(perCpuSecond)} per CPU second, ${Math.round(starvedShare * 100)} % of the time without a processor, lookups: ${results.join(', ')})`;
}

function breakersIn(scrape: Scrape, state: 'closed' | 'open' | 'half_open'): number {
  return sumOf([scrape], 'helios_profile_breakers', { state });
}

function bucketAt(scrape: Scrape, edgeSeconds: number): number {
  return bucketsOf([scrape], 'helios_profile_rpc_duration_seconds').get(edgeSeconds) ?? 0;
}
