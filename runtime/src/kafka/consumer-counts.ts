import type { Metrics } from '../metrics.js';
import type { LagWatch } from './lag-watch.js';

/** Why nothing is fetched: as many batches as may be at once are being handled, or what the service writes to has no room. */
export type HeldBackReason = 'batches_in_flight' | 'no_room';

/** What a consumer counts, in plain fields; read on scrape. */
export class ConsumerCounts {
  messages = 0;
  lost = 0;
  retries = 0;
  commitFailures = 0;
  rebalances = 0;
  readonly heldBackSeconds: Record<HeldBackReason, number> = { batches_in_flight: 0, no_room: 0 };

  register(
    metrics: Metrics,
    consumer: { batchesInFlight(): number; batchesInFlightMax: number; partitions(): number; lag: Pick<LagWatch, 'lag' | 'lagSeconds'> },
  ): void {
    metrics.counter('helios_consumed_messages_total', 'Messages taken from the topic.', () => this.messages);
    metrics.counter('helios_events_lost_total', 'Events that the broker dropped before they were consumed.', () => this.lost);
    metrics.counter('helios_batch_retries_total', 'Batches handled again after a fault.', () => this.retries);
    metrics.counter('helios_commit_failures_total', 'Offset commits that failed (tried again).', () => this.commitFailures);
    metrics.counter('helios_rebalances_total', 'Assignments and revocations of partitions.', () => this.rebalances);
    metrics.gauge('helios_consumer_batches_in_flight', 'Batches being handled.', () => consumer.batchesInFlight());
    metrics.gauge(
      'helios_consumer_batches_in_flight_limit',
      "Bound of batches being handled: the service's MAX_BATCHES_IN_FLIGHT.",
      () => consumer.batchesInFlightMax,
    );
    metrics.counter(
      'helios_consumer_held_back_seconds_total',
      'Time in which nothing was fetched, by reason: batches_in_flight, as many as may be were being handled; no_room, the next topic or its producer was full.',
      () => this.heldBackSeconds,
      'reason',
    );
    metrics.gauge('helios_consumer_partitions', 'Partitions assigned to this process.', () => consumer.partitions());
    metrics.gauge(
      'helios_consumer_lag_messages',
      'Messages not yet committed, per assigned partition.',
      () => consumer.lag.lag(),
      'partition',
    );
    metrics.gauge(
      'helios_consumer_lag_seconds',
      'Age of the oldest event that is not finished, per assigned partition; 0 when none waits.',
      () => consumer.lag.lagSeconds(Date.now()),
      'partition',
    );
  }
}
