import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostedRequest } from '@helios/scripts/accounting/identity';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';
import { slotsOfBody } from '@helios/scripts/replay-input';
import { scrape, until } from '../../processes.js';
import { readVitals, type VitalsReport, VitalsWatch } from './service-vitals.js';

/** Clients that vanish: each opens a connection, does a part of what a client does, and is gone in one of several ways. */

/**
 * How a client leaves: `sent`: all of its request is on the way; `half`: half of the body is; `head`: half of the head is; `silent`: nothing.
 * `_reset`: by RST; `_end`: by FIN, as a half-close, and it waits for the other side. `answered_reset`: by RST, with the answer in hand.
 */
export const ways = [
  'sent_reset',
  'sent_end',
  'half_reset',
  'half_end',
  'head_reset',
  'head_end',
  'silent_reset',
  'silent_end',
  'answered_reset',
] as const;
export type Way = (typeof ways)[number];

export interface VanishOptions {
  readonly port: number;
  readonly adminPort: number;
  readonly seed: number;
  /** Clients. */
  readonly count: number;
  /** Of their ids; fresh per run. */
  readonly prefix: string;
  readonly concurrency?: number;
  /** Told of every request that was sent whole: `status` is null unless its answer came. What is not told of must be nowhere. */
  readonly posted?: (request: PostedRequest) => void;
}

export interface VanishResult extends VitalsReport {
  readonly clients: number;
  readonly byWay: Readonly<Record<Way, number>>;
  /** Answers that a client saw before it left, by status. */
  readonly answers: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Clients that a half-close did not rid of their connection. */
  readonly hanging: number;
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
}

const CONCURRENCY = 200;
const CLIENT_LIMIT_MS = 15_000;
const SETTLED_LIMIT_MS = 20_000;

/** Runs all clients, then waits until ingest has neither requests in flight nor half-received bodies. */
export async function runVanishingClients(options: VanishOptions): Promise<VanishResult> {
  const random = new SeededRandom(options.seed);
  const byWay = Object.fromEntries(ways.map((way) => [way, 0])) as Record<Way, number>;
  const answers: Record<string, number> = {};
  const watch = await VitalsWatch.start(options.adminPort);
  const startedMonoMs = performance.now();
  let hanging = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < options.count) {
      const request = { ...nextBidRequest(random, { shape: 'short', floors: 'split' }), id: `${options.prefix}${next++}` };
      const way = random.pick(ways);
      const cut = random.fraction();
      byWay[way]++;
      const text = JSON.stringify(request);
      const end = await vanish(options.port, text, way, cut);
      if (end === 'hangs') hanging++;
      const status = typeof end === 'number' ? end : null;
      if (status !== null) answers[status] = (answers[status] ?? 0) + 1;
      if (way.startsWith('sent') || way.startsWith('answered')) {
        options.posted?.({ id: request.id, status, slots: slotsOfBody(text)?.slots ?? [] });
      }
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? CONCURRENCY }, worker));
  await until(async () => {
    const metric = await scrape(options.adminPort);
    return metric('helios_ingest_in_flight') === 0 && metric('helios_ingest_body_memory_bytes') === 0;
  }, SETTLED_LIMIT_MS);
  const { openDescriptors } = await readVitals(options.adminPort);
  return {
    ...(await watch.end()),
    clients: options.count,
    byWay,
    answers,
    seconds: (performance.now() - startedMonoMs) / 1000,
    hanging,
    descriptorsBefore: watch.before.openDescriptors,
    descriptorsAfter: openDescriptors,
  };
}

/** One client. Resolves when it is gone: with the status it saw, or how it ended. */
function vanish(port: number, body: string, way: Way, cut: number): Promise<number | 'gone' | 'hangs'> {
  const head = `POST /bid HTTP/1.1\r\nHost: ingest\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const [part, leaving] = way.split('_') as ['sent' | 'half' | 'head' | 'silent' | 'answered', 'reset' | 'end'];
  const sent = {
    sent: head + body,
    answered: head + body,
    half: head + body.slice(0, cut * body.length),
    head: head.slice(0, cut * head.length),
    silent: '',
  };
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    let received = '';
    const limit = setTimeout(() => {
      socket.removeAllListeners('close').destroy();
      resolve('hangs');
    }, CLIENT_LIMIT_MS);
    const leave = (): void => {
      if (leaving === 'end') socket.end();
      else socket.resetAndDestroy();
    };
    socket.on('connect', () => {
      // Written first, so that what was sent is on its way when the connection goes.
      socket.write(sent[part], () => void (part === 'answered' || leaveSoon(socket, cut).then(leave)));
    });
    socket.on('data', (data) => {
      received += data.toString('latin1');
      if (part === 'answered' && received.includes('\r\n\r\n')) leave();
    });
    socket.on('end', () => socket.destroy());
    // A reset is told of by the close that follows it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(limit);
      const status = /^HTTP\/1\.1 (\d{3})/.exec(received)?.[1];
      resolve(status === undefined ? 'gone' : Number(status));
    });
  });
}

/** Half of the clients leave at once, the others within 3 ms: before, while and after the broker acknowledges. */
async function leaveSoon(socket: Socket, cut: number): Promise<void> {
  if (cut < 0.5 || socket.destroyed) return;
  await sleep((cut - 0.5) * 6);
}
