import { type BidResponse, decodeBidResponse, eventFaultCodes } from '@helios/proto/events';
import { headerNames } from '@helios/proto/topics';
import { traceIdOf } from '@helios/proto/traceparent';
import { BatchConsumer, type ConsumedMessage } from '@helios/runtime/kafka/consumer';
import { acceptedAtUnixMs, carriedHeaders, headerText } from '@helios/runtime/kafka/headers';
import { DeadLetters, type GivenUp, sendLetters } from '@helios/runtime/kafka/dead-letters';
import { EventProducer, type OutgoingEvent, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { type Logger, LogSampler } from '@helios/runtime/log';
import { LatencyHistogram, type Metrics } from '@helios/runtime/metrics';
import type { RunningService, ServiceHost } from '@helios/runtime/service';
import { decide } from './decide.js';
import type { Market } from './market.js';
import { encodeOutcome } from './outcome.js';
import type { AuctionConfig } from './settings.js';

/**
 * Hop 3: `bid_responses` in, one outcome per bid on `auction_outcomes` out.
 * Invariant: a batch is done only when every outcome is acknowledged and its unusable messages are acknowledged in dead letters.
 * It decides by the bid, the seed and the configuration alone, never by the order or time of arrival.
 */

const MESSAGE_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 3000;

/** What the auction is built on; the fault tests put a faulty part in its place. */
export interface AuctionParts {
  readonly startProducer: (options: ProducerOptions) => EventProducer;
}

export const auctionParts: AuctionParts = { startProducer: (options) => EventProducer.start(options) };

/** Starts the auction role; it is ready once it has joined its group. */
export async function startAuction(host: ServiceHost<AuctionConfig>, parts: AuctionParts = auctionParts): Promise<RunningService> {
  const { config, log, metrics, health, fail } = host;
  const producer = parts.startProducer({
    kafka: config,
    clientId: 'helios-auction',
    log,
    metrics,
    messageTimeoutMs: MESSAGE_TIMEOUT_MS,
    onFatal: fail,
    guarded: { topic: config.auctionOutcomesTopic, groupId: config.readerGroupId },
  });
  const deadLetters = new DeadLetters({ producer, topic: config.deadLettersTopic, stage: 'auction', codes: eventFaultCodes, log, metrics });
  const auction = new Auction({ config, log, metrics, producer, deadLetters });
  const consumer = await BatchConsumer.start({
    kafka: config,
    groupId: config.groupId,
    topic: config.bidResponsesTopic,
    batchMaxMessages: config.batchMaxMessages,
    maxBatchesInFlight: config.maxBatchesInFlight,
    lingerMs: config.batchLingerMs,
    mayTake: () => producer.hasRoom(),
    handle: (batch, signal) => auction.handle(batch, signal),
    log,
    metrics,
    health,
    fail,
  });
  return {
    stop: async () => {
      await consumer.stop();
      await producer.close(CLOSE_TIMEOUT_MS);
    },
  };
}

interface Parts {
  readonly config: AuctionConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly producer: Pick<EventProducer, 'sendAll'>;
  readonly deadLetters: Pick<DeadLetters, 'send'>;
}

/** What a batch comes to, counted when it is acknowledged: a batch that is tried again counts once. */
interface Tally {
  wins: number;
  readonly acceptedAtUnixMs: number[];
}

/** What happens to one batch; apart from the wiring so that tests can drive it with parts of their own. */
export class Auction {
  readonly #parts: Parts;
  readonly #market: Market;
  readonly #sampler: LogSampler;
  readonly #outcomes = { won: 0, lost: 0 };
  readonly #stages = { decide: new LatencyHistogram(), publish: new LatencyHistogram() };
  readonly #acceptedToOutcome = new LatencyHistogram();
  #wins = 0;
  #invalid = 0;

  constructor(parts: Parts) {
    const { config, metrics } = parts;
    this.#parts = parts;
    this.#market = { medianUsd: config.marketMedianUsd, sigma: config.marketSigma, seed: config.seed };
    this.#sampler = new LogSampler(config.logSampleRate, config.logMaxPerSecond, Date.now, ['bid']);
    metrics.counter('helios_auctions_total', 'Auctions decided, by result.', () => this.#outcomes, 'result');
    metrics.counter('helios_auction_wins_total', 'Auctions won whose outcome is acknowledged; without test bids.', () => this.#wins);
    metrics.histogram(
      'helios_auction_stage_duration_seconds',
      'Time per batch by stage: decide, decoding, deciding and encoding; publish, until every outcome is acknowledged.',
      () => this.#stages,
      'stage',
    );
    metrics.histogram(
      'helios_accepted_to_outcome_seconds',
      'From the request accepted by ingest to an outcome acknowledged.',
      () => this.#acceptedToOutcome,
    );
    metrics.counter('helios_invalid_bid_responses_total', 'Messages that are no valid bid response.', () => this.#invalid);
    metrics.counter('helios_log_lines_left_out_total', 'Sampled log lines left out, by event.', () => this.#sampler.leftOut, 'event');
  }

  /** Decides the batch and resolves when everything that came of it is acknowledged. Rejects on outages only. */
  async handle(batch: readonly ConsumedMessage[], signal: AbortSignal): Promise<void> {
    const { config, deadLetters, producer } = this.#parts;
    const startedMonoMs = performance.now();
    const timestamp = new Date().toISOString();
    const outcomes: OutgoingEvent[] = [];
    const tally: Tally = { wins: 0, acceptedAtUnixMs: [] };
    const givenUp: GivenUp[] = [];
    for (const message of batch) {
      const source = message.value ?? Buffer.alloc(0);
      const decoded = decodeBidResponse(source);
      if (!decoded.ok) {
        this.#invalid++;
        givenUp.push({ message, code: decoded.code, detail: decoded.detail });
        continue;
      }
      outcomes.push(this.#decide(message, source, decoded.event, timestamp, tally));
    }
    const decidedMonoMs = performance.now();
    this.#stages.decide.observe((decidedMonoMs - startedMonoMs) / 1000);
    await sendLetters(deadLetters, givenUp);
    await producer.sendAll(config.auctionOutcomesTopic, outcomes, signal);
    this.#stages.publish.observe((performance.now() - decidedMonoMs) / 1000);
    this.#wins += tally.wins;
    this.#acceptedToOutcome.observeAges(tally.acceptedAtUnixMs, Date.now());
  }

  #decide(message: ConsumedMessage, source: Buffer, bid: BidResponse, timestamp: string, tally: Tally): OutgoingEvent {
    const decision = decide(bid, this.#market);
    if (decision.win_status) this.#outcomes.won++;
    else this.#outcomes.lost++;
    if (decision.win_status && !bid.test) tally.wins++;
    const headers = carriedHeaders(message);
    tally.acceptedAtUnixMs.push(acceptedAtUnixMs(headerText({ headers }, headerNames.acceptedAt)));
    const traceparent = headerText({ headers }, headerNames.traceparent);
    if (this.#sampler.shouldLog('bid', bid.bid_request_id, traceparent)) {
      const trace = { trace_id: traceIdOf(traceparent) ?? undefined, traceparent };
      this.#parts.log.info({ request_id: bid.bid_request_id, bid_id: bid.bid_id, ...trace, bid, decision }, 'auction decided');
    }
    return {
      key: message.key ?? bid.bid_request_id,
      value: encodeOutcome(source, bid, decision, timestamp),
      headers,
    };
  }
}
