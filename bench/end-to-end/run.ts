import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckReport } from '@helios/scripts/accounting/check';
import { sumOf } from '@helios/scripts/metrics-text';
import { startAccountedLoad, untilNoLag } from '../faults/accounted-load.js';
import { consumerNames, type Stack } from '../faults/stack.js';
import { BidLoad } from '../load/bid-load.js';
import { quantile } from '../load/quantile.js';
import { treeMemoryBytes } from '../outcomes/process-memory.js';
import { rounded } from '../result-file.js';
import { meanMs, observedBetween } from './histogram.js';
import { nameInResults, type Snapshot, takeSnapshot, type WindowFigures, windowBetween } from './snapshot.js';
import { notSustained, type StepSeen } from './step-verdict.js';
import { storedBytes } from './stored-bytes.js';

/** One step of the search for the sustained rate, and one full run with its account. */

/** As many as a load of some thousands a second has unanswered while all is well. */
const CONNECTIONS = 512;
const DRAIN_LIMIT_MS = 180_000;
const LAG = 'helios_consumer_lag_messages';

export interface Step {
  readonly perSecond: number;
  readonly held: boolean;
  /** Why it did not hold. */
  readonly why: readonly string[];
  readonly bidsPerSecond: number | null;
}

/** Sends at one rate and says whether it was sustained; waits until everything is handled before it returns. */
export async function tryRate(stack: Stack, perSecond: number, seconds: number, prefix: string): Promise<Step> {
  const load = new BidLoad({ port: stack.ingestPort, perSecond, prefix, seed: 1, connectionsMax: CONNECTIONS, ledgerFile: null });
  try {
    await sleep((seconds * 1000) / 4);
    const seen = await watched(stack, load, seconds, 500);
    await load.stop();
    const why = notSustained({ perSecond, ...whole(load), ...seen });
    return { perSecond, held: why.length === 0, why, bidsPerSecond: windowBetween(seen.before, seen.after).bidsPerSecond };
  } catch (error) {
    // A stack that does not even answer for its metrics is far past what it sustains.
    return { perSecond, held: false, why: [error instanceof Error ? error.message : String(error)], bidsPerSecond: null };
  } finally {
    await load.stop();
    await untilNoLag(stack, DRAIN_LIMIT_MS);
  }
}

/** What was seen from one snapshot to another, with one in the middle for what must not grow. */
interface Watched {
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly lagMessages: readonly number[];
  readonly acceptedToRowMeanMs: StepSeen['acceptedToRowMeanMs'];
}

async function watched(stack: Stack, load: BidLoad, seconds: number, lagEveryMs: number): Promise<Watched> {
  const lagMessages: number[] = [];
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      // One after the other, and no more of it than is asked: this process also keeps the load's schedule.
      let lag = 0;
      for (const name of consumerNames) lag += sumOf([await stack.metrics(name, LAG)], LAG);
      lagMessages.push(lag);
      await sleep(lagEveryMs);
    }
  })();
  looking.catch(() => {}); // awaited below
  try {
    const before = await takeSnapshot(stack, load);
    await sleep(seconds * 500);
    const middle = await takeSnapshot(stack, load);
    await sleep(seconds * 500);
    const after = await takeSnapshot(stack, load);
    const mean = (from: Snapshot, to: Snapshot) => meanMs(observedBetween(from.writer, to.writer, 'helios_accepted_to_row_seconds'));
    over.abort();
    await looking;
    return { before, after, lagMessages, acceptedToRowMeanMs: { first: mean(before, middle), second: mean(middle, after) } };
  } finally {
    over.abort();
  }
}

/** The load from its beginning on. */
function whole(load: BidLoad): Pick<StepSeen, 'sent' | 'accepted' | 'sentLate'> {
  return { sent: load.sent, accepted: load.accepted, sentLate: load.sentLate };
}

export interface RunPlan {
  readonly perSecond: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly prefix: string;
  readonly seed: number;
}

export interface MeasuredRun {
  readonly window: WindowFigures;
  /** Why the rate was not sustained in this run; empty: it was. */
  readonly unsustained: readonly string[];
  /** Of answers 202, from the intended send, in the window and the warm-up. */
  readonly answerMs: { readonly p50: number; readonly p99: number };
  readonly sentLate: number;
  readonly lagMessagesMost: number;
  /** Of each process at the end, what it shares with others in part. */
  readonly memoryMb: Readonly<Record<string, number | null>>;
  readonly perBid: { readonly kafkaBytes: number; readonly walBytes: number };
  /** Bytes of a stored outcome with its indexes, over all rows of the table so far. */
  readonly rowBytes: number;
  readonly rollupsBytes: number;
  readonly account: Account;
}

export interface Account {
  readonly holds: boolean;
  readonly findings: readonly string[];
  readonly acceptedRequests: number;
  readonly acceptedSlots: number;
  readonly outcomes: number;
  readonly noBids: number;
  readonly deadLettered: number;
  readonly missing: number;
  readonly unexpected: number;
  readonly duplicates: number;
}

/** A warm-up and a window at one rate, then the account of every request of both. */
export async function measuredRun(stack: Stack, plan: RunPlan): Promise<MeasuredRun> {
  const bytesBefore = await storedBytes(stack);
  const load = await startAccountedLoad(stack, {
    perSecond: plan.perSecond,
    prefix: plan.prefix,
    seed: plan.seed,
    connectionsMax: CONNECTIONS,
    ledgerFolder: null,
    onStopped: () => undefined,
  });
  try {
    await sleep(plan.warmUpSeconds * 1000);
    const seen = await watched(stack, load.bids, plan.seconds, Math.min(2000, plan.seconds * 100));
    const memoryMb = memoryOf(stack);
    await load.bids.stop();
    const report = await load.settle({ limitMs: DRAIN_LIMIT_MS });
    const bytesAfter = await storedBytes(stack);
    const latencies = load.bids.latencies(0);
    const bids = bytesAfter.rows - bytesBefore.rows;
    return {
      window: windowBetween(seen.before, seen.after),
      unsustained: notSustained({ perSecond: plan.perSecond, ...whole(load.bids), ...seen }),
      answerMs: { p50: rounded(quantile(latencies, 0.5)), p99: rounded(quantile(latencies, 0.99)) },
      sentLate: load.bids.sentLate,
      lagMessagesMost: Math.max(...seen.lagMessages),
      memoryMb,
      perBid: {
        kafkaBytes: Math.round((bytesAfter.kafkaBytes - bytesBefore.kafkaBytes) / bids),
        walBytes: Math.round((bytesAfter.walBytes - bytesBefore.walBytes) / bids),
      },
      rowBytes: Math.round(bytesAfter.outcomesBytes / bytesAfter.rows),
      rollupsBytes: bytesAfter.rollupsBytes,
      account: accountOf(report),
    };
  } finally {
    await load.bids.stop();
  }
}

function accountOf(report: CheckReport): Account {
  const { identity } = report;
  return {
    holds: report.holds,
    findings: report.findings,
    acceptedRequests: identity.acceptedRequests,
    acceptedSlots: identity.acceptedSlots,
    outcomes: identity.outcomes,
    noBids: identity.noBids,
    deadLettered: identity.deadLettered,
    missing: identity.missing.length,
    unexpected: identity.unexpected.length,
    duplicates: identity.duplicates.length,
  };
}

function memoryOf(stack: Stack): Record<string, number | null> {
  return Object.fromEntries(
    stack.processes.map((process) => {
      const bytes = process.pid === null ? null : treeMemoryBytes(process.pid);
      return [nameInResults(process), bytes === null ? null : Math.round(bytes / 1e6)];
    }),
  );
}
