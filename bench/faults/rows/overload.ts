import { setTimeout as sleep } from 'node:timers/promises';
import { sumOf } from '@helios/scripts/metrics-text';
import type { BidLoad } from '../../load/bid-load.js';
import { quantile } from '../../load/quantile.js';
import type { Row, RunResult } from '../row.js';
import { consumerNames, oneBroker } from '../stack.js';
import { unaskedEnds } from './processes.js';

/**
 * Row 20: twice and five times what ingest takes, open loop, with a bound of requests in flight that this reaches, so that it has to shed.
 * Sender and services share the machine's cores, so capacity is measured in the same run with the same sender.
 */

const IN_FLIGHT_MAX = 192;
/** Enough to keep ingest busy and not enough to reach its bound: what it answers to these is its capacity. */
const CAPACITY_CONNECTIONS = 128;
const OVERLOAD_CONNECTIONS = 1024;
const AS_FAST_AS_ANSWERED = 50_000;
const GOODPUT_SHARE_MIN = 0.8;
const RECOVERY_LIMIT_MS = 10_000;
/** What it takes in the windows is handled when they are over, which takes several times as long. */
const WINDOW_MS = { full: 10_000, ci: 700 };
const SETTLE_IN_MS = 300;
/** The machine is shared: of so many tries the best counts. */
const TRIES = 3;
const RSS_MAX_BYTES = 250 * 1024 * 1024;
const SETTLE_MS = 180_000;

export const overloaded: Row = {
  number: 20,
  title: 'overload at 2 x and 5 x of what ingest takes, open loop',
  promise: 'it sheds with 503, takes at least 80 % of what it can, in bounded memory, and answers 202 to everything again within 10 s',
  unit: 'overloads',
  target: { ci: 2, full: 10 },
  perRun: { ci: 2, full: 2 },
  budgetSeconds: 50,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const { stack, ci, halfCapacityPerSecond, say } = context;
    const { process, port } = await stack.addIngest({ INGEST_MAX_IN_FLIGHT: String(IN_FLIGHT_MAX) });
    const load = await context.startLoad({ port, perSecond: halfCapacityPerSecond / 2 });
    const broken: string[] = [];
    const figures: Record<string, number> = {};
    const recoveriesMs: number[] = [];
    const windowMs = ci ? WINDOW_MS.ci : WINDOW_MS.full;
    try {
      // What is measured is ingest: those that read what it writes would take the sender's and its own share of the cores.
      await Promise.all(consumerNames.map((name) => stack.service(name).stop()));
      let before = await goodput(load.bids, AS_FAST_AS_ANSWERED, CAPACITY_CONNECTIONS, windowMs);
      for (const factor of [2, 5].slice(0, context.faults)) {
        let best: { share: number; capacityPerSecond: number; overload: Window } | null = null;
        for (let attempt = 1; attempt <= TRIES && (best === null || best.share < GOODPUT_SHARE_MIN); attempt++) {
          const overload = await goodput(load.bids, before.perSecond * factor, OVERLOAD_CONNECTIONS, windowMs);
          const after = await goodput(load.bids, AS_FAST_AS_ANSWERED, CAPACITY_CONNECTIONS, windowMs);
          const capacityPerSecond = (before.perSecond + after.perSecond) / 2;
          const share = overload.perSecond / capacityPerSecond;
          say(
            `${factor} x: ${Math.round(overload.perSecond)} of ${Math.round(capacityPerSecond)} requests/s answered 202 (${Math.round(share * 100)} %), ${overload.shed} shed with 503`,
          );
          if (best === null || share > best.share) best = { share, capacityPerSecond, overload };
          before = after;
        }
        if (best === null) throw new Error('nothing was measured');
        recoveriesMs.push(await recovery(load.bids, halfCapacityPerSecond / 2));
        figures[`goodputShareAt${factor}x`] = Math.round(best.share * 1000) / 1000;
        figures[`capacityPerSecondAt${factor}x`] = Math.round(best.capacityPerSecond);
        figures[`shedAt${factor}x`] = best.overload.shed;
        broken.push(...faultsOf(factor, best));
      }
      const rssBytes = sumOf([await stack.metrics(process.name)], 'process_resident_memory_bytes');
      figures['ingestRssMiB'] = Math.round(rssBytes / 1024 / 1024);
      if (rssBytes > RSS_MAX_BYTES) broken.push(`ingest took ${figures['ingestRssMiB']} MiB of memory`);
      if (Math.max(...recoveriesMs) > RECOVERY_LIMIT_MS) broken.push('it did not answer 202 to everything again within 10 s');
    } finally {
      await load.bids.stop();
      await process.stop();
      stack.forget(process);
      await Promise.all(consumerNames.map((name) => stack.service(name).start()));
    }
    const report = await load.settle({ limitMs: SETTLE_MS });
    return { faults: context.faults, report, recoveriesMs, figures, broken: [...broken, ...unaskedEnds(context)] };
  },
};

interface Window {
  readonly perSecond: number;
  readonly shed: number;
  readonly answers: Readonly<Record<string, number>>;
}

function faultsOf(factor: number, { share, overload }: { share: number; overload: Window }): string[] {
  const broken: string[] = [];
  if (share < GOODPUT_SHARE_MIN) broken.push(`goodput at ${factor} x was ${Math.round(share * 100)} % of capacity, less than 80 %`);
  if (overload.shed === 0) broken.push(`nothing was shed at ${factor} x: that was no overload`);
  const others = Object.keys(overload.answers).filter((status) => !['202', '503', 'not sent', 'pending'].includes(status));
  if (others.length > 0) broken.push(`at ${factor} x some were answered neither 202 nor 503: ${JSON.stringify(overload.answers)}`);
  return broken;
}

/** Requests answered 202 per second over a window at the given rate, after a moment to get going. */
async function goodput(bids: BidLoad, perSecond: number, connectionsMax: number, windowMs: number): Promise<Window> {
  bids.connectionsMax = connectionsMax;
  bids.perSecond = perSecond;
  await sleep(SETTLE_IN_MS);
  const [sentBefore, acceptedBefore, shedBefore, startedMonoMs] = [bids.sent, bids.accepted, bids.answers['503'] ?? 0, performance.now()];
  await sleep(windowMs);
  const elapsedMs = performance.now() - startedMonoMs;
  return {
    perSecond: ((bids.accepted - acceptedBefore) * 1000) / elapsedMs,
    shed: (bids.answers['503'] ?? 0) - shedBefore,
    answers: bids.answersBetween(sentBefore),
  };
}

/** Back to a quarter of capacity: how long until a second passes in which everything is answered 202, nine of ten within 100 ms. */
async function recovery(bids: BidLoad, perSecond: number): Promise<number> {
  bids.perSecond = perSecond;
  bids.connectionsMax = 512;
  const startedMonoMs = performance.now();
  for (;;) {
    const from = bids.sent;
    const beganMonoMs = performance.now();
    await sleep(1000);
    const to = bids.sent;
    await sleep(300);
    const answers = bids.answersBetween(from, to);
    const allAccepted = Object.keys(answers).length === 1 && (answers['202'] ?? 0) > 0;
    if (allAccepted && quantile(bids.latencies(from, to), 0.9) < 100) return beganMonoMs - startedMonoMs;
    if (beganMonoMs - startedMonoMs > RECOVERY_LIMIT_MS * 3) return beganMonoMs - startedMonoMs;
  }
}
