import type { KafkaConsumer } from 'node-rdkafka';
import type { Logger } from 'pino';
import type { Health } from '../admin-server.js';
import { messageOf } from '../errors.js';
import type { Metrics } from '../metrics.js';
import { errorCodes, type KafkaConfig, type KafkaHeader } from './client.js';
import { connectClient } from './connect.js';
import { type Assignment, committedOffsets, createConsumerClient, disconnect } from './consumer-client.js';
import { ConsumerCounts, type HeldBackReason } from './consumer-counts.js';
import { LagWatch } from './lag-watch.js';
import { OffsetTracker } from './offset-tracker.js';

/**
 * Consumes one topic in batches, at least once: a batch's offsets are committed only after `handle` resolved, that is after the next hop
 * acknowledged everything that came of it.
 *
 * States: connecting -> polling <-> paused (outage or no room: it keeps polling, paused, so the group keeps it) -> stopping -> stopped.
 * Up to `maxBatchesInFlight` batches run at once and may end in any order; per partition the contiguous prefix is committed.
 * It refuses to skip a message: a batch that fails is handled again until it succeeds or its partition is taken away.
 */

export interface ConsumedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: KafkaHeader[];
  /** Unix milliseconds: when its producer made the event, or when the broker stored it, as the topic is configured. */
  readonly timestamp?: number;
}

export interface ConsumerOptions {
  readonly kafka: KafkaConfig;
  readonly groupId: string;
  readonly topic: string;
  readonly batchMaxMessages: number;
  readonly maxBatchesInFlight: number;
  /** How long to let messages gather after a batch that was not full. */
  readonly lingerMs: number;
  /** Whether the next hop has room; false holds fetching back. */
  readonly mayTake?: () => boolean;
  /** Resolves when every message has its outputs acknowledged, is a counted no-bid, or is acknowledged in dead letters. */
  readonly handle: (batch: readonly ConsumedMessage[], signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly fail: (error: Error) => void;
}

interface Partition {
  readonly tracker: OffsetTracker;
  revoking: boolean;
}

const COMMIT_INTERVAL_MS = 100;
/** Blocked for this long, the consumer pauses its partitions and polls, so that it keeps its membership. */
const PAUSE_AFTER_MS = 1000;
const PAUSED_POLL_MS = 200;
const BLOCKED_CHECK_MS = 5;
const REVOKE_WAIT_MS = 5000;
const STOP_WAIT_MS = 4000;
const COMMIT_WAIT_MS = 1500;
const CONNECT_TIMEOUT_MS = 3000;
const CONNECT_RETRY_MS = 500;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5000;

export class BatchConsumer {
  readonly #options: ConsumerOptions;
  readonly #partitions = new Map<number, Partition>();
  readonly #abort = new AbortController();
  readonly #lag: LagWatch;
  #client: KafkaConsumer;
  #batchesInFlight = 0;
  #paused = false;
  #stopping = false;
  #stopped = false;
  #failing = false;
  #run: Promise<void> = Promise.resolve();
  #commitTimer: NodeJS.Timeout | undefined;
  readonly #counts = new ConsumerCounts();

  /** Starts consuming; connects and joins in the background and retries for ever. `health` gets the part "consumer". */
  static async start(options: ConsumerOptions): Promise<BatchConsumer> {
    const consumer = new BatchConsumer(options);
    options.health.set('consumer', `joining group ${options.groupId}`);
    consumer.#run = consumer.#main().catch((error: unknown) => options.fail(error instanceof Error ? error : new Error(String(error))));
    return consumer;
  }

