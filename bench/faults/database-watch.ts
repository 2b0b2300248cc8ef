import { setTimeout as sleep } from 'node:timers/promises';
import { groupDefaults } from '@helios/proto/topics';
import { GroupOffsets } from '@helios/runtime/kafka/group-offsets';
import { createLogger } from '@helios/runtime/log';
import { eventsLeft } from '@helios/scripts/drain';
import { sumOf } from '@helios/scripts/metrics-text';
import { kafkaConfigOf } from '@helios/scripts/topic-reader';
import type { Stack } from './stack.js';

/** What the rows that fail PostgreSQL look at all the while: how far the writer is behind, and how the API answers. */

/** Where the writer stands. */
export interface LagSample {
  readonly atMonoMs: number;
  /** Outcomes not committed, by the broker's own word. */
  readonly left: number;
  /** The same as the writer's metrics tell it; null while they do not answer. */
  readonly told: number | null;
}

/** One request of the API. */
export interface ApiAnswer {
  readonly startedMonoMs: number;
  readonly tookMs: number;
  /** HTTP status, or why there was none. */
  readonly status: number | string;
  readonly contentType: string;
}

/** Topics of the stacks have this many. */
const PARTITIONS = 6;
const LAG_EVERY_MS = 150;
const ASK_EVERY_MS = 100;
/** Callers at once: fewer than the API's pool, so that what one waits for is the database. */
const CALLERS = 4;
const ANSWER_LIMIT_MS = 10_000;

export class DatabaseWatch {
  readonly lags: LagSample[] = [];
  readonly answers: ApiAnswer[] = [];
  readonly #stack: Stack;
  readonly #offsets: GroupOffsets;
  readonly #loops: Promise<void>[];
  #running = true;

  constructor(stack: Stack) {
    this.#stack = stack;
    const kafka = kafkaConfigOf(stack.kafkaEnv);
    const log = createLogger('faults', 'fatal');
    this.#offsets = new GroupOffsets({ topic: kafka.auctionOutcomesTopic, groupId: groupDefaults.writer, kafka, log });
    this.#loops = [this.#watchLag(), ...Array.from({ length: CALLERS }, () => this.#ask())];
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
    await this.#offsets.close();
  }

  /** The next sample that is taken. */
  async nextLag(): Promise<LagSample> {
    const seen = this.lags.length;
    while (this.lags.length === seen && this.#running) await sleep(20);
    const sample = this.lags.at(-1);
    if (sample === undefined) throw new Error('the watch ended before it saw anything');
    return sample;
  }

  /** Answers of the API to requests made in the span. */
  answersTo(fromMonoMs: number, toMonoMs: number): ApiAnswer[] {
    return this.answers.filter(({ startedMonoMs }) => startedMonoMs >= fromMonoMs && startedMonoMs < toMonoMs);
  }

  async #watchLag(): Promise<void> {
    while (this.#running) {
      const [offsets, scrape] = await Promise.all([
        this.#offsets.read(PARTITIONS),
        this.#stack.metrics('writer').catch(() => null), // restarting: it tells nothing
      ]);
      const told = scrape === null ? null : sumOf([scrape], 'helios_consumer_lag_messages');
      if (offsets !== null) this.lags.push({ atMonoMs: performance.now(), left: eventsLeft(offsets), told });
      await sleep(LAG_EVERY_MS);
    }
  }

  async #ask(): Promise<void> {
    while (this.#running) {
      const startedMonoMs = performance.now();
      let status: number | string;
      let contentType = '';
      try {
        const response = await fetch(`${this.#stack.apiUrl}/api/outcomes/?limit=1`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
        await response.arrayBuffer();
        status = response.status;
        contentType = response.headers.get('content-type') ?? '';
      } catch (error) {
        status = error instanceof Error ? error.name : String(error);
      }
      this.answers.push({ startedMonoMs, tookMs: performance.now() - startedMonoMs, status, contentType });
      await sleep(ASK_EVERY_MS);
    }
  }
}
