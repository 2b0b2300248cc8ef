import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
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
const LIMIT_MS = 20_000;
/** Connections opened at once: the listen queue of ingest holds 512. */
const OPEN_AT_ONCE = 50;
const OPEN_EVERY_MS = 50;
/** When a reader reads what is left, to see whether its connection was closed. */
const READ_ON_MS = 15_000;
/** For answers that are still on their way when a window ends. */
const LAST_ANSWERS_MS = 1000;
const DESCRIPTORS_LIMIT_MS = 10_000;
const INVALID = 'POST /bid HTTP/1.1\r\nHost: ingest\r\nContent-Length: 2\r\n\r\n{}';
const DEAF_BLOCK = Buffer.from(INVALID.repeat(100));

const first: Record<SlowKind, string> = {
  head: 'POST /bid HTTP/1.1\r\nHost: ingest\r\nX-Slow: ',
  body: 'POST /bid HTTP/1.1\r\nHost: ingest\r\nContent-Length: 100000\r\n\r\n',
  reader: INVALID,
  deaf: INVALID,
};

/** Measures the good traffic alone, then with the clients, and waits until all of them are closed. */
export async function runSlowClients(options: SlowClientsOptions): Promise<SlowClientsResult> {
  const { traffic, kind, count } = options;
  const from = traffic.sent;
  await sleep(options.aloneMs ?? ALONE_MS);
  const between = traffic.sent;
  const watch = await VitalsWatch.start(options.adminPort);
  const clients = new SlowClients(options.port, kind);
  await clients.run(count, options.limitMs ?? LIMIT_MS);
  const to = traffic.sent;
  const descriptorsAfter = await descriptorsAtMost(options.adminPort, watch.before.openDescriptors);
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

/** The value that `share` of ascending `samples` do not exceed; NaN without samples. */
export function quantile(samples: ArrayLike<number>, share: number): number {
  return samples[Math.max(0, Math.ceil(samples.length * share) - 1)] ?? Number.NaN;
}

class SlowClients {
  refused = 0;
  closed = 0;
  slowestCloseMs = 0;
  readonly #port: number;
  readonly #kind: SlowKind;
  readonly #open = new Set<Socket>();

  constructor(port: number, kind: SlowKind) {
    this.#port = port;
    this.#kind = kind;
  }

  /** Opens `count` clients and lets them be slow until all are closed, or `limitMs` after the last came. */
  async run(count: number, limitMs: number): Promise<void> {
    // A deaf client sends all the time, the others act once a second.
    const pulse = setInterval(() => this.#pulse(), this.#kind === 'deaf' ? 20 : 1000);
    for (let opened = 0; opened < count; opened++) {
      this.#connect();
      if (opened % OPEN_AT_ONCE === OPEN_AT_ONCE - 1) await sleep(OPEN_EVERY_MS);
    }
    const openedMonoMs = performance.now();
    const deadlineMonoMs = openedMonoMs + limitMs;
    let reading = this.#kind !== 'reader';
    while (this.#open.size > 0 && performance.now() < deadlineMonoMs) {
      await sleep(20);
      if (reading || performance.now() < openedMonoMs + READ_ON_MS) continue;
      // A close is seen behind the last byte only.
      reading = true;
      for (const socket of this.#open) socket.resume();
    }
    clearInterval(pulse);
    for (const socket of this.#open) socket.removeAllListeners('close').destroy();
  }

  #connect(): void {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    let connectedMonoMs = 0;
    this.#open.add(socket);
    // Nothing is read but what a pulse reads.
    socket.pause();
    socket.on('connect', () => {
      connectedMonoMs = performance.now();
      socket.write(first[this.#kind]);
    });
    // A reset is told of by the close that follows it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#open.delete(socket);
      if (connectedMonoMs === 0) this.refused++;
      else {
        this.closed++;
        this.slowestCloseMs = Math.max(this.slowestCloseMs, performance.now() - connectedMonoMs);
      }
    });
  }

  #pulse(): void {
    for (const socket of this.#open) {
      if (socket.connecting || socket.destroyed) continue;
      if (this.#kind === 'reader') socket.read(1);
      else if (this.#kind !== 'deaf') socket.write('x');
      else if (socket.writableLength === 0) socket.write(DEAF_BLOCK);
    }
  }
}

async function descriptorsAtMost(adminPort: number, most: number): Promise<number> {
  const deadlineMonoMs = performance.now() + DESCRIPTORS_LIMIT_MS;
  for (;;) {
    const { openDescriptors } = await readVitals(adminPort);
    if (openDescriptors <= most || performance.now() > deadlineMonoMs) return openDescriptors;
    await sleep(250);
  }
}
