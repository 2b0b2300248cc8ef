import { groupDefaults, topicDefaults } from '@helios/proto/topics';
import { choice, type ConfigOf, decimal, hostPorts, integer, port, text } from './config.js';

/** Settings that every service has. `adminPort` is the service's own default. */
export const serviceSettings = (adminPort: number) => ({
  bindHost: text({ env: 'BIND_HOST', default: '127.0.0.1', effect: 'address that every listener of the service binds to' }),
  adminPort: port({
    env: 'ADMIN_PORT',
    default: adminPort,
    effect: 'port of /healthz, /readyz and /metrics; never route it to the outside',
  }),
  logLevel: choice({
    env: 'LOG_LEVEL',
    values: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    default: 'info',
    effect: 'least level that is logged',
  }),
  logSampleRate: decimal({
    env: 'LOG_SAMPLE_RATE',
    default: 1,
    min: 0,
    max: 1,
    unit: 'share',
    effect: 'share of requests whose steps are logged, chosen by a hash of the request id',
  }),
  logMaxPerSecond: integer({
    env: 'LOG_MAX_PER_SECOND',
    default: 50,
    min: 1,
    max: 100_000,
    unit: 'lines/s',
    effect: 'cap of sampled lines per process and event',
  }),
});

/** How a service reaches Kafka. */
export const kafkaSettings = {
  brokers: hostPorts({ env: 'KAFKA_BROKERS', default: '127.0.0.1:9092', effect: 'bootstrap addresses of the Kafka cluster' }),
  securityProtocol: choice({
    env: 'KAFKA_SECURITY_PROTOCOL',
    values: ['plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl'],
    default: 'plaintext',
    effect: 'transport to the brokers; with ssl their certificates and host names are checked',
  }),
  saslMechanism: choice({
    env: 'KAFKA_SASL_MECHANISM',
    values: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    default: 'SCRAM-SHA-512',
    effect: 'SASL mechanism, used by the sasl_ protocols',
  }),
  saslUsername: text({ env: 'KAFKA_SASL_USERNAME', default: '', effect: 'SASL user name' }),
  saslPassword: text({ env: 'KAFKA_SASL_PASSWORD', default: '', secret: true, effect: 'SASL password' }),
  sslCaLocation: text({
    env: 'KAFKA_SSL_CA_LOCATION',
    default: '',
    unit: 'path',
    effect: "PEM file with the certificate authority of the brokers; empty: the system's",
  }),
  bidRequestsTopic: topic('KAFKA_TOPIC_BID_REQUESTS', 'topic of accepted bid requests'),
  bidResponsesTopic: topic('KAFKA_TOPIC_BID_RESPONSES', 'topic of priced bids, one event per ad slot'),
  auctionOutcomesTopic: topic('KAFKA_TOPIC_AUCTION_OUTCOMES', 'topic of auction outcomes'),
  deadLettersTopic: topic('KAFKA_TOPIC_DEAD_LETTERS', 'topic of messages that no service could handle'),
  backlogMaxBytes: integer({
    env: 'KAFKA_BACKLOG_MAX_BYTES',
    default: 0,
    min: 0,
    max: 1_000_000_000_000,
    unit: 'bytes a partition',
    effect:
      'stop taking before the unconsumed backlog of the topic written grows past this; 0 turns the guard off (real Kafka keeps by time)',
  }),
  lingerMs: integer({
    env: 'KAFKA_LINGER_MS',
    default: 3,
    min: 0,
    max: 1000,
    unit: 'ms',
    effect: 'how long the producer waits to fill a batch',
  }),
  queueMaxMessages: integer({
    env: 'KAFKA_QUEUE_MAX_MESSAGES',
    default: 100_000,
    min: 100,
    max: 10_000_000,
    unit: 'messages',
    effect: 'bound of unacknowledged events in the producer',
  }),
  queueMaxKbytes: integer({
    env: 'KAFKA_QUEUE_MAX_KBYTES',
    default: 65_536,
    min: 1024,
    max: 2_097_151,
    unit: 'KiB',
    effect: 'bound of the memory that they take',
  }),
  fetchMinBytes: integer({
    env: 'KAFKA_FETCH_MIN_BYTES',
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'bytes',
    effect: 'the broker holds a fetch until so much waits, or KAFKA_FETCH_WAIT_MAX_MS is over: fewer, fuller answers; 1 answers at once',
  }),
  fetchWaitMaxMs: integer({
    env: 'KAFKA_FETCH_WAIT_MAX_MS',
    default: 20,
    min: 1,
    max: 5000,
    unit: 'ms',
    effect: 'how long the broker may hold a fetch',
  }),
  sessionTimeoutMs: integer({
    env: 'KAFKA_SESSION_TIMEOUT_MS',
    default: 10_000,
    min: 3000,
    max: 300_000,
    unit: 'ms',
    effect: 'a consumer silent for this long loses its partitions',
  }),
  maxPollIntervalMs: integer({
    env: 'KAFKA_MAX_POLL_INTERVAL_MS',
    default: 300_000,
    min: 1000,
    max: 3_600_000,
    unit: 'ms',
    effect: 'a consumer that does not poll for this long loses its partitions',
  }),
} as const;

/** The consumer group; each service has its own default, so it never stands in a configuration that services share. */
export const groupSetting = (service: keyof typeof groupDefaults) =>
  text({ env: 'KAFKA_GROUP_ID', default: groupDefaults[service], effect: 'consumer group of this service; give it to one service only' });

/** How long an outcome's id is known: the writer drops what is older, and topics may not keep events for as long. Source: spec section 2.6. */
export const retentionDaysSetting = integer({
  env: 'RETENTION_DAYS',
  default: 90,
  min: 1,
  max: 3650,
  unit: 'days',
  effect: 'identity window: outcomes that are older when they arrive are dropped and counted; topics must keep less than this',
});

/** Combinations of Kafka settings that cannot work, as sentences. */
export function kafkaFaults(
  config: Pick<ConfigOf<typeof kafkaSettings>, 'securityProtocol' | 'saslUsername' | 'saslPassword' | 'sslCaLocation'>,
): string[] {
  const { securityProtocol, saslUsername, saslPassword, sslCaLocation } = config;
  const faults: string[] = [];
  if (sslCaLocation !== '' && !securityProtocol.endsWith('ssl'))
    faults.push(`KAFKA_SSL_CA_LOCATION is set: it is used with KAFKA_SECURITY_PROTOCOL=ssl or sasl_ssl only, not ${securityProtocol}.`);
  if (!securityProtocol.startsWith('sasl_')) return faults;
  if (saslUsername === '') faults.push(`KAFKA_SASL_USERNAME is empty: KAFKA_SECURITY_PROTOCOL=${securityProtocol} needs it.`);
  if (saslPassword === '') faults.push(`KAFKA_SASL_PASSWORD is empty: KAFKA_SECURITY_PROTOCOL=${securityProtocol} needs it.`);
  return faults;
}

function topic(env: keyof typeof topicDefaults, effect: string) {
  return text({
    env,
    default: topicDefaults[env],
    pattern: /^[A-Za-z0-9._-]{1,249}$/,
    accepts: 'a topic name: letters, digits, ".", "_" and "-"',
    effect,
  });
}
