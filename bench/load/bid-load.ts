import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostedRequest } from '@helios/scripts/accounting/identity';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';
import { slotsOfBody } from '@helios/scripts/replay-input';

/**
 * An open-loop load that keeps account: request n leaves at n / `perSecond` seconds, answered or not, under the id `<prefix><n>`, once and
 * never again. Every answer is one line of the ledger file before it is counted. Raw connections, one unanswered request on each (the HTTP
 * library closes pipelined ones), so that the load costs little of what it loads. Latency counts from the intended time of leaving.
 */

export interface BidLoadOptions {
  readonly port: number;
  /** At most 100,000. Can be changed while it runs. */
  readonly perSecond: number;
  readonly prefix: string;
  /** Of the bodies; which body request n has depends on n and the seed alone. */
  readonly seed: number;
  /** Bound of open connections and with it of unanswered requests; over it a request is counted as `not sent`. Can be changed, too. */
  readonly connectionsMax?: number;
  /** After so many requests no more are sent. Default: until it is stopped. */
  readonly requestsMax?: number;
  /** Where each answer is noted, one line `n status`, before it is counted. */
  readonly ledgerFile: string;
  /** A request without an answer after this long is in doubt; its connection is closed. */
  readonly answerTimeoutMs?: number;
}

/** A body whose id can be put in without encoding it anew. */
interface Template {
  readonly beforeId: string;
  readonly afterId: string;
  readonly bytesWithoutId: number;
  readonly slots: PostedRequest['slots'];
}

interface Connection {
  readonly socket: Socket;
  /** Number of the request that waits here; -1 for none. */
  waiting: number;
  received: string;
  usedMonoMs: number;
}

/** Kinds of answers: an HTTP status, or one of these. */
const PENDING = 0;
const NO_ANSWER = 1;
const NOT_SENT = 2;

const TEMPLATES = 2000;
const MARK = 'ID-GOES-HERE';
const HEAD_END = '\r\n\r\n';
/** Ingest closes idle connections after 10 s; ours go first. */
const IDLE_LIMIT_MS = 4000;
const TICK_MS = 1;
const SWEEP_MS = 250;

export class BidLoad {
  readonly prefix: string;
  perSecond: number;
  connectionsMax: number;
  readonly #options: Required<Omit<BidLoadOptions, 'perSecond' | 'connectionsMax'>>;
  readonly #templates: readonly Template[];
  readonly #ledger: number;
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();
  readonly #counts = new Map<number, number>();
  #statuses = new Uint16Array(65_536);
  #dueMonoMs = new Float64Array(65_536);
  #latencyMs = new Float32Array(65_536);
  #next = 0;
  #unanswered = 0;
  #running = true;
  readonly #loop: Promise<void>;
  #stopped: Promise<void> | undefined;
  readonly #sweep: NodeJS.Timeout;

  constructor(options: BidLoadOptions) {
    this.prefix = options.prefix;
    this.perSecond = options.perSecond;
    this.connectionsMax = options.connectionsMax ?? 512;
    this.#options = { answerTimeoutMs: 10_000, requestsMax: Infinity, ...options };
    this.#templates = templatesOf(options.seed);
    mkdirSync(dirname(options.ledgerFile), { recursive: true });
    this.#ledger = openSync(options.ledgerFile, 'a');
    this.#loop = this.#send();
    this.#sweep = setInterval(() => this.#closeStale(), SWEEP_MS);
  }

  /** Requests whose time has come so far. */
  get sent(): number {
    return this.#next;
  }

