import { KNOWN_USERS } from './bid-request-mix.js';
import { databaseEnv, databaseLines, databaseServer, migration } from './database-part.js';
import { type Env, type Foundation, type ServerSpec, unlessSet } from './foundation.js';
import { MOCK_PARTITIONS } from './mock-cluster.js';
import type { StartOptions } from './start-options.js';

/** The embedded default below `npm start`: librdkafka's mock cluster, an embedded PostgreSQL, made-up profiles in memory. */

/** Partitions of the mock cluster keep 5 MiB; nothing may fill one beyond 4. Source: spec section 6. */
const BACKLOG_MAX_BYTES = 4 * 1024 * 1024;
/** What one producer may add before it sees how far its siblings have come. */
const BACKLOG_MARGIN_BYTES = 512 * 1024;
const BROKER = 'broker';
const STOP_LIMIT_MS = 10_500;

const broker: ServerSpec = {
  name: BROKER,
  title: 'the embedded broker',
  args: () => ['scripts/dist/broker.js'],
  lossSentence:
    'It keeps events in memory only: what no service had read yet is lost. Start again, or run on a real Kafka with KAFKA_BROKERS.',
  stopLimitMs: STOP_LIMIT_MS,
};

/** What stands below the services of `npm start`, without the parts that the environment names. */
export function embeddedFoundation(options: StartOptions): Foundation {
  const { external, stateFolder } = options;
  const embedded = [
    ...(external.kafka ? [] : ['the broker']),
    ...(external.redis ? [] : ['the profile store']),
    ...(external.database ? [] : ['the database']),
  ];
  return {
    servers: [...(external.kafka ? [] : [broker]), ...(external.database ? [] : [databaseServer(stateFolder, null)])],
    partsOf: (factsOf) => ({
      kafka: external.kafka ? {} : mockClusterEnv(String(factsOf(BROKER)['bootstrap']), options),
      database: external.database ? {} : databaseEnv(factsOf),
      profiles: external.redis ? {} : { PROFILE_STORE: 'memory', ...unlessSet(options, { PROFILE_MOCK_COUNT: String(KNOWN_USERS) }) },
    }),
    preparations: (parts) => [migration(options, parts.database)],
    brokers: external.kafka ? [] : [BROKER],
    drainPartitions: external.kafka ? null : MOCK_PARTITIONS,
    addressLines: (factsOf) => (external.database ? [] : databaseLines(factsOf)),
    remarks:
      embedded.length === 0
        ? []
        : [
            `Embedded: ${embedded.join(', ')}. This is for trying out and developing${external.kafka ? '' : ': the embedded broker keeps events in memory only'}.`,
            'On real servers: npm run stack starts some here; KAFKA_BROKERS=host:9092 REDIS_HOST=host DB_HOST=host npm start uses yours (any of the three; docs/configuration.md lists the rest).',
          ],
  };
}

/** Settings that suit the mock cluster; what the user set stays, but for the address. */
export function mockClusterEnv(bootstrap: string, options: StartOptions): Env {
  const backlogMaxBytes = Math.max(1024 * 1024, BACKLOG_MAX_BYTES - BACKLOG_MARGIN_BYTES * options.ingestCount);
  return {
    ...unlessSet(options, {
      KAFKA_BACKLOG_MAX_BYTES: String(backlogMaxBytes),
      // The mock cluster answers a fetch that asks for more than there is after this time, whatever arrives meanwhile.
      KAFKA_FETCH_MIN_BYTES: '1',
      KAFKA_FETCH_WAIT_MAX_MS: '5',
      KAFKA_LINGER_MS: '1',
      KAFKA_SESSION_TIMEOUT_MS: '6000',
    }),
    KAFKA_BROKERS: bootstrap,
    KAFKA_SECURITY_PROTOCOL: 'plaintext',
    KAFKA_SSL_CA_LOCATION: '',
  };
}
