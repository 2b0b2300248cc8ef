import { setTimeout as sleep } from 'node:timers/promises';
import { bidTemplates, postText } from './bid-bodies.js';
import { encoded, newHistogram, recordMs } from './latency-histogram.js';
import type { LoadRun, ShareResult } from './load-run.js';
import { PostConnections } from './post-connections.js';

/**
 * One process's share of an open-loop load: of `shareCount` processes number `share` sends the requests share, share + shareCount, ...,
 * request n at n / rate seconds after the start, whether earlier ones are answered or not. A request that finds no connection free waits
 * for one, bounded; its latency counts from its intended time all the same.
 */
export interface SharePlace {
  readonly share: number;
  readonly shareCount: number;
  /** When the schedule starts, on this process's monotonic clock. */
  readonly startMonoMs: number;
}

const TEMPLATES = 500;
const WAITING_MAX = 100_000;
/** Answers need their turn. */
const BURST_MAX = 200;
const GIVEN_UP_MS = 1000;
const LATE_MS = [1, 5] as const;

/** Sends the share and resolves when everything is answered or given up. @throws Error when the books do not balance. */
export async function sendShare(run: LoadRun, place: SharePlace): Promise<ShareResult> {
  const share = new Share(run, place);
  try {
    return await share.send();
  } finally {
    share.close();
  }
}

class Share {
  readonly #run: LoadRun;
  readonly #place: SharePlace;
  readonly #connections: PostConnections;
  readonly #requests: (n: number, id: string) => string;
  readonly #bytesOf: (n: number, id: string) => number;
  readonly #warmupRequests: number;
  readonly #sentMonoMs = new Map<number, number>();
  readonly #queue: number[] = [];
  #queueHead = 0;
  readonly #latency = newHistogram();
  readonly #service = newHistogram();
  readonly #lateness = newHistogram();
  readonly #late = [0, 0];
  readonly #answers: Record<string, number> = {};
  #counted = 0;
  #ended = 0;
  #waited = 0;
  #wrong = 0;
  #firstWrong: string | null = null;
  #lastSentMonoMs = 0;

