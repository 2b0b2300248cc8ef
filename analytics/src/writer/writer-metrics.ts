import { LatencyHistogram, type Metrics } from '@helios/runtime/metrics';
import type { OutcomeBatch } from './outcome-batch.js';

/** What the writer counts, in plain fields; read when the registry is scraped. */
export class WriterMetrics {
  readonly rows = { inserted: 0, duplicate: 0, conflicting: 0, expired: 0, dead_lettered: 0 };
  /** Test bids left out, as everywhere that bids are counted. */
  readonly outcomes = { true: 0, false: 0 };
  /** Rows past their retention that this process removed, and days that it folded. */
  removed = 0;
  folded = 0;
  readonly batchDuration = new LatencyHistogram();
  readonly stages = { read: new LatencyHistogram(), store: new LatencyHistogram() };
  readonly acceptedToRow = new LatencyHistogram();
  /** Integer micros of USD CPM: exact up to nine million dollars. */
  #winPriceMicros = 0;

  constructor(metrics: Metrics) {
    metrics.counter('helios_writer_rows_total', 'Outcomes by what became of them.', () => this.rows, 'result');
    metrics.counter(
      'helios_outcomes_total',
      'Outcomes stored anew, by whether the bid won; without test bids.',
      () => this.outcomes,
      'win',
    );
    metrics.counter('helios_writer_rows_removed_total', 'Outcomes past their retention that were removed.', () => this.removed);
    metrics.counter('helios_writer_days_folded_total', 'Days whose rollups were folded into sums of the day.', () => this.folded);
    metrics.histogram(
      'helios_writer_batch_duration_seconds',
      'From a batch taken to all its rows stored, waits included.',
      () => this.batchDuration,
    );
    metrics.histogram(
      'helios_writer_stage_duration_seconds',
      'Time per batch by stage: read, decoding, ordering and giving up what is no outcome; store, until all rows are stored, waits included.',
      () => this.stages,
      'stage',
    );
    metrics.counter(
      'helios_writer_spend_usd_total',
      'Spend of outcomes stored anew, in US dollars: clearing prices of wins (per 1,000 impressions) / 1,000; without test bids.',
      // Micros of a price for a thousand impressions: 10^6 x 10^3 make a dollar.
      () => this.#winPriceMicros / 1e9,
    );
    metrics.histogram('helios_accepted_to_row_seconds', 'From the request accepted by ingest to its row stored.', () => this.acceptedToRow);
  }

  /** Counts the row at `index` of `batch` as stored at `nowUnixMs`. */
  stored(batch: OutcomeBatch, index: number, nowUnixMs: number): void {
    this.rows.inserted++;
    const event = batch.events[index];
    if (event?.test === false) {
      this.outcomes[event.win_status ? 'true' : 'false']++;
      // As its column rounds it; a metric may, where money that is charged may not (proto/src/money.ts).
      if (event.win_status) this.#winPriceMicros += Math.round(event.win_price * 1e6);
    }
    const acceptedAtUnixMs = batch.acceptedAtUnixMs[index] ?? Number.NaN;
    // Two machines' clocks may differ by more than a bid takes.
    if (!Number.isNaN(acceptedAtUnixMs)) this.acceptedToRow.observe(Math.max(0, nowUnixMs - acceptedAtUnixMs) / 1000);
  }
}
