import { LatencyHistogram, type Metrics } from '@helios/runtime/metrics';
import type { LogSampler } from '@helios/runtime/log';
import type { PricingPool } from './pool.js';
import type { BidResult } from './worker-messages.js';

/** What the bidder counts; read on scrape. */
export class BidderMetrics {
  readonly #bids = { enriched: 0, plain: 0 };
  readonly #noBids = { unsupported_format: 0, no_size: 0, currency: 0, floor: 0 };
  readonly #lookups = { ok: 0, failed: 0, deadline: 0, rejected: 0, none: 0 };
  readonly #stages = { wait: new LatencyHistogram(), price: new LatencyHistogram(), publish: new LatencyHistogram() };
  /** Of each request that got a bid: from its acceptance by ingest until its bids were acknowledged. */
  readonly acceptedToBid = new LatencyHistogram();
  readonly #lookupSeconds = new LatencyHistogram();
  #requests = 0;
  #slots = 0;
  #faults = 0;
  #workerFailures = 0;
  #sampler: LogSampler | undefined;

  constructor(metrics: Metrics, pool: PricingPool) {
    metrics.counter('helios_bidder_requests_total', 'Bid requests priced or given up.', () => this.#requests);
    metrics.counter('helios_ad_slots_total', 'Ad slots of priced requests: bids and no-bids.', () => this.#slots);
    metrics.counter('helios_bids_total', 'Bids made, by enrichment.', () => this.#bids, 'profile');
    metrics.counter('helios_no_bids_total', 'Ad slots without a bid, by reason.', () => this.#noBids, 'reason');
    metrics.counter('helios_invalid_requests_total', 'Messages that are no valid bid request.', () => this.#faults);
    metrics.counter('helios_profile_rpc_total', 'Profile lookups, one a batch, by result.', () => this.#lookups, 'result');
    metrics.histogram('helios_profile_rpc_duration_seconds', 'Duration of profile lookups that were tried.', () => this.#lookupSeconds);
    metrics.gauge('helios_profile_breakers', 'Circuit breakers by state, one a worker.', () => pool.breakers(), 'state');
    metrics.counter('helios_profile_breaker_openings_total', 'Times that a circuit breaker opened.', () => pool.breakerOpenings());
    metrics.gauge('helios_bidder_batches_queued', 'Batches that wait for a worker thread.', () => pool.queued());
    metrics.counter('helios_worker_failures_total', 'Batches that failed in their worker.', () => this.#workerFailures);
    metrics.histogram(
      'helios_bidder_stage_duration_seconds',
      'Time per batch by stage: wait, for a worker thread and between the threads; price, parsing, pricing and encoding; publish, until every bid is acknowledged. Profile lookups have a metric of their own.',
      () => this.#stages,
      'stage',
    );
    metrics.histogram(
      'helios_accepted_to_bid_seconds',
      'From the request accepted by ingest to its bids acknowledged, per request with a bid.',
      () => this.acceptedToBid,
    );
    metrics.counter(
      'helios_log_lines_left_out_total',
      'Sampled log lines left out, by event.',
      () => this.#sampler?.leftOut ?? {},
      'event',
    );
  }

  watchSampler(sampler: LogSampler): void {
    this.#sampler = sampler;
  }

  /** @param elapsedMs from the batch handed over to its result. */
  priced(requests: number, result: BidResult, elapsedMs: number): void {
    this.#requests += requests;
    const { unsupported_format: unsupportedFormat, no_size: noSize, currency, floor } = result.noBids;
    this.#slots += result.ends.length + unsupportedFormat + noSize + currency + floor;
    this.#bids.enriched += result.enrichedBids;
    this.#bids.plain += result.ends.length - result.enrichedBids;
    this.#faults += result.faults.length;
    this.#noBids.unsupported_format += unsupportedFormat;
    this.#noBids.no_size += noSize;
    this.#noBids.currency += currency;
    this.#noBids.floor += floor;
    this.#lookups[result.lookup.result]++;
    if (result.lookup.result !== 'none' && result.lookup.result !== 'rejected')
      this.#lookupSeconds.observe(result.lookup.durationMs / 1000);
    this.#stages.price.observe(result.workMs / 1000);
    this.#stages.wait.observe(Math.max(0, elapsedMs - result.workMs - result.lookup.durationMs) / 1000);
  }

  /** @param acceptedAtUnixMs of the requests whose bids are acknowledged now; NaN where a message did not say. */
  published(durationMs: number, acceptedAtUnixMs: readonly number[]): void {
    this.#stages.publish.observe(durationMs / 1000);
    this.acceptedToBid.observeAges(acceptedAtUnixMs, Date.now());
  }

  workerFailed(): void {
    this.#workerFailures++;
  }
}
