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
  readonly acceptedToRow = new LatencyHistogram();

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
    metrics.histogram('helios_accepted_to_row_seconds', 'From the request accepted by ingest to its row stored.', () => this.acceptedToRow);
  }

  /** Counts the row at `index` of `batch` as stored at `nowUnixMs`. */
  stored(batch: OutcomeBatch, index: number, nowUnixMs: number): void {
    this.rows.inserted++;
    const event = batch.events[index];
    if (event?.test === false) this.outcomes[event.win_status ? 'true' : 'false']++;
    const acceptedAtUnixMs = batch.acceptedAtUnixMs[index] ?? Number.NaN;
    // Two machines' clocks may differ by more than a bid takes.
    if (!Number.isNaN(acceptedAtUnixMs)) this.acceptedToRow.observe(Math.max(0, nowUnixMs - acceptedAtUnixMs) / 1000);
  }
}
