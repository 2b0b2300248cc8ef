import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { quantile } from '../../load/quantile.js';
import { readVitals, type VitalsReport, VitalsWatch } from './service-vitals.js';

/**
 * Slow clients, many at once, while good traffic runs: each gives or takes one byte a second. Ingest must close them by itself, and the good
 * traffic must not notice.
 */

/**
 * `head`: a byte of a header each second. `body`: a whole head, then a byte of the body each second. `reader`: a whole request, whose answer
 * is read a byte a second. `deaf`: requests that are refused, a hundred in a piece, as many as the connection takes, and no answer is read.
 */
export const slowKinds = ['head', 'body', 'reader', 'deaf'] as const;
export type SlowKind = (typeof slowKinds)[number];

/** The good traffic: a running open-loop load. */
export interface GoodTraffic {
  /** Requests sent so far. */
  readonly sent: number;
  /** Latencies in ms, ascending, of requests [from, to) that were answered 202. */
  latencies(from: number, to: number): ArrayLike<number>;
}

export interface SlowClientsOptions {
  readonly port: number;
  readonly adminPort: number;
  readonly kind: SlowKind;
  /** Clients at once. */
  readonly count: number;
  readonly traffic: GoodTraffic;
  /** How long the good traffic is measured alone before the clients come. */
  readonly aloneMs?: number;
  /** Kinds that come at the same time (1): each opens its clients by so much slower, so that together they come as one does. */
  readonly kindsAtOnce?: number;
  /** Clients that are not closed by then are counted and dropped. */
  readonly limitMs?: number;
}

export interface SlowClientsResult extends VitalsReport {
  readonly kind: SlowKind;
  readonly clients: number;
  /** Clients whose connection was refused. */
  readonly refused: number;
  /** Clients that ingest closed, and how long after they connected the last of them; of a `reader` the close is seen at 15 s only. */
  readonly closed: number;
  readonly slowestCloseMs: number;
  /** Of the good traffic, in the same run. */
  readonly p99AloneMs: number;
  readonly p99DuringMs: number;
  readonly goodAlone: number;
  readonly goodDuring: number;
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
}

const ALONE_MS = 10_000;
const OPEN_EVERY_MS = 50;
const LIMIT_MS = 20_000;
/** For answers that are still on their way when a window ends. */
const LAST_ANSWERS_MS = 1000;
const DESCRIPTORS_LIMIT_MS = 10_000;
/** The good traffic opens connections of its own when it has to wait: so many more may be open than before. */
export const DESCRIPTORS_OF_GOOD_TRAFFIC = 64;

/** Measures the good traffic alone, then with the clients, and waits until all of them are closed. */
export async function runSlowClients(options: SlowClientsOptions): Promise<SlowClientsResult> {
  const { traffic, kind, count } = options;
  const from = traffic.sent;
  await sleep(options.aloneMs ?? ALONE_MS);
  const between = traffic.sent;
  const watch = await VitalsWatch.start(options.adminPort);
  const { port, kindsAtOnce = 1, limitMs = LIMIT_MS } = options;
  const clients = await inThread({ port, kind, count, openEveryMs: OPEN_EVERY_MS * kindsAtOnce, limitMs });
  const to = traffic.sent;
  const descriptorsAfter = await descriptorsAtMost(options.adminPort, watch.before.openDescriptors + DESCRIPTORS_OF_GOOD_TRAFFIC);
  await sleep(LAST_ANSWERS_MS);
  const alone = traffic.latencies(from, between);
  const during = traffic.latencies(between, to);
  return {
    ...(await watch.end()),
    kind,
    clients: count,
    refused: clients.refused,
    closed: clients.closed,
    slowestCloseMs: Math.round(clients.slowestCloseMs),
    p99AloneMs: quantile(alone, 0.99),
    p99DuringMs: quantile(during, 0.99),
    goodAlone: alone.length,
    goodDuring: during.length,
    descriptorsBefore: watch.before.openDescriptors,
    descriptorsAfter,
  };
}

/** What a thread of slow clients is asked to do, and what it answers when all of them are gone. */
export interface SlowClientsTask {
  readonly port: number;
  readonly kind: SlowKind;
  readonly count: number;
  /** Between two groups of 50 clients that are opened. */
  readonly openEveryMs: number;
  readonly limitMs: number;
}

export type SlowClientsTally = Pick<SlowClientsResult, 'refused' | 'closed' | 'slowestCloseMs'>;

/** Runs the clients in a thread of their own: what they do at once must not hold up the good traffic's own clients. */
function inThread(task: SlowClientsTask): Promise<SlowClientsTally> {
  const worker = new Worker(new URL('./slow-clients-thread.js', import.meta.url), { workerData: task, execArgv: [], name: 'slow-clients' });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function descriptorsAtMost(adminPort: number, most: number): Promise<number> {
  const deadlineMonoMs = performance.now() + DESCRIPTORS_LIMIT_MS;
  for (;;) {
    const { openDescriptors } = await readVitals(adminPort);
    if (openDescriptors <= most || performance.now() > deadlineMonoMs) return openDescriptors;
    await sleep(250);
  }
}
