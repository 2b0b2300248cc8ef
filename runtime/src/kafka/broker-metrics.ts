import type { Metrics } from '../metrics.js';
import type { BrokerWatch } from './client.js';

/** How the brokers answer a producer: a consumer's requests wait at the broker for messages, so theirs would say nothing. */
export function registerBrokerMetrics(metrics: Metrics, broker: BrokerWatch): void {
  metrics.gauge('helios_kafka_connected', '1 when a broker showed life within 10 s.', () =>
    broker.silenceMs(performance.now()) < 10_000 ? 1 : 0,
  );
  metrics.gauge('helios_kafka_brokers_up', 'Brokers that the producer has a connection to.', () => broker.up);
  metrics.gauge(
    'helios_kafka_broker_round_trip_seconds',
    'From a request of the producer sent to its answer, over the last second with answers.',
    () => broker.roundTripSeconds,
    'statistic',
  );
  metrics.counter(
    'helios_kafka_request_troubles_total',
    'Requests of the producer that were sent again, or given up for lack of an answer.',
    () => broker.troubles,
    'kind',
  );
}
