import type { Producer } from 'node-rdkafka';
import type { Logger } from 'pino';
import { HeliosError, messageOf } from '../errors.js';
import type { Metrics } from '../metrics.js';
import { Backlog } from './backlog.js';
import { registerBrokerMetrics } from './broker-metrics.js';
import { GroupOffsets } from './group-offsets.js';
import { BrokerWatch, errorCodes, type KafkaConfig, type KafkaHeader } from './client.js';
import { connectClient } from './connect.js';
import { partitionFor } from './partitioner.js';
import { createProducerClient, type DeliveryReport, disconnectProducer } from './producer-client.js';

/**
 * The one producer of a process. Every event is answered by the broker's delivery report: a sink gets its token back with null once
 * the event is acknowledged by all in-sync replicas, or with the error's text.
 *
 * States: connecting (produce refuses) -> connected -> closed. A slot is taken by `produce` and given back by the delivery report, exactly
 * once. It never answers for an event without a report, and never drops one silently.
 */

/** Who is told about deliveries. `error` null: acknowledged. Called on a later turn of the loop than `produce`. */
export interface DeliverySink {
  delivered(token: number, error: string | null): void;
}

/** Why an event was not queued; nothing was sent, and no report follows. */
export type Refusal = 'not_connected' | 'queue_full' | 'backlog_full' | 'too_large';

export interface OutgoingEvent {
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers: KafkaHeader[] | undefined;
}

export interface ProducerOptions {
  readonly kafka: KafkaConfig;
  readonly clientId: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** An event without an acknowledgement after this long is reported as failed. */
  readonly messageTimeoutMs: number;
  /** The producer cannot go on: end the process. */
  readonly onFatal: (error: Error) => void;
  /** The topic written, and the group that reads it: watched when `KAFKA_BACKLOG_MAX_BYTES` is set. */
  readonly guarded?: { readonly topic: string; readonly groupId: string };
}

/** Reports are polled for this often while any is owed. */
const POLL_INTERVAL_MS = 1;
/** With nothing owed there are only errors and statistics to hear of: a process without work should cost next to nothing. */
const IDLE_POLL_INTERVAL_MS = 50;
const CONNECT_TIMEOUT_MS = 3000;
const CONNECT_RETRY_MS = 500;
const METADATA_REFRESH_MS = 30_000;
const RETRY_DELAY_MS = 20;
const GUARD_INTERVAL_MS = 50;
const DISCONNECT_LIMIT_MS = 2000;

export class EventProducer {
  readonly #options: ProducerOptions;
  readonly #broker = new BrokerWatch();
  readonly #partitionCounts = new Map<string, number>();
  readonly #backlog: Backlog | undefined;
  readonly #offsets: GroupOffsets | undefined;

  readonly #sinks: (DeliverySink | undefined)[];
  readonly #tokens: Float64Array;
  readonly #bytes: Int32Array;
  readonly #freeSlots: Int32Array;
  #freeCount: number;

  #client: Producer | undefined;
  #connected = false;
  #closed = false;
  #guardSeen = false;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Runs while reports are owed. */
  #reportPoll: NodeJS.Timeout | undefined;

  readonly #counts = { acknowledged: 0, failed: 0 };
  readonly #refusals: Record<Refusal, number> = { not_connected: 0, queue_full: 0, backlog_full: 0, too_large: 0 };

  /** Connects in the background and retries for ever. @throws HeliosError CONFIG_INVALID, NATIVE_MODULE_MISSING. */
  static start(options: ProducerOptions): EventProducer {
    const producer = new EventProducer(options);
    void producer.#connect(producer.#newClient());
    return producer;
  }

  private constructor(options: ProducerOptions) {
    this.#options = options;
    const capacity = options.kafka.queueMaxMessages;
    this.#sinks = Array.from<DeliverySink | undefined>({ length: capacity });
    this.#tokens = new Float64Array(capacity);
    this.#bytes = new Int32Array(capacity);
    this.#freeSlots = Int32Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
    this.#freeCount = capacity;
    if (options.guarded !== undefined && options.kafka.backlogMaxBytes > 0) {
      this.#backlog = new Backlog(options.kafka.backlogMaxBytes);
      this.#offsets = new GroupOffsets({ ...options.guarded, kafka: options.kafka, log: options.log });
    }
    this.#registerMetrics();
  }