  constructor(run: LoadRun, place: SharePlace) {
    this.#run = run;
    this.#place = place;
    const templates = bidTemplates(run.seed, TEMPLATES, run.shape);
    const template = (n: number) => templates[n % TEMPLATES] as (typeof templates)[number];
    this.#requests = (n, id) => postText(run.path, template(n), id);
    this.#bytesOf = (n, id) => template(n).bytesWithoutId + id.length;
    this.#warmupRequests = Math.round(run.perSecond * run.warmupSeconds);
    this.#connections = new PostConnections({
      host: run.host,
      port: run.port,
      connectionsMax: Math.max(1, Math.floor(run.connectionsMax / place.shareCount)),
      answerTimeoutMs: run.answerTimeoutMs,
      take: run.spread ? 'oldest' : 'newest',
      answered: (n, status, body) => this.#answered(n, status, body),
    });
  }

  async send(): Promise<ShareResult> {
    const { perSecond, seconds, answerTimeoutMs } = this.#run;
    const { share, shareCount, startMonoMs } = this.#place;
    const total = this.#warmupRequests + Math.round(perSecond * seconds);
    for (let n = share; n < total;) {
      for (let burst = 0; burst < BURST_MAX && n < total && this.#dueMonoMs(n) <= performance.now(); burst++, n += shareCount)
        this.#offer(n);
      // A timer is good to a millisecond and a little; spinning for the rest would take a core from what is measured.
      if (n < total) await sleep(Math.max(0, Math.floor(this.#dueMonoMs(n) - performance.now())));
    }
    const deadlineMonoMs = performance.now() + answerTimeoutMs + GIVEN_UP_MS;
    while ((this.#connections.unanswered > 0 || this.#queueHead < this.#queue.length) && performance.now() < deadlineMonoMs) await sleep(5);
    // What still waits for a connection then was never sent.
    for (; this.#queueHead < this.#queue.length; this.#queueHead++) this.#end(this.#queue[this.#queueHead] as number, 'not sent');
    if (this.#ended !== this.#counted) throw new Error(`${this.#counted} requests were counted and ${this.#ended} ended`);
    const scheduleEndMonoMs = startMonoMs + (total * 1000) / perSecond;
    return {
      requests: this.#counted,
      answers: this.#answers,
      wrong: this.#wrong,
      firstWrong: this.#firstWrong,
      waited: this.#waited,
      lateOver1Ms: this.#late[0] ?? 0,
      lateOver5Ms: this.#late[1] ?? 0,
      overrunMs: Math.max(0, this.#lastSentMonoMs - scheduleEndMonoMs),
      latency: encoded(this.#latency),
      service: encoded(this.#service),
      lateness: encoded(this.#lateness),
    };
  }

  close(): void {
    this.#connections.close();
  }

  #dueMonoMs(n: number): number {
    return this.#place.startMonoMs + (n * 1000) / this.#run.perSecond;
  }

  #offer(n: number): void {
    if (n >= this.#warmupRequests) {
      this.#counted++;
      const lateMs = performance.now() - this.#dueMonoMs(n);
      recordMs(this.#lateness, lateMs);
      for (const [index, limitMs] of LATE_MS.entries()) if (lateMs > limitMs) this.#late[index] = (this.#late[index] ?? 0) + 1;
    }
    if (this.#queueHead === this.#queue.length && this.#post(n)) return;
    if (this.#queue.length - this.#queueHead >= WAITING_MAX) return this.#end(n, 'not sent');
    if (n >= this.#warmupRequests) this.#waited++;
    this.#queue.push(n);
  }

  #post(n: number): boolean {
    const sentMonoMs = performance.now();
    if (!this.#connections.post(n, this.#requests(n, this.#id(n)))) return false;
    this.#sentMonoMs.set(n, sentMonoMs);
    this.#lastSentMonoMs = sentMonoMs;
    return true;
  }

  #answered(n: number, status: number | null, body: string): void {
    const nowMonoMs = performance.now();
    if (n >= this.#warmupRequests && status !== null) recordMs(this.#service, nowMonoMs - (this.#sentMonoMs.get(n) ?? nowMonoMs));
    this.#sentMonoMs.delete(n);
    if (n >= this.#warmupRequests && status === 202) this.#check(n, body);
    this.#end(n, status === null ? 'none' : String(status));
    while (this.#queueHead < this.#queue.length && this.#post(this.#queue[this.#queueHead] as number)) this.#queueHead++;
    if (this.#queueHead === this.#queue.length) this.#queue.length = this.#queueHead = 0;
  }

  /** Every request that counts ends once, however it ends: leaving out those without an answer would flatter the latency. */
  #end(n: number, name: string): void {
    if (n < this.#warmupRequests) return;
    this.#ended++;
    recordMs(this.#latency, performance.now() - this.#dueMonoMs(n));
    this.#answers[name] = (this.#answers[name] ?? 0) + 1;
  }

  #check(n: number, body: string): void {
    const id = this.#id(n);
    if (rightAnswer(body, this.#run.expects === 'id' ? { id } : { bytes: this.#bytesOf(n, id) })) return;
    this.#wrong++;
    this.#firstWrong ??= `request ${id} was answered ${body.slice(0, 300)}`;
  }

  #id(n: number): string {
    return `${this.#run.idPrefix}${n}`;
  }
}

/** Whether a body of a 202 is JSON that says so and has the value expected. */
export function rightAnswer(body: string, expected: { readonly id: string } | { readonly bytes: number }): boolean {
  try {
    const answer = JSON.parse(body) as Record<string, unknown>;
    return answer['status'] === 'accepted' && Object.entries(expected).every(([name, value]) => answer[name] === value);
  } catch {
    return false; // no JSON
  }
}
