import { setTimeout as sleep } from 'node:timers/promises';
import { sumOf } from '@helios/scripts/metrics-text';
import { slotsOfBody } from '@helios/scripts/replay-input';
import type { BidLoad } from '../load/bid-load.js';
import { quantile } from '../load/quantile.js';
import type { Posted } from './accounted-load.js';
import type { Stack } from './stack.js';

/** What ingest answers, and how soon, while no broker acknowledges; and when it accepts again. */

/** Source: spec section 2.7; the stack leaves it at its default. */
export const ACK_TIMEOUT_MS = 2000;
/** What the sweep of deadlines, the sender and a machine shared by all of it may add. */
const ANSWER_SLACK_MS = 1500;
const RSS_MAX_MIB = 250;
const PROBE_EVERY_MS = 400;
const SAMPLE_MS = 100;
const WINDOW_SAMPLES = 10;
/** Share of what is sent that is answered 202 when all is well again. */
const FLOWING_SHARE = 0.9;

/** An outage of the brokers as a client sees it: one after the other of a run, each between `begin` and `end`. */
export class OutageWatch {
  /** What the probes posted beside the load, for the account. */
  readonly posted: Posted[] = [];
  readonly broken: string[] = [];
  readonly #stack: Stack;
  readonly #bids: BidLoad;
  readonly #spans: { from: number; to: number }[] = [];
  #running = false;
  #run: Promise<void> = Promise.resolve();
  #samples: { monoMs: number; sent: number }[] = [];
  #worstProbeMs = 0;
  #worstRssMiB = 0;

  constructor(stack: Stack, bids: BidLoad) {
    this.#stack = stack;
    this.#bids = bids;
  }

  /** From now on nothing can be acknowledged. */
  begin(): void {
    this.#running = true;
    this.#samples = [];
    this.#run = this.#probe();
  }

  /** Called before the fault ends: what was sent less than the ack timeout ago may still be accepted, and is left out. */
  async end(): Promise<void> {
    const lastMonoMs = performance.now() - ACK_TIMEOUT_MS - ANSWER_SLACK_MS;
    this.#running = false;
    const [first] = this.#samples;
    const last = this.#samples.findLast(({ monoMs }) => monoMs <= lastMonoMs);
    if (first !== undefined && last !== undefined) this.#spans.push({ from: first.sent, to: last.sent });
    await this.#run;
  }

  /** Called when the load has stopped. @returns figures of all outages; what was wrong is in `broken`. */
  judge(): Record<string, number> {
    let refused = 0;
    let slowestMs = 0;
    const p99s: number[] = [];
    for (const { from, to } of this.#spans) {
      const { '503': unavailable = 0, 'not sent': _, ...others } = this.#bids.answersBetween(from, to);
      refused += unavailable;
      if (Object.keys(others).length > 0)
        this.broken.push(`requests sent during an outage were not all answered 503: ${JSON.stringify(others)}`);
      const latenciesMs = this.#bids.latencies(from, to, 503);
      if (latenciesMs.length > 0) p99s.push(quantile(latenciesMs, 0.99));
      slowestMs = Math.max(slowestMs, latenciesMs.at(-1) ?? 0);
    }
    if (refused === 0) this.broken.push('no request was refused: there was no outage');
    if (slowestMs > ACK_TIMEOUT_MS + ANSWER_SLACK_MS) this.broken.push(`a 503 took ${Math.round(slowestMs)} ms`);
    if (this.#worstRssMiB > RSS_MAX_MIB) this.broken.push(`ingest took ${Math.round(this.#worstRssMiB)} MiB of memory`);
    return {
      refused,
      refusalP99Ms: Math.round(Math.max(0, ...p99s)),
      refusalMaxMs: Math.round(slowestMs),
      probes: this.posted.length,
      probeMaxMs: Math.round(this.#worstProbeMs),
      ingestRssMaxMiB: Math.round(this.#worstRssMiB),
    };
  }

  async #probe(): Promise<void> {
    const probes: Promise<void>[] = [];
    let dueMonoMs = performance.now();
    while (this.#running) {
      const nowMonoMs = performance.now();
      this.#samples.push({ monoMs: nowMonoMs, sent: this.#bids.sent });
      if (nowMonoMs >= dueMonoMs) {
        dueMonoMs = nowMonoMs + PROBE_EVERY_MS;
        probes.push(this.#probeOnce());
      }
      await sleep(SAMPLE_MS);
    }
    await Promise.all(probes);
  }

  /** One request of which the whole answer is looked at. An outage that ended meanwhile may have it accepted. */
  async #probeOnce(): Promise<void> {
    const id = `${this.#bids.prefix}probe-${this.posted.length}`;
    const body = JSON.stringify({ id, ad_slots: [{ id: '1', w: 300, h: 250 }] });
    const entry = { id, status: null as number | null, slots: slotsOfBody(body)?.slots ?? [] };
    this.posted.push(entry);
    const startedMonoMs = performance.now();
    try {
      const url = `http://127.0.0.1:${this.#stack.ingestPort}/bid`;
      const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(10_000) });
      await response.arrayBuffer();
      entry.status = response.status;
      const elapsedMs = performance.now() - startedMonoMs;
      this.#worstProbeMs = Math.max(this.#worstProbeMs, elapsedMs);
      const retryAfter = response.headers.get('retry-after');
      if (response.status === 503 && !/^\d+$/.test(retryAfter ?? '')) this.broken.push(`a 503 came with Retry-After ${retryAfter}`);
      if (response.status !== 503 && response.status !== 202)
        this.broken.push(`a request during an outage was answered ${response.status}`);
      if (elapsedMs > ACK_TIMEOUT_MS + ANSWER_SLACK_MS)
        this.broken.push(`a request during an outage was answered after ${Math.round(elapsedMs)} ms`);
      const rssBytes = sumOf([await this.#stack.metrics('ingest')], 'process_resident_memory_bytes');
      this.#worstRssMiB = Math.max(this.#worstRssMiB, rssBytes / 1024 / 1024);
    } catch (error) {
      this.broken.push(`a request during an outage was not answered: ${String(error)}`);
    }
  }
}

/**
 * Waits for the first second in which at least 90 % of what is sent is answered 202. @returns milliseconds from `sinceMonoMs` to its beginning.
 * @throws Error when there is none within the limit.
 */
export async function untilFlowing(bids: BidLoad, sinceMonoMs: number, limitMs: number): Promise<number> {
  const samples: { monoMs: number; sent: number; accepted: number }[] = [];
  while (performance.now() - sinceMonoMs < limitMs) {
    const now = { monoMs: performance.now(), sent: bids.sent, accepted: bids.accepted };
    samples.push(now);
    const before = samples.at(-1 - WINDOW_SAMPLES);
    if (before !== undefined && now.accepted - before.accepted >= FLOWING_SHARE * (now.sent - before.sent))
      return Math.max(0, before.monoMs - sinceMonoMs);
    await sleep(SAMPLE_MS);
  }
  throw new Error(
    `requests are not accepted at the old rate ${limitMs / 1000} s after the fault; answers: ${JSON.stringify(bids.answers)}`,
  );
}

/** A rate at which everything that waits for the ack timeout fits into `connections` connections, at most half of capacity. */
export function outageRate(halfCapacityPerSecond: number, connections: number): number {
  return Math.min(halfCapacityPerSecond, (connections * 800) / (ACK_TIMEOUT_MS + ANSWER_SLACK_MS));
}
