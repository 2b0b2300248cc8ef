import { readFileSync } from 'node:fs';
import { type Scrape, sumOf } from '@helios/scripts/metrics-text';
import type { BidLoad } from '../load/bid-load.js';
import { treesCpuSeconds } from '../outcomes/process-cpu.js';
import { rounded } from '../result-file.js';
import type { Stack } from '../faults/stack.js';
import { meanMs, observedBetween, quantileMs } from './histogram.js';

/** All that is read of a running stack at one moment, and what happened between two of them. */

/** Which process of the stack stands for which name in results: servers, and services by their own names. */
const SERVERS: Readonly<Record<string, string>> = { 'kafka-1': 'kafka', redis: 'redis', database: 'postgresql' };
/** The bench's own process: the load, and what reads the figures. */
export const LOAD = 'load';

export function nameInResults({ name }: { readonly name: string }): string {
  return SERVERS[name] ?? name;
}

export interface Snapshot {
  readonly atMonoMs: number;
  /** By process. */
  readonly cpuSeconds: ReadonlyMap<string, number>;
  readonly bidder: Scrape;
  readonly writer: Scrape;
  readonly load: { readonly sent: number; readonly accepted: number };
  /** Of the loopback interface since the machine started, headers included; null where it cannot be read. */
  readonly loopbackBytes: number | null;
}

/** @throws Error when a process of the stack is down, or its CPU time cannot be read. */
export async function takeSnapshot(stack: Stack, load: BidLoad): Promise<Snapshot> {
  const [bidder, writer] = await Promise.all([stack.metrics('bidder'), stack.metrics('writer')]);
  const down = stack.processes.find(({ pid }) => pid === null);
  if (down !== undefined) throw new Error(`the CPU time of ${down.name} cannot be read: it is down`);
  const seconds = treesCpuSeconds(stack.processes.map(({ pid }) => pid as number));
  if (seconds === null) throw new Error('CPU time of processes cannot be read: this is not Linux');
  const cpuSeconds = new Map(stack.processes.map((process, index) => [nameInResults(process), seconds[index] as number]));
  const { user, system } = process.cpuUsage();
  cpuSeconds.set(LOAD, (user + system) / 1e6);
  return {
    atMonoMs: performance.now(),
    cpuSeconds,
    bidder,
    writer,
    load: { sent: load.sent, accepted: load.accepted },
    loopbackBytes: loopbackBytes(),
  };
}

export interface WindowFigures {
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Slots priced or refused a bid, and slots that got one: a bid is a slot with a price, and becomes one row. */
  readonly slotsPerSecond: number;
  readonly bidsPerSecond: number;
  readonly rowsPerSecond: number;
  readonly acceptedShare: number;
  readonly acceptedToRow: {
    readonly rows: number;
    readonly meanMs: number | null;
    readonly p50: { readonly atMostMs: number; readonly aboutMs: number } | null;
    readonly p99: { readonly atMostMs: number; readonly aboutMs: number } | null;
  };
  /** By process, all threads and children. */
  readonly cpuMicrosPerBid: Readonly<Record<string, number>>;
  readonly cpuShare: Readonly<Record<string, number>>;
  /** Cores that all of them together kept busy. */
  readonly coresBusy: number;
  /** Over loopback, whoever sent it: the load's requests and answers included. */
  readonly networkBytesPerBid: number | null;
}

/** What happened between two snapshots. @throws Error when no bid was made. */
export function windowBetween(before: Snapshot, after: Snapshot): WindowFigures {
  const seconds = (after.atMonoMs - before.atMonoMs) / 1000;
  const grew = (at: 'bidder' | 'writer', name: string, labels = {}): number =>
    sumOf([after[at]], name, labels) - sumOf([before[at]], name, labels);
  const bids = grew('bidder', 'helios_bids_total');
  if (bids <= 0) throw new Error('no bid was made in the window');
  const rows = grew('writer', 'helios_writer_rows_total', { result: 'inserted' });
  const requests = after.load.sent - before.load.sent;
  const used = new Map([...after.cpuSeconds].map(([name, now]) => [name, now - (before.cpuSeconds.get(name) ?? 0)]));
  const usedTogether = [...used.values()].reduce((sum, value) => sum + value, 0);
  const each = (of: (cpuSeconds: number) => number, digits: number): Record<string, number> =>
    Object.fromEntries([...used].map(([name, value]) => [name, rounded(of(value), digits)]));
  const { loopbackBytes: first } = before;
  const { loopbackBytes: last } = after;
  return {
    seconds: rounded(seconds),
    requestsPerSecond: Math.round(requests / seconds),
    slotsPerSecond: Math.round((bids + grew('bidder', 'helios_no_bids_total')) / seconds),
    bidsPerSecond: Math.round(bids / seconds),
    rowsPerSecond: Math.round(rows / seconds),
    acceptedShare: rounded((after.load.accepted - before.load.accepted) / requests, 5),
    acceptedToRow: latencies(before.writer, after.writer),
    cpuMicrosPerBid: each((value) => (value * 1e6) / bids, 1),
    cpuShare: each((value) => value / usedTogether, 3),
    coresBusy: rounded(usedTogether / seconds),
    networkBytesPerBid: first === null || last === null ? null : Math.round((last - first) / bids),
  };
}

function latencies(before: Scrape, after: Scrape): WindowFigures['acceptedToRow'] {
  const observed = observedBetween(before, after, 'helios_accepted_to_row_seconds');
  const at = (share: number) => {
    const found = quantileMs(observed, share);
    return found === null ? null : { atMostMs: rounded(found.atMostMs, 1), aboutMs: rounded(found.aboutMs, 1) };
  };
  const mean = meanMs(observed);
  return { rows: observed.count, meanMs: mean === null ? null : rounded(mean, 1), p50: at(0.5), p99: at(0.99) };
}

function loopbackBytes(): number | null {
  try {
    const line = /^\s*lo:\s*(\d+)/m.exec(readFileSync('/proc/net/dev', 'utf8'));
    return line === null ? null : Number(line[1]);
  } catch {
    return null; // not Linux
  }
}
