import { LatencyHistogram, type Metrics } from '@helios/runtime/metrics';
import type { LogSampler } from '@helios/runtime/log';
import { type Outcome, outcomes } from './problem.js';

/** Edges of Helios' own share of a request: far below those of whole answers, with an edge at the goal of 1 ms. */
const ownEdgesSeconds = [0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.1] as const;

/** What the sampled lines of ingest are called, in the log and in `helios_log_lines_left_out_total`. */
export const logEvents = { accepted: 'bid request accepted', rejected: 'bid request rejected' } as const;

/** The counts of ingest, in plain fields that the registry reads when it is scraped. */
export class IngestMetrics {
  readonly requests = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  /** From handler entry to the end of the answer. */
  readonly processing = new LatencyHistogram();
  /** From handler entry (or the last piece of a body in pieces) until `produce` returned. */
  readonly beforeProduce = new LatencyHistogram(ownEdgesSeconds);
  /** From the delivery report until the answer was written. */
  readonly afterReport = new LatencyHistogram(ownEdgesSeconds);
  /** From `produce` returned until the delivery report, of requests that got their 202. */
  readonly ackWait = new LatencyHistogram();
  bodyBytes = 0;

  register(
    metrics: Metrics,
    sources: { inFlight(): number; inFlightMax: number; bodyMemoryBytes(): number; bodyMemoryMaxBytes: number; sampler: LogSampler },
  ): void {
    metrics.counter('bid_requests_total', 'Requests to the ingest port by what became of them.', () => this.requests, 'outcome');
    metrics.histogram(
      'request_processing_duration_seconds',
      'From the first look at a bid request to the end of its answer, whatever the answer.',
      () => this.processing,
    );
    metrics.histogram(
      'helios_ingest_own_seconds',
      "Helios' own share of an accepted request: before_produce from handler entry (the last piece of a body that came in pieces) until produce returned, after_report from the delivery report to the end of the answer.",
      () => ({ before_produce: this.beforeProduce, after_report: this.afterReport }),
      'part',
    );
    metrics.histogram(
      'helios_ingest_ack_wait_seconds',
      'From produce returned until the delivery report reached JavaScript, of accepted requests: what broker, network and librdkafka take.',
      () => this.ackWait,
    );
    metrics.gauge('helios_ingest_in_flight', 'Events whose delivery report is owed; bounded by INGEST_MAX_IN_FLIGHT.', () =>
      sources.inFlight(),
    );
    metrics.gauge('helios_ingest_in_flight_limit', 'INGEST_MAX_IN_FLIGHT.', () => sources.inFlightMax);
    metrics.gauge('helios_ingest_body_memory_bytes', 'Memory of half-received bodies; bounded by INGEST_BODY_MEMORY_MAX_BYTES.', () =>
      sources.bodyMemoryBytes(),
    );
    metrics.gauge('helios_ingest_body_memory_limit_bytes', 'INGEST_BODY_MEMORY_MAX_BYTES.', () => sources.bodyMemoryMaxBytes);
    metrics.counter('helios_ingest_body_bytes_total', 'Bytes of bodies handed to the producer, inflated.', () => this.bodyBytes);
    metrics.counter(
      'helios_log_lines_left_out_total',
      'Sampled log lines left out by LOG_SAMPLE_RATE or LOG_MAX_PER_SECOND.',
      () => Object.fromEntries(Object.values(logEvents).map((event) => [event, sources.sampler.leftOut.get(event) ?? 0])),
      'event',
    );
  }
}