  /** Answers so far by status; `none`: no answer; `not sent`: over the bound of connections. */
  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].map(([status, count]) => [nameOf(status), count]));
  }

  /** Requests answered 202 so far. */
  get accepted(): number {
    return this.#counts.get(202) ?? 0;
  }

  /** Stops sending and waits for what is unanswered, at most the answer timeout. A second call waits for the first. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
    const deadlineMonoMs = performance.now() + this.#options.answerTimeoutMs + SWEEP_MS * 2;
    while (this.#unanswered > 0 && performance.now() < deadlineMonoMs) await sleep(10);
    clearInterval(this.#sweep);
    for (const connection of this.#open) connection.socket.destroy();
    await sleep(0);
    if (this.#unanswered > 0) throw new Error(`${this.#unanswered} requests were neither answered nor given up`);
    closeSync(this.#ledger);
  }

  /** Everything that was sent with how it was answered, from request `from` on; slots are made anew from the seed. */
  *posted(from = 0): Generator<PostedRequest> {
    for (let n = from; n < this.#next; n++) {
      const status = this.#statuses[n] as number;
      if (status === NOT_SENT) continue;
      yield { id: `${this.prefix}${n}`, status: status === NO_ANSWER ? null : status, slots: this.#template(n).slots };
    }
  }

  /** Latencies in ms, ascending, of requests [from, to) that were answered with `status`. */
  latencies(from: number, to = this.#next, status = 202): Float32Array {
    const found: number[] = [];
    for (let n = from; n < to; n++) if (this.#statuses[n] === status) found.push(this.#latencyMs[n] as number);
    return Float32Array.from(found).sort();
  }

  /** Statuses of requests [from, to) by name. */
  answersBetween(from: number, to = this.#next): Record<string, number> {
    const counts: Record<string, number> = {};
    for (let n = from; n < to; n++) {
      const name = nameOf(this.#statuses[n] as number);
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  async #send(): Promise<void> {
    let dueMonoMs = performance.now();
    while (this.#running && this.#next < this.#options.requestsMax) {
      const nowMonoMs = performance.now();
      let burst = 0;
      while (dueMonoMs <= nowMonoMs && this.#running && this.#next < this.#options.requestsMax) {
        this.#post(dueMonoMs);
        dueMonoMs += 1000 / this.perSecond;
        if (++burst >= 200) break; // answers need their turn
      }
      await sleep(dueMonoMs <= performance.now() ? 0 : TICK_MS);
    }
  }

  #post(dueMonoMs: number): void {
    const n = this.#next++;
    this.#makeRoom(n);
    this.#dueMonoMs[n] = dueMonoMs;
    const connection = this.#idle.pop() ?? this.#connect();
    if (connection === null) return this.#note(n, NOT_SENT);
    connection.waiting = n;
    connection.usedMonoMs = performance.now();
    this.#unanswered++;
    const { beforeId, afterId, bytesWithoutId } = this.#template(n);
    const id = `${this.prefix}${n}`;
    connection.socket.write(
      `POST /bid HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${bytesWithoutId + id.length}${HEAD_END}${beforeId}${id}${afterId}`,
    );
  }

  #connect(): Connection | null {
    if (this.#open.size >= this.connectionsMax) return null;
    const socket = connect({ host: '127.0.0.1', port: this.#options.port, noDelay: true });
    const connection: Connection = { socket, waiting: -1, received: '', usedMonoMs: performance.now() };
    this.#open.add(connection);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#received(connection, text));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#closed(connection));
    return connection;
  }

  #received(connection: Connection, text: string): void {
    connection.received += text;
    const headEnd = connection.received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = connection.received.slice(0, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (connection.received.length < headEnd + HEAD_END.length + length) return;
    connection.received = '';
    this.#answered(connection, Number(head.slice(9, 12)));
    connection.usedMonoMs = performance.now();
    if (/connection: close/i.test(head)) connection.socket.end();
    else this.#idle.push(connection);
  }

  #closed(connection: Connection): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    if (connection.waiting !== -1) this.#answered(connection, NO_ANSWER);
  }

  #answered(connection: Connection, status: number): void {
    const n = connection.waiting;
    if (n === -1) throw new Error(`an answer (${status}) to no request`);
    connection.waiting = -1;
    this.#unanswered--;
    this.#latencyMs[n] = performance.now() - (this.#dueMonoMs[n] as number);
    this.#note(n, status);
  }

  #note(n: number, status: number): void {
    if (status !== NOT_SENT) writeSync(this.#ledger, `${n} ${nameOf(status)}\n`);
    this.#statuses[n] = status;
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1);
  }

  #closeStale(): void {
    const nowMonoMs = performance.now();
    for (const connection of this.#open) {
      const limitMs = connection.waiting === -1 ? IDLE_LIMIT_MS : this.#options.answerTimeoutMs;
      if (nowMonoMs - connection.usedMonoMs > limitMs) connection.socket.destroy();
    }
    // Destroyed ones must not be handed out before their 'close' arrives.
    for (let index = this.#idle.length - 1; index >= 0; index--) if (this.#idle[index]?.socket.destroyed) this.#idle.splice(index, 1);
  }

  #template(n: number): Template {
    return this.#templates[n % this.#templates.length] as Template;
  }

  #makeRoom(n: number): void {
    if (n < this.#statuses.length) return;
    const length = this.#statuses.length * 2;
    const [statuses, due, latency] = [new Uint16Array(length), new Float64Array(length), new Float32Array(length)];
    statuses.set(this.#statuses);
    due.set(this.#dueMonoMs);
    latency.set(this.#latencyMs);
    [this.#statuses, this.#dueMonoMs, this.#latencyMs] = [statuses, due, latency];
  }
}

function nameOf(status: number): string {
  if (status === NO_ANSWER) return 'none';
  if (status === NOT_SENT) return 'not sent';
  return status === PENDING ? 'pending' : String(status);
}

/** Bodies of both shapes with floors that accounting needs: at most 0.01 or above 0.10. Source: spec section 5. */
function templatesOf(seed: number): Template[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: TEMPLATES }, () => {
    const request = nextBidRequest(random, { shape: random.chance(0.5) ? 'openrtb' : 'short', floors: 'split' });
    const text = JSON.stringify({ ...request, id: MARK });
    const [beforeId = '', afterId = ''] = text.split(MARK);
    const bytesWithoutId = Buffer.byteLength(beforeId) + Buffer.byteLength(afterId);
    return { beforeId, afterId, bytesWithoutId, slots: slotsOfBody(text)?.slots ?? [] };
  });
}