  /** Events queued and not yet reported. */
  get inFlight(): number {
    return this.#sinks.length - this.#freeCount;
  }

  /** Milliseconds since a broker last showed life; Infinity before the first metadata. */
  brokerSilenceMs(): number {
    return this.#broker.silenceMs(performance.now());
  }

  /** Whether there is room for more work: connected, queue and guarded backlog below half their bounds. */
  hasRoom(): boolean {
    if (!this.#connected || this.inFlight * 2 > this.#sinks.length) return false;
    return this.#backlog === undefined || (this.#guardSeen && this.#backlog.roomy);
  }

  /**
   * Queues one event and returns null, or says why not. The value is copied before this returns, so a view on memory that is about to be
   * detached is fine. With null, `sink.delivered(token, ...)` follows exactly once.
   */
  produce(
    topic: string,
    key: string | Buffer | null,
    value: Buffer | null,
    headers: KafkaHeader[] | undefined,
    sink: DeliverySink,
    token: number,
  ): Refusal | null {
    if (!this.#connected || this.#client === undefined) return this.#refuse('not_connected');
    if (this.#freeCount === 0) return this.#refuse('queue_full');
    const partition = this.#partitionOf(topic, key);
    const guarded = this.#backlog !== undefined && topic === this.#options.guarded?.topic;
    const bytes = Backlog.sizeOf(key?.length ?? 0, value?.length ?? 0);
    if (guarded) {
      if (partition === null || !this.#guardSeen) return this.#refuse('not_connected');
      if (!this.#backlog.fits(partition, bytes)) return this.#refuse('backlog_full');
    }
    const slot = this.#freeSlots[this.#freeCount - 1] as number;
    try {
      this.#client.produce(topic, partition, value, key, undefined, slot, headers);
    } catch (error) {
      return this.#produceFailed(error as Error & { code?: number });
    }
    this.#freeCount--;
    this.#sinks[slot] = sink;
    this.#tokens[slot] = token;
    this.#bytes[slot] = guarded ? bytes : 0;
    if (guarded) this.#backlog.queued(partition as number, bytes);
    this.#reportPoll ??= setInterval(this.#pollReports, POLL_INTERVAL_MS).unref();
    return null;
  }

  /**
   * Sends events and resolves when every one is acknowledged: waits while the queue or the backlog is full and produces again what failed.
   * Rejects with DELIVERY_FAILED when `signal` aborts first (what was acknowledged by then stays so), and with EVENT_TOO_LARGE.
   */
  async sendAll(topic: string, events: readonly OutgoingEvent[], signal: AbortSignal): Promise<void> {
    let pending = events;
    while (pending.length > 0) {
      const failed = await this.#sendOnce(topic, pending, signal);
      if (failed.length > 0) await this.#pause(signal);
      pending = failed;
    }
  }

  /** Sends one event and resolves on the acknowledgement. Rejects with DELIVERY_FAILED when the broker gives none in time, or EVENT_TOO_LARGE. */
  async send(topic: string, key: string | Buffer | null, value: Buffer | null, headers?: KafkaHeader[]): Promise<void> {
    const deadline = AbortSignal.timeout(this.#options.messageTimeoutMs);
    await this.sendAll(topic, [{ key, value, headers }], deadline);
  }

  /** Flushes, waits for the delivery reports (at most `timeoutMs`) and disconnects. A second call does nothing. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const deadlineMonoMs = performance.now() + timeoutMs;
    const client = this.#client;
    if (client !== undefined && this.#connected) {
      await new Promise<void>((resolve) => client.flush(Math.max(1, timeoutMs), () => resolve()));
      // Reports reach JavaScript after the flush (a disconnect now would lose them): poll until none is owed.
      while (this.inFlight > 0 && performance.now() < deadlineMonoMs) await delay(2);
      if (this.inFlight > 0) this.#options.log.warn({ unreported: this.inFlight }, 'producer closed before all events were reported');
    }
    this.#connected = false;
    for (const timer of this.#timers) clearInterval(timer);
    clearInterval(this.#reportPoll);
    await this.#offsets?.close();
    if (client !== undefined) await disconnectProducer(client, DISCONNECT_LIMIT_MS);
  }

  #newClient(): Producer {
    const { kafka, clientId, messageTimeoutMs } = this.#options;
    return createProducerClient({
      kafka,
      clientId,
      messageTimeoutMs,
      broker: this.#broker,
      onReport: (error, report) => this.#reported(error, report),
      onError: (error) => this.#onError(error),
    });
  }

  async #connect(first: Producer): Promise<void> {
    const { log, kafka, clientId } = this.#options;
    let client = first;
    let told = false;
    while (!this.#closed) {
      const error = await connectClient(client, CONNECT_TIMEOUT_MS);
      if (error === null) {
        this.#client = client;
        this.#connected = !this.#closed;
        this.#broker.alive(performance.now());
        this.#startTimers(client);
        log.info({ brokers: kafka.brokers, clientId }, 'producer connected');
        return;
      }
      if (!told) log.error({ code: 'BROKER_UNREACHABLE', brokers: kafka.brokers, err: error }, 'broker unreachable, retrying');
      told = true;
      await delay(CONNECT_RETRY_MS);
      client = this.#newClient();
    }
  }

  #startTimers(client: Producer): void {
    const poll = setInterval(() => {
      if (client.isConnected()) client.poll();
    }, IDLE_POLL_INTERVAL_MS);
    const metadata = setInterval(() => this.#refreshMetadata(client), METADATA_REFRESH_MS);
    this.#timers.push(poll, metadata);
    for (const timer of this.#timers) timer.unref();
    this.#refreshMetadata(client);
    if (this.#offsets !== undefined) void this.#watchBacklog(this.#offsets);
  }

  readonly #pollReports = (): void => {
    if (this.#client?.isConnected() === true) this.#client.poll();
    if (this.inFlight > 0) return;
    clearInterval(this.#reportPoll);
    this.#reportPoll = undefined;
  };

  #refreshMetadata(client: Producer): void {
    client.getMetadata({ timeout: CONNECT_TIMEOUT_MS, allTopics: true }, (error, metadata) => {
      if (error || metadata === undefined) return;
      for (const topic of metadata.topics) {
        if (topic.partitions.length > 0) this.#partitionCounts.set(topic.name, topic.partitions.length);
      }
    });
  }

  async #watchBacklog(offsets: GroupOffsets): Promise<void> {
    const topic = this.#options.guarded?.topic ?? '';
    while (!this.#closed) {
      const partitionCount = this.#partitionCounts.get(topic);
      if (partitionCount !== undefined) {
        const seen = await offsets.read(partitionCount);
        for (const at of seen ?? []) this.#backlog?.observed(at.partition, at.committedOffset, at.lowOffset, at.highOffset);
        if (seen !== null) this.#guardSeen = true;
      }
      await delay(GUARD_INTERVAL_MS);
    }
  }

  #partitionOf(topic: string, key: string | Buffer | null): number | null {
    if (key === null) return null;
    const count = this.#partitionCounts.get(topic);
    return count === undefined ? null : partitionFor(key, count);
  }

  #reported(error: unknown, report: DeliveryReport): void {
    const slot = report.opaque as number;
    const sink = this.#sinks[slot];
    if (sink === undefined) throw new Error(`delivery report for slot ${slot}, which is free`);
    const token = this.#tokens[slot] as number;
    const bytes = this.#bytes[slot] as number;
    this.#sinks[slot] = undefined;
    this.#freeSlots[this.#freeCount++] = slot;
    if (error === null || error === undefined) {
      this.#counts.acknowledged++;
      if (bytes > 0) this.#backlog?.stored(report.partition, bytes, report.offset ?? 0);
      sink.delivered(token, null);
      return;
    }
    this.#counts.failed++;
    if (bytes > 0) this.#backlog?.failed(report.partition, bytes);
    const text = messageOf(error);
    sink.delivered(token, text);
    if (isFatal(text)) this.#fatal(text);
  }

  #produceFailed(error: Error & { code?: number }): Refusal {
    if (error.code === errorCodes.queueFull) return this.#refuse('queue_full');
    if (error.code === errorCodes.messageTooLarge) return this.#refuse('too_large');
    if (error.code === errorCodes.fatal || isFatal(error.message)) this.#fatal(error.message);
    else this.#options.log.error({ err: error.message, errorCode: error.code }, 'event refused by the producer');
    return this.#refuse('not_connected');
  }

  #onError(error: { message: string; code: number }): void {
    if (error.code === errorCodes.fatal || isFatal(error.message)) this.#fatal(error.message);
    else this.#options.log.debug({ err: error.message }, 'producer event');
  }

  #fatal(text: string): void {
    if (this.#closed) return;
    this.#connected = false;
    this.#options.onFatal(
      new HeliosError('PRODUCER_FATAL', `The Kafka producer failed for good: ${text}`, { clientId: this.#options.clientId }),
    );
  }

  #refuse(why: Refusal): Refusal {
    this.#refusals[why]++;
    return why;
  }

  async #sendOnce(topic: string, events: readonly OutgoingEvent[], signal: AbortSignal): Promise<OutgoingEvent[]> {
    const failed: OutgoingEvent[] = [];
    let owed = 0;
    let allQueued = false;
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const sink: DeliverySink = {
      delivered: (index, error) => {
        owed--;
        if (error !== null) failed.push(events[index] as OutgoingEvent);
        if (allQueued && owed === 0) finish();
      },
    };
    for (let index = 0; index < events.length; index++) {
      const event = events[index] as OutgoingEvent;
      for (;;) {
        const refusal = this.produce(topic, event.key, event.value, event.headers, sink, index);
        if (refusal === null) break;
        if (refusal === 'too_large') throw tooLarge(topic, event);
        await this.#pause(signal);
      }
      owed++;
    }
    allQueued = true;
    if (owed > 0) await finished;
    return failed;
  }

  /** Waits before another try. @throws HeliosError DELIVERY_FAILED when the caller gave up or the producer is closed. */
  async #pause(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) throw new HeliosError('DELIVERY_FAILED', 'The broker did not acknowledge the events in time.', {});
    await delay(RETRY_DELAY_MS);
  }

  #registerMetrics(): void {
    const { kafka, metrics } = this.#options;
    metrics.counter('helios_kafka_deliveries_total', 'Delivery reports by result.', () => this.#counts, 'result');
    metrics.counter('helios_kafka_refusals_total', 'Events not queued, by reason.', () => this.#refusals, 'reason');
    metrics.gauge('helios_kafka_produce_queue_messages', 'Events queued and not yet reported.', () => this.inFlight);
    metrics.gauge(
      'helios_kafka_produce_queue_limit_messages',
      'Bound of events queued and not yet reported: KAFKA_QUEUE_MAX_MESSAGES.',
      () => kafka.queueMaxMessages,
    );
    registerBrokerMetrics(metrics, this.#broker);
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    metrics.gauge('helios_kafka_backlog_bytes', 'Unconsumed bytes of the fullest partition written to.', () => backlog.maxPartitionBytes);
    metrics.gauge(
      'helios_kafka_backlog_limit_bytes',
      'Unconsumed bytes of a partition from which on nothing is taken: KAFKA_BACKLOG_MAX_BYTES.',
      () => kafka.backlogMaxBytes,
    );
  }
}

function tooLarge(topic: string, event: OutgoingEvent): HeliosError {
  const bytes = event.value?.length ?? 0;
  return new HeliosError('EVENT_TOO_LARGE', `An event of ${bytes} bytes for ${topic} is larger than Kafka takes.`, { topic, bytes });
}

function isFatal(text: string): boolean {
  return /fatal error/i.test(text);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
