import { requestFaultCodes } from '@helios/proto/request-fault';
import { headerNames } from '@helios/proto/topics';
import { traceIdOf, TRACED_USERS_MAX } from '@helios/proto/traceparent';
import type { RunningService, ServiceHost } from '@helios/runtime/service';
import { messageOf } from '@helios/runtime/errors';
import type { KafkaHeader } from '@helios/runtime/kafka/client';
import { BatchConsumer, type ConsumedMessage } from '@helios/runtime/kafka/consumer';
import { acceptedAtUnixMs, carriedHeaders, headerText } from '@helios/runtime/kafka/headers';
import { DeadLetters, sendLetters } from '@helios/runtime/kafka/dead-letters';
import { EventProducer, type OutgoingEvent, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { type Logger, LogSampler } from '@helios/runtime/log';
import { BidderMetrics } from './metrics.js';
import { createPool, type PricingPool } from './pool.js';
import { PricingGate } from './pricing-gate.js';
import type { BidderConfig } from './settings.js';
import { type BidResult, packMessages, type TracedMessage } from './worker-messages.js';

/**
 * Hop 2: `bid_requests` in, one bid response per priced slot on `bid_responses` out.
 * Invariant: a batch is done only when all its bids are acknowledged and its unusable messages are acknowledged in dead letters.
 * It never drops a request because enrichment failed, and never lets one message hold up a partition.
 */

/** An event without an ack after this long is produced again. */
const MESSAGE_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 3000;

/** What the bidder is built on; the fault tests put a faulty part in its place. */
export interface BidderParts {
  readonly startProducer: (options: ProducerOptions) => EventProducer;
  readonly createPool: (config: BidderConfig, log: Logger) => PricingPool;
}

export const bidderParts: BidderParts = { startProducer: (options) => EventProducer.start(options), createPool };

/** Starts the bidder role; it is ready once its workers run and it has joined its group. */
export async function startBidder(host: ServiceHost<BidderConfig>, parts: BidderParts = bidderParts): Promise<RunningService> {
  const { config, log, metrics, health, fail } = host;
  const producer = parts.startProducer({
    kafka: config,
    clientId: 'helios-bidder',
    log,
    metrics,
    messageTimeoutMs: MESSAGE_TIMEOUT_MS,
    onFatal: fail,
    guarded: { topic: config.bidResponsesTopic, groupId: config.readerGroupId },
  });
  const pool = parts.createPool(config, log);
  // A worker that cannot start is found here, not by the first batch.
  await pool.price(packMessages([], []));
  const bidder = new Bidder({
    config,
    log,
    pool,
    producer,
    deadLetters: new DeadLetters({
      producer,
      topic: config.deadLettersTopic,
      stage: 'bidder',
      codes: [...requestFaultCodes, 'worker_failed'],
      log,
      metrics,
    }),
    counts: new BidderMetrics(metrics, pool),
  });
  const consumer = await BatchConsumer.start({
    kafka: config,
    groupId: config.groupId,
    topic: config.bidRequestsTopic,
    batchMaxMessages: config.batchMaxMessages,
    maxBatchesInFlight: config.maxBatchesInFlight,
    lingerMs: config.batchLingerMs,
    mayTake: () => producer.hasRoom(),
    handle: (batch, signal) => bidder.handle(batch, signal),
    log,
    metrics,
    health,
    fail,
  });
  return {
    stop: async () => {
      await consumer.stop();
      await producer.close(CLOSE_TIMEOUT_MS);
      await pool.close();
    },
  };
}

interface Parts {
  readonly config: BidderConfig;
  readonly log: Logger;
  readonly pool: PricingPool;
  readonly producer: Pick<EventProducer, 'sendAll'>;
  readonly deadLetters: Pick<DeadLetters, 'send'>;
  readonly counts: BidderMetrics;
}

/** What happens to one batch; apart from the wiring so that tests can drive it with parts of their own. */
export class Bidder {
  readonly #parts: Parts;
  readonly #sampler: LogSampler;
  readonly #gate = new PricingGate();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sampler = new LogSampler(parts.config.logSampleRate, parts.config.logMaxPerSecond, Date.now, ['bid_request']);
    parts.counts.watchSampler(this.#sampler);
  }

  /** Prices the batch and resolves when everything that came of it is acknowledged. Rejects on outages only; nothing is lost by trying again. */
  handle(batch: readonly ConsumedMessage[], signal: AbortSignal): Promise<void> {
    return this.#handle(batch, signal, (task) => this.#gate.beside(() => this.#parts.pool.price(task)));
  }

  async #handle(batch: readonly ConsumedMessage[], signal: AbortSignal, price: PricingPool['price']): Promise<void> {
    const { counts } = this.#parts;
    const startedMonoMs = performance.now();
    const { logged, traced } = this.#chooseLogged(batch);
    let result: BidResult;
    try {
      result = await price(
        packMessages(
          batch.map((message) => message.value),
          logged,
          traced,
        ),
      );
    } catch (error) {
      return this.#handleDeadly(batch, messageOf(error), signal);
    }
    counts.priced(batch.length, result, performance.now() - startedMonoMs);
    this.#log(batch, result);
    await this.#publish(batch, result, signal);
  }

  /**
   * The batch killed its worker, or was under way beside one that did. Halving it, with nothing beside it, finds the message that does:
   * by itself, it gets a second chance, and after that it is dead-lettered, so that it costs its neighbours a retry and nothing else.
   * Source: spec section 5.
   */
  async #handleDeadly(batch: readonly ConsumedMessage[], why: string, signal: AbortSignal): Promise<void> {
    const { counts, deadLetters, log, pool } = this.#parts;
    const priceAlone: PricingPool['price'] = (task) => this.#gate.alone(() => pool.price(task));
    counts.workerFailed();
    log.error({ err: why, messages: batch.length }, 'batch failed in its worker, dividing it');
    if (batch.length > 1) {
      const middle = batch.length >> 1;
      await this.#handle(batch.slice(0, middle), signal, priceAlone);
      return this.#handle(batch.slice(middle), signal, priceAlone);
    }
    const message = batch[0] as ConsumedMessage;
    const startedMonoMs = performance.now();
    let result: BidResult;
    try {
      result = await priceAlone(packMessages([message.value], []));
    } catch (error) {
      counts.workerFailed();
      // Blame the message only where a worker without it works: a pool that cannot work at all is an outage, and gives nothing up.
      await priceAlone(packMessages([], []));
      return deadLetters.send(message, 'worker_failed', `The message failed its worker twice: ${messageOf(error)}`);
    }
    counts.priced(1, result, performance.now() - startedMonoMs);
    await this.#publish(batch, result, signal);
  }

  async #publish(batch: readonly ConsumedMessage[], result: BidResult, signal: AbortSignal): Promise<void> {
    const { config, counts, deadLetters, producer } = this.#parts;
    const startedMonoMs = performance.now();
    await sendLetters(
      deadLetters,
      result.faults.map(({ index, code, detail }) => ({ message: batch[index] as ConsumedMessage, code, detail })),
    );
    const acceptedAt: number[] = [];
    await producer.sendAll(config.bidResponsesTopic, outgoing(batch, result, acceptedAt), signal);
    counts.published(performance.now() - startedMonoMs, acceptedAt);
  }

  /** The messages that the sample lets through, and those of them that belong to a trace. */
  #chooseLogged(batch: readonly ConsumedMessage[]): { logged: number[]; traced: TracedMessage[] } {
    const logged: number[] = [];
    const traced: TracedMessage[] = [];
    for (let index = 0; index < batch.length; index++) {
      const message = batch[index] as ConsumedMessage;
      const requestId = message.key === null ? '' : message.key.toString('utf8');
      const traceparent = headerText(message, headerNames.traceparent);
      if (!this.#sampler.shouldLog('bid_request', requestId, traceparent)) continue;
      logged.push(index);
      if (traceparent !== undefined && traced.length < TRACED_USERS_MAX) traced.push({ index, traceparent });
    }
    return { logged, traced };
  }

  #log(batch: readonly ConsumedMessage[], result: BidResult): void {
    for (const { index, requestId, profile, bidIds, noBids } of result.logs) {
      const message = batch[index] as ConsumedMessage;
      const traceparent = headerText(message, headerNames.traceparent);
      this.#parts.log.info(
        {
          request_id: requestId,
          trace_id: traceIdOf(traceparent) ?? undefined,
          partition: message.partition,
          offset: message.offset,
          traceparent,
          bid_request: JSON.parse(String(message.value)) as unknown,
          enriched_profile: { profile },
          bid_ids: bidIds,
          no_bids: noBids,
        },
        'bid request received',
      );
    }
  }
}

/** The bids as events: keyed like their request, carrying its headers on. Adds when each request with a bid was accepted to `acceptedAt`. */
function outgoing(batch: readonly ConsumedMessage[], result: BidResult, acceptedAt: number[]): OutgoingEvent[] {
  const events: OutgoingEvent[] = [];
  let start = 0;
  let source = -1;
  let headers: KafkaHeader[] = [];
  for (let bid = 0; bid < result.ends.length; bid++) {
    const end = result.ends[bid] as number;
    const message = batch[result.sources[bid] as number] as ConsumedMessage;
    if (source !== result.sources[bid]) {
      source = result.sources[bid] as number;
      headers = carriedHeaders(message);
      acceptedAt.push(acceptedAtUnixMs(headerText({ headers }, headerNames.acceptedAt)));
    }
    const value = Buffer.from(result.bytes, start, end - start);
    events.push({ key: message.key ?? requestIdOf(value), value, headers });
    start = end;
  }
  return events;
}

/** A request that came without a key (from another producer) is keyed by its id from here on. */
function requestIdOf(value: Buffer): string {
  return (JSON.parse(value.toString('utf8')) as { bid_request_id: string }).bid_request_id;
}
