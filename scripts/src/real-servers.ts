import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { KNOWN_USERS } from './bid-request-mix.js';
import { databaseEnv, databaseLines, databaseServer, migration } from './database-part.js';
import { type Foundation, type Preparation, type ServerSpec, unlessSet } from './foundation.js';
import { bootstrapOf, type KafkaNode, replicationOf } from './kafka-properties.js';
import type { ServerPorts } from './server-ports.js';
import type { StartOptions } from './start-options.js';

/** What stands below `npm run stack`: Apache Kafka, Redis and PostgreSQL as processes of this machine, with their data kept. */

const STOP_LIMIT_MS = 10_500;
const HOST = '127.0.0.1';

/**
 * The servers that the environment does not name, on these ports.
 * @throws Error when the data folder holds a cluster of another size.
 */
export function realFoundation(options: StartOptions, ports: ServerPorts): Foundation {
  const { external, stateFolder } = options;
  const nodes = ports.kafka.map((node): KafkaNode => ({ ...node, advertised: node.client }));
  const kafka = external.kafka ? [] : kafkaServers(join(stateFolder, 'kafka'), nodes);
  const redis = external.redis ? [] : [redisServer(stateFolder, ports.redis)];
  const database = external.database ? [] : [databaseServer(stateFolder, ports.database)];
  const bootstrap = bootstrapOf(nodes, 'advertised');
  return {
    servers: [...kafka, ...redis, ...database],
    partsOf: (factsOf) => ({
      kafka: external.kafka ? {} : { KAFKA_BROKERS: bootstrap, KAFKA_SECURITY_PROTOCOL: 'plaintext', KAFKA_SSL_CA_LOCATION: '' },
      database: external.database ? {} : databaseEnv(factsOf),
      profiles: external.redis
        ? {}
        : {
            REDIS_HOST: HOST,
            REDIS_PORT: String(ports.redis),
            REDIS_USERNAME: '',
            REDIS_PASSWORD: '',
            REDIS_TLS: '0',
            REDIS_CA_LOCATION: '',
            ...unlessSet(options, { PROFILE_STORE: 'redis' }),
          },
    }),
    preparations: (parts) => [
      migration(options, parts.database),
      ...(external.kafka ? [] : [topics(options, parts.kafka)]),
      ...(external.redis ? [] : seeding(options, parts.profiles)),
    ],
    brokers: kafka.map((server) => server.name),
    drainPartitions: null,
    addressLines: (factsOf) => [
      ...(external.kafka ? [] : [`  Kafka      ${bootstrap}`]),
      ...(external.redis ? [] : [`  Redis      ${HOST}:${ports.redis}`]),
      ...(external.database ? [] : databaseLines(factsOf)),
    ],
    remarks: [`Data stays in ${stateFolder}; the next start goes on with it, on the same ports. Remove the folder to start afresh.`],
  };
}

function kafkaServers(folder: string, nodes: readonly KafkaNode[]): ServerSpec[] {
  const existing = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('node-')).length : 0;
  if (existing > 0 && existing !== nodes.length)
    throw new Error(`${folder} holds a cluster of ${existing} broker(s), not ${nodes.length}: choose another folder with --data.`);
  return nodes.map((_, index) => ({
    name: `kafka-${index + 1}`,
    title: nodes.length === 1 ? 'Apache Kafka' : `Apache Kafka ${index + 1}`,
    args: () => ['scripts/dist/kafka.js', '--data', folder, '--node', String(index + 1), '--nodes', JSON.stringify(nodes)],
    lossSentence: null,
    stopLimitMs: STOP_LIMIT_MS,
  }));
}

function redisServer(stateFolder: string, port: number): ServerSpec {
  return {
    name: 'redis',
    title: 'Redis',
    args: () => ['scripts/dist/redis.js', '--data', stateFolder, '--port', String(port)],
    lossSentence: null,
    stopLimitMs: STOP_LIMIT_MS,
  };
}

function topics(options: StartOptions, kafka: Readonly<Record<string, string>>): Preparation {
  const { replication, minInsync } = replicationOf(options.brokerCount);
  const copies = { KAFKA_TOPIC_REPLICATION: String(replication), KAFKA_TOPIC_MIN_INSYNC: String(minInsync) };
  return {
    name: 'topics',
    args: ['engine/dist/main.js', 'topics'],
    env: { ...options.env, ...kafka, ...unlessSet(options, copies) },
    failure: 'The topics could not be created',
  };
}

/** The users that the generated bid requests name get a profile; storing them again changes nothing. */
function seeding(options: StartOptions, profiles: Readonly<Record<string, string>>): Preparation[] {
  const count = options.env['PROFILE_MOCK_COUNT'] ?? String(KNOWN_USERS);
  if (Number(count) === 0) return [];
  return [
    {
      name: 'seed',
      args: ['profile-svc/dist/seed.js', '--count', count, '--seed', options.env['PROFILE_MOCK_SEED'] ?? '1'],
      env: { ...options.env, ...profiles },
      failure: 'The mock profiles could not be stored in Redis',
    },
  ];
}
