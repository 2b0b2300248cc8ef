import { groupDefaults } from '@helios/proto/topics';
import { type ConfigOf, flag, integer, port, text } from '@helios/runtime/config';
import { kafkaFaults, kafkaSettings, serviceSettings } from '@helios/runtime/settings';

/** What the environment of `engine ingest` sets. Source: spec sections 2.7 and 2.8. */
export const ingestSettings = {
  ...serviceSettings(9101),
  ...kafkaSettings,
  ingestPort: port({ env: 'INGEST_PORT', default: 8080, effect: 'port of POST /bid' }),
  sharedPort: flag({
    env: 'INGEST_SHARED_PORT',
    default: false,
    effect: 'let sibling processes listen on INGEST_PORT too (SO_REUSEPORT); 0 makes a taken port a fault',
  }),
  // Drained, refused and accepted bodies all stay under the Kafka message limit that brokers and librdkafka have by default (1 MB).
  maxBodyBytes: integer({
    env: 'INGEST_MAX_BODY_BYTES',
    default: 262_144,
    min: 1024,
    max: 921_600,
    unit: 'bytes',
    effect: 'largest body that is taken, inflated if it came gzipped; a larger one is answered 413',
  }),
  bodyMemoryMaxBytes: integer({
    env: 'INGEST_BODY_MEMORY_MAX_BYTES',
    default: 67_108_864,
    min: 1_048_576,
    max: 17_179_869_184,
    unit: 'bytes',
    effect: 'bound of the memory that half-received bodies take together; over it requests are answered 503',
  }),
  maxInFlight: integer({
    env: 'INGEST_MAX_IN_FLIGHT',
    default: 20_000,
    min: 1,
    max: 1_000_000,
    unit: 'requests',
    effect: 'requests that wait for the delivery report of the broker; over it requests are answered 503',
  }),
  // The upper bound leaves a stop its 10 s: what is in flight is waited for, then flushed.
  ackTimeoutMs: integer({
    env: 'INGEST_ACK_TIMEOUT_MS',
    default: 2000,
    min: 50,
    max: 6000,
    unit: 'ms',
    effect: 'a request without the acknowledgement of the broker after this long is answered 503',
  }),
  readerGroupId: text({
    env: 'INGEST_READER_GROUP_ID',
    default: groupDefaults.bidder,
    effect: 'consumer group whose backlog KAFKA_BACKLOG_MAX_BYTES bounds: the KAFKA_GROUP_ID of the bidder',
  }),
} as const;

export type IngestConfig = ConfigOf<typeof ingestSettings>;

/** Combinations that cannot work, as sentences. */
export function ingestFaults(config: IngestConfig): string[] {
  const faults = kafkaFaults(config);
  if (config.queueMaxMessages < config.maxInFlight) {
    faults.push(
      `KAFKA_QUEUE_MAX_MESSAGES is ${config.queueMaxMessages}, below INGEST_MAX_IN_FLIGHT (${config.maxInFlight}): every request in flight takes a place in that queue.`,
    );
  }
  if (config.queueMaxKbytes * 1024 < config.maxBodyBytes) {
    faults.push(
      `KAFKA_QUEUE_MAX_KBYTES is ${config.queueMaxKbytes}, less than one body of INGEST_MAX_BODY_BYTES (${config.maxBodyBytes} bytes).`,
    );
  }
  if (config.bodyMemoryMaxBytes < config.maxBodyBytes) {
    faults.push(
      `INGEST_BODY_MEMORY_MAX_BYTES is ${config.bodyMemoryMaxBytes}, less than one body of INGEST_MAX_BODY_BYTES (${config.maxBodyBytes} bytes).`,
    );
  }
  if (config.ingestPort === config.adminPort) {
    faults.push(`INGEST_PORT and ADMIN_PORT are both ${config.ingestPort}: the admin port needs a number of its own.`);
  }
  return faults;
}
