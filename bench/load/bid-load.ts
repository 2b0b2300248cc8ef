import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostedRequest } from '@helios/scripts/accounting/identity';
import { type BidTemplate, bidTemplates, postText } from './bid-bodies.js';
import { PostConnections } from './post-connections.js';

/**
 * An open-loop load that keeps account: request n leaves at n / `perSecond` seconds, answered or not, under the id `<prefix><n>`, once and
 * never again. With a ledger file every answer is one line of it before it is counted. Latency counts from the intended time of leaving.
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
  /**
   * Where each answer is noted, one line `n status`, before it is counted; null: nowhere. The account itself is in memory; a line for each
   * answer outlasts this process and costs it a system call, which a bench of thousands a second leaves out.
   */
  readonly ledgerFile: string | null;
  /** A request without an answer after this long is in doubt; its connection is closed. */
  readonly answerTimeoutMs?: number;
}

/** Kinds of answers: an HTTP status, or one of these. */
const PENDING = 0;
const NO_ANSWER = 1;
const NOT_SENT = 2;

const TEMPLATES = 2000;
const TICK_MS = 1;
const LATE_MS = 20;
/** How long after its time limit a request is given up at the latest. */
const GIVEN_UP_MS = 500;

export class BidLoad {
  readonly prefix: string;
  perSecond: number;
  readonly #options: Required<Omit<BidLoadOptions, 'perSecond' | 'connectionsMax'>>;
  readonly #templates: readonly BidTemplate[];
  readonly #ledger: number | null;
  readonly #connections: PostConnections;
  readonly #counts = new Map<number, number>();
  #statuses = new Uint16Array(65_536);
  #dueMonoMs = new Float64Array(65_536);
  #latencyMs = new Float32Array(65_536);
  #next = 0;
  #sentLate = 0;
  #running = true;
  readonly #loop: Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(options: BidLoadOptions) {
    this.prefix = options.prefix;
    this.perSecond = options.perSecond;
    this.#options = { answerTimeoutMs: 10_000, requestsMax: Infinity, ...options };
    this.#connections = new PostConnections({
      host: '127.0.0.1',
      port: options.port,
      connectionsMax: options.connectionsMax ?? 512,
      answerTimeoutMs: this.#options.answerTimeoutMs,
      take: 'newest',
      answered: (n, status) => this.#answered(n, status ?? NO_ANSWER),
    });
    this.#templates = bidTemplates(options.seed, TEMPLATES, 'mixed');
    this.#ledger = options.ledgerFile === null ? null : openLedger(options.ledgerFile);
    this.#loop = this.#send();
  }

  get connectionsMax(): number {
    return this.#connections.connectionsMax;
  }

  set connectionsMax(count: number) {
    this.#connections.connectionsMax = count;
  }

  /** Requests whose time has come so far. */
  get sent(): number {
    return this.#next;
  }

  /** Answers so far by status; `none`: no answer; `not sent`: over the bound of connections. */
  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].map(([status, count]) => [nameOf(status), count]));
  }

  /** Requests so far that this process itself sent more than 20 ms after their time. */
  get sentLate(): number {
    return this.#sentLate;
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
    const deadlineMonoMs = performance.now() + this.#options.answerTimeoutMs + GIVEN_UP_MS;
    while (this.#connections.unanswered > 0 && performance.now() < deadlineMonoMs) await sleep(10);
    this.#connections.close();
    await sleep(0);
    const { unanswered } = this.#connections;
    if (unanswered > 0) throw new Error(`${unanswered} requests were neither answered nor given up`);
    if (this.#ledger !== null) closeSync(this.#ledger);
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
        if (nowMonoMs - dueMonoMs > LATE_MS) this.#sentLate++;
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
    const id = `${this.prefix}${n}`;
    if (!this.#connections.post(n, postText('/bid', this.#template(n), id))) this.#note(n, NOT_SENT);
  }

  #answered(n: number, status: number): void {
    this.#latencyMs[n] = performance.now() - (this.#dueMonoMs[n] as number);
    this.#note(n, status);
  }

  #note(n: number, status: number): void {
    if (this.#ledger !== null && status !== NOT_SENT) writeSync(this.#ledger, `${n} ${nameOf(status)}\n`);
    this.#statuses[n] = status;
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1);
  }

  #template(n: number): BidTemplate {
    return this.#templates[n % this.#templates.length] as BidTemplate;
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

function openLedger(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  return openSync(file, 'a');
}

function nameOf(status: number): string {
  if (status === NO_ANSWER) return 'none';
  if (status === NOT_SENT) return 'not sent';
  return status === PENDING ? 'pending' : String(status);
}