  private constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#client = this.#createClient();
    this.#lag = new LagWatch(options.topic, () => this.#client, this.#partitions);
    this.#counts.register(options.metrics, {
      batchesInFlight: () => this.#batchesInFlight,
      batchesInFlightMax: options.maxBatchesInFlight,
      partitions: () => this.#partitions.size,
      lag: this.#lag,
    });
  }

  /** Stops fetching, waits (bounded) for the batches in flight, commits and leaves the group. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const deadlineMonoMs = performance.now() + STOP_WAIT_MS;
    while (this.#batchesInFlight > 0 && performance.now() < deadlineMonoMs) await delay(BLOCKED_CHECK_MS);
    this.#abort.abort();
    await this.#commitAndWait([...this.#partitions.keys()]);
    this.#stopped = true;
    await this.#run;
    clearInterval(this.#commitTimer);
    await disconnect(this.#client);
  }

  async #main(): Promise<void> {
    if (!(await this.#connect())) return;
    this.#commitTimer = setInterval(() => this.#commit(this.#partitions.keys()), COMMIT_INTERVAL_MS);
    let blockedSinceMonoMs = 0;
    while (!this.#stopped) {
      const reason = this.#heldBackBy();
      if (this.#stopping) {
        // The poll serves the group and the last commit; what it fetches is not committed and goes to the next owner.
        await this.#consume(1);
        await delay(BLOCKED_CHECK_MS);
        continue;
      }
      if (reason !== null) {
        const startedMonoMs = performance.now();
        blockedSinceMonoMs ||= startedMonoMs;
        if (startedMonoMs - blockedSinceMonoMs > PAUSE_AFTER_MS) await this.#pollPaused();
        else await delay(BLOCKED_CHECK_MS);
        this.#counts.heldBackSeconds[reason] += (performance.now() - startedMonoMs) / 1000;
        continue;
      }
      blockedSinceMonoMs = 0;
      this.#resume();
      const messages = await this.#consume(this.#options.batchMaxMessages);
      if (messages.length > 0) this.#begin(messages);
      if (messages.length < this.#options.batchMaxMessages / 2) await delay(this.#options.lingerMs);
    }
  }

  /** Why nothing may be fetched now, null when it may. */
  #heldBackBy(): HeldBackReason | null {
    if (this.#batchesInFlight >= this.#options.maxBatchesInFlight) return 'batches_in_flight';
    return this.#options.mayTake?.() === false ? 'no_room' : null;
  }

  /** Keeps the membership while nothing can be taken: paused partitions give no messages, the poll serves the group. */
  async #pollPaused(): Promise<void> {
    const assigned = this.#assigned();
    if (!this.#paused && assigned.length > 0) {
      this.#client.pause(assigned);
      this.#paused = true;
    }
    const messages = await this.#consume(1);
    // A message that slipped through before the pause took effect is work like any other.
    if (messages.length > 0) this.#begin(messages);
    void this.#lag.ask();
    await delay(PAUSED_POLL_MS);
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const assigned = this.#assigned();
    if (assigned.length > 0) this.#client.resume(assigned);
  }

  #assigned(): Assignment[] {
    return [...this.#partitions].filter(([, state]) => !state.revoking).map(([partition]) => ({ topic: this.#options.topic, partition }));
  }

  #consume(count: number): Promise<ConsumedMessage[]> {
    return new Promise((resolve) => {
      this.#client.consume(count, (error, messages) => {
        if (error) {
          this.#options.log.debug({ err: error.message }, 'nothing consumed');
          setTimeout(() => resolve([]), RETRY_MIN_MS);
          return;
        }
        resolve(messages as unknown as ConsumedMessage[]);
      });
    });
  }

  #begin(messages: readonly ConsumedMessage[]): void {
    // Asked for before the stop: not committed, so they go to the next owner.
    if (this.#stopping) return;
    const batch: ConsumedMessage[] = [];
    const lastOffsets = new Map<number, number>();
    const firstAtUnixMs = new Map<number, number>();
    for (const message of messages) {
      const state = this.#partitions.get(message.partition);
      // A partition being handed over is fetched again by its next owner.
      if (state === undefined || state.revoking) continue;
      const lost = state.tracker.fetched(message.offset);
      if (lost > 0) this.#reportLoss(message, lost);
      if (!lastOffsets.has(message.partition)) firstAtUnixMs.set(message.partition, timeOf(message));
      lastOffsets.set(message.partition, message.offset);
      batch.push(message);
    }
    if (batch.length === 0) return;
    this.#counts.messages += batch.length;
    const ranges = [...lastOffsets].map(([partition, lastOffset]) => {
      const { tracker } = this.#partitions.get(partition) as Partition;
      return { tracker, range: tracker.begin(lastOffset, firstAtUnixMs.get(partition)) };
    });
    this.#batchesInFlight++;
    void this.#handle(batch, ranges);
  }

  async #handle(
    batch: readonly ConsumedMessage[],
    ranges: readonly { tracker: OffsetTracker; range: ReturnType<OffsetTracker['begin']> }[],
  ): Promise<void> {
    const { handle, log } = this.#options;
    let waitMs = RETRY_MIN_MS;
    for (;;) {
      try {
        await handle(batch, this.#abort.signal);
        for (const { tracker, range } of ranges) tracker.finish(range);
        if (this.#failing) log.info('batches succeed again');
        this.#failing = false;
        break;
      } catch (error) {
        if (this.#abort.signal.aborted) break;
        this.#counts.retries++;
        if (!this.#failing) log.error({ err: messageOf(error), messages: batch.length }, 'batch failed, retrying');
        this.#failing = true;
        await delay(waitMs);
        waitMs = Math.min(waitMs * 2, RETRY_MAX_MS);
      }
    }
    this.#batchesInFlight--;
  }

  #reportLoss(message: ConsumedMessage, lost: number): void {
    this.#counts.lost += lost;
    const fields = { code: 'EVENTS_LOST', topic: message.topic, partition: message.partition, offset: message.offset, lost };
    this.#options.log.error(fields, 'the broker dropped events before they were consumed');
    this.#options.health.set('events', `${this.#counts.lost} events of ${message.topic} were lost in the broker`);
  }

  #commit(partitions: Iterable<number>): void {
    const offsets = [...partitions].flatMap((partition) => {
      const offset = this.#partitions.get(partition)?.tracker.toCommit ?? null;
      return offset === null ? [] : [{ topic: this.#options.topic, partition, offset }];
    });
    if (offsets.length === 0 || !this.#client.isConnected()) return;
    try {
      this.#client.commit(offsets);
    } catch (error) {
      this.#commitFailed(messageOf(error));
    }
  }

  /**
   * Commits what is done and waits, bounded, until the broker has it: used where partitions are about to be given up. The commit itself is
   * asynchronous: librdkafka's synchronous one would block the event loop for as long as a broker is away.
   */
  async #commitAndWait(partitions: readonly number[]): Promise<void> {
    const deadlineMonoMs = performance.now() + COMMIT_WAIT_MS;
    const due = (): boolean => partitions.some((partition) => (this.#partitions.get(partition)?.tracker.toCommit ?? null) !== null);
    this.#commit(partitions);
    while (due() && performance.now() < deadlineMonoMs) await delay(BLOCKED_CHECK_MS);
  }

  #committed(offsets: readonly { partition: number; offset: number }[]): void {
    for (const { partition, offset } of offsets) this.#partitions.get(partition)?.tracker.committed(offset);
  }

  /** A failed commit costs duplicates, never a loss: the offsets stay due and the next interval tries again. */
  #commitFailed(text: string): void {
    this.#counts.commitFailures++;
    this.#options.log.debug({ err: text }, 'commit failed');
  }

  /** Connects and subscribes; false when the consumer was stopped first. */
  async #connect(): Promise<boolean> {
    const { log, kafka, topic, groupId } = this.#options;
    let told = false;
    while (!this.#stopping) {
      const error = await connectClient(this.#client, CONNECT_TIMEOUT_MS);
      if (error === null) {
        this.#client.subscribe([topic]);
        log.info({ topic, groupId }, 'consumer connected');
        return true;
      }
      if (!told) log.error({ code: 'BROKER_UNREACHABLE', brokers: kafka.brokers, err: error }, 'broker unreachable, retrying');
      told = true;
      await delay(CONNECT_RETRY_MS);
      this.#client = this.#createClient();
    }
    return false;
  }

  #createClient(): KafkaConsumer {
    const { kafka, groupId, topic, log, health } = this.#options;
    return createConsumerClient({
      kafka,
      groupId,
      log,
      onRebalance: (client, code, assignment) => this.#rebalance(client, code, assignment),
      onCommit: (error, offsets) => (error === null ? this.#committed(offsets) : this.#commitFailed(error)),
      onJoinState: (state) => health.set('consumer', state === 'steady' ? null : `group ${groupId} on ${topic}: ${state}`),
    });
  }

  #rebalance(client: KafkaConsumer, code: number | undefined, assignment: Assignment[]): void {
    this.#counts.rebalances++;
    const work = code === errorCodes.assignPartitions ? this.#assign(client, assignment) : this.#revoke(client, assignment);
    work.catch((error: unknown) => {
      // A client that is closing refuses assignments; anything else leaves the group in the dark: start afresh.
      if (!this.#stopping) this.#options.fail(error instanceof Error ? error : new Error(messageOf(error)));
    });
  }

  async #assign(client: KafkaConsumer, assignment: Assignment[]): Promise<void> {
    const committed = assignment.length === 0 ? null : await committedOffsets(client, assignment);
    if (committed === null && assignment.length > 0 && !this.#stopping) {
      this.#options.log.warn('committed offsets could not be read: a loss before the first fetch would go unseen');
    }
    for (const { partition } of assignment) {
      this.#partitions.set(partition, { tracker: new OffsetTracker(committed?.get(partition) ?? null), revoking: false });
    }
    if (client.rebalanceProtocol() === 'COOPERATIVE') client.incrementalAssign(assignment);
    else client.assign(assignment);
    // A pause outlives an assignment: start every partition that is new to us unpaused.
    if (assignment.length > 0) client.resume(assignment);
    this.#paused = false;
    this.#options.log.info(
      { partitions: assignment.map((at) => at.partition), protocol: client.rebalanceProtocol() },
      'partitions assigned',
    );
  }

  /** Stops fetching the partitions, waits for their batches, commits, gives them up. */
  async #revoke(client: KafkaConsumer, assignment: Assignment[]): Promise<void> {
    const partitions = assignment.map((at) => at.partition);
    for (const partition of partitions) {
      const state = this.#partitions.get(partition);
      if (state !== undefined) state.revoking = true;
    }
    const deadlineMonoMs = performance.now() + REVOKE_WAIT_MS;
    while (
      performance.now() < deadlineMonoMs &&
      !this.#abort.signal.aborted &&
      partitions.some((at) => this.#partitions.get(at)?.tracker.idle === false)
    ) {
      await delay(BLOCKED_CHECK_MS);
    }
    if (!this.#stopped) await this.#commitAndWait(partitions);
    for (const partition of partitions) this.#partitions.delete(partition);
    if (client.rebalanceProtocol() === 'COOPERATIVE') client.incrementalUnassign(assignment);
    else client.unassign();
    this.#options.log.info({ partitions }, 'partitions revoked');
  }
}

/** A message without a time (-1 in librdkafka) is as young as can be. */
function timeOf({ timestamp = -1 }: ConsumedMessage): number {
  return timestamp > 0 ? timestamp : Date.now();
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
