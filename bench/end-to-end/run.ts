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
import { takeSnapshot, type WindowFigures, windowBetween } from './snapshot.js';
import { notSustained } from './step-verdict.js';
import { storedBytes } from './stored-bytes.js';

/** One step of the search for the sustained rate, and one full run with its account. */

/** As many as a load of some thousands a second has unanswered while all is well. */
const CONNECTIONS = 512;
const DRAIN_LIMIT_MS = 180_000;

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
    const lagMessages: number[] = [];
    const watch = watchLag(stack, 500, (lag) => lagMessages.push(lag));
    const begun = await takeSnapshot(stack, load);
    await sleep((seconds * 1000) / 2);
    const middle = await takeSnapshot(stack, load);
    await sleep((seconds * 1000) / 2);
    const ended = await takeSnapshot(stack, load);
    await watch.stop();
    await load.stop();
    const between = (from: typeof begun, to: typeof begun) =>
      meanMs(observedBetween(from.writer, to.writer, 'helios_accepted_to_row_seconds'));
    const why = notSustained({
      perSecond,
      sent: load.sent,
      accepted: load.accepted,
      sentLate: load.sentLate,
      lagMessages,
      acceptedToRowMeanMs: { first: between(begun, middle), second: between(middle, ended) },
    });
    const { bidsPerSecond } = windowBetween(begun, ended);
    return { perSecond, held: why.length === 0, why, bidsPerSecond };
  } catch (error) {
    // A stack that does not even answer for its metrics is far past what it sustains.
    await load.stop();
    return { perSecond, held: false, why: [error instanceof Error ? error.message : String(error)], bidsPerSecond: null };
  } finally {
    await untilNoLag(stack, DRAIN_LIMIT_MS);
  }
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
    let lagMessagesMost = 0;
    await sleep(plan.warmUpSeconds * 1000);
    const before = await takeSnapshot(stack, load.bids);
    const watch = watchLag(stack, 2000, (lag) => (lagMessagesMost = Math.max(lagMessagesMost, lag)));
    await sleep(plan.seconds * 1000);
    const after = await takeSnapshot(stack, load.bids);
    await watch.stop();
    const memoryMb = memoryOf(stack);
    await load.bids.stop();
    const report = await load.settle({ limitMs: DRAIN_LIMIT_MS });
    const bytesAfter = await storedBytes(stack);
    const latencies = load.bids.latencies(0);
    const bids = bytesAfter.rows - bytesBefore.rows;
    return {
      window: windowBetween(before, after),
      answerMs: { p50: rounded(quantile(latencies, 0.5)), p99: rounded(quantile(latencies, 0.99)) },
      sentLate: load.bids.sentLate,
      lagMessagesMost,
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

/** Looks at the lag of the three groups together now and then, until it is stopped; a scrape that fails ends it with that error. */
function watchLag(stack: Stack, everyMs: number, seen: (messages: number) => void): { stop(): Promise<void> } {
  const over = new AbortController();
  const loop = (async () => {
    while (!over.signal.aborted) {
      const scrapes = await Promise.all(consumerNames.map((name) => stack.metrics(name)));
      seen(sumOf(scrapes, 'helios_consumer_lag_messages'));
      await sleep(everyMs);
    }
  })();
  loop.catch(() => {}); // whoever stops it is told
  return {
    stop: async () => {
      over.abort();
      await loop;
    },
  };
}

function memoryOf(stack: Stack): Record<string, number | null> {
  return Object.fromEntries(
    stack.processes.map(({ name, pid }) => {
      const bytes = pid === null ? null : treeMemoryBytes(pid);
      return [name, bytes === null ? null : Math.round(bytes / 1e6)];
    }),
  );
}
