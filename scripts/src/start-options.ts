import { join } from 'node:path';
import { decimalNumber, readFlags, UsageError, wholeNumber } from './cli.js';
import { everyVariable, serviceSchemas } from './service-schemas.js';

/** What `npm start` or `npm run stack` is asked to do: by flags, and by the same environment variables that the services read. */

/** `start`: on embedded parts; `stack`: on real servers of this machine. */
export type StartCommand = 'start' | 'stack';

export const commandLine: Readonly<Record<StartCommand, string>> = { start: 'npm start', stack: 'npm run stack' };

const COMMON_HELP = `
  --traffic RATE   generated bid requests per second that are sent to it (20; 0: none)
  --ingest N       ingest processes that share the port (1, at most 16)
  --logs           print the logs here too; they are always in the data folder's logs/`;

const PORTS_HELP = `
Ports: INGEST_PORT, PROFILE_PORT, ANALYTICS_PORT, DASHBOARD_PORT; ADMIN_PORT is the first of the admin ports (9101 and up).
Ctrl-C stops it in order, a second Ctrl-C at once.
`;

export const startHelp: Readonly<Record<StartCommand, string>> = {
  start: `Usage: npm start [-- --traffic RATE] [--ingest N] [--logs] [--data DIR]

Runs the whole pipeline on this machine, every service as its own process: an embedded broker, an embedded PostgreSQL with its data in
.helios/, made-up user profiles in memory. KAFKA_BROKERS, REDIS_HOST or DB_HOST in the environment puts a server of yours in the place of
that part. npm run stack runs it on real servers.
${COMMON_HELP}
  --data DIR       folder for data, logs and the lock (.helios)
${PORTS_HELP}`,
  stack: `Usage: npm run stack [-- --brokers 1|3] [--traffic RATE] [--ingest N] [--logs] [--data DIR]

Runs the whole pipeline on real servers of this machine, every server and service as its own process: Apache Kafka (KRaft; needs Java 17 or
newer, and Maven for the first start), redis-server with seeded user profiles, PostgreSQL. They listen on free ports of 127.0.0.1, which
stay the same, and keep their data. The topics are created with KAFKA_TOPIC_PARTITIONS (12) and KAFKA_TOPIC_RETENTION_HOURS (72). A server
that ends is started again. KAFKA_BROKERS, REDIS_HOST or DB_HOST in the environment puts a server of yours in the place of that one, which
is then used as it is: without topics or profiles being made on it.

  --brokers N      Kafka brokers: 1, or 3 with replication 3 and min.insync.replicas 2 (1)${COMMON_HELP}
  --data DIR       folder for data, logs and the lock (.helios/stack; with three brokers .helios/stack-3-brokers)
${PORTS_HELP}`,
};

export interface StartOptions {
  readonly command: StartCommand;
  /** Kafka brokers that are started: 1 or 3. */
  readonly brokerCount: number;
  readonly ingestCount: number;
  /** Generated requests per second; 0 for none. */
  readonly trafficPerSecond: number;
  readonly printLogs: boolean;
  readonly stateFolder: string;
  /** Address that services bind to, and the one to reach them at from here. */
  readonly bindHost: string;
  readonly localHost: string;
  readonly ports: Readonly<Record<'ingest' | 'profile' | 'api' | 'dashboard' | 'firstAdmin', number>>;
  /** Parts that are servers of the user's. */
  readonly external: Readonly<Record<'kafka' | 'redis' | 'database', boolean>>;
  /** The environment that services inherit. */
  readonly env: Readonly<Record<string, string>>;
}

export type StartRequest =
  | { readonly help: true }
  | { readonly help: false; readonly options: StartOptions }
  | { readonly help: false; readonly faults: readonly string[] };

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads flags and environment. The environment is checked against every service's schema at once, so that all its faults come in one message.
 * @throws UsageError on a flag that cannot be used.
 */
export function readStartOptions(command: StartCommand, args: readonly string[], env: Env, defaultStateFolder: string): StartRequest {
  const { values, positionals } = readFlags(args, {
    brokers: { type: 'string' },
    traffic: { type: 'string' },
    ingest: { type: 'string' },
    logs: { type: 'boolean' },
    data: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) return { help: true };
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  const trafficPerSecond = decimalNumber('--traffic', values.traffic, 20, 0, 100_000);
  const ingestCount = wholeNumber('--ingest', values.ingest, 1, 1, 16);
  if (command === 'start' && values.brokers !== undefined) throw new UsageError('--brokers is for npm run stack.');
  const brokerCount = wholeNumber('--brokers', values.brokers, 1, 1, 3);
  if (brokerCount === 2) throw new UsageError('--brokers is "2": it accepts 1 or 3, two brokers have no majority when one is gone.');
  const inherited = inheritable(env);
  const faults = environmentFaults(command, inherited);
  if (faults.length > 0) return { help: false, faults };
  const bindHost = inherited['BIND_HOST'] ?? '127.0.0.1';
  const options: StartOptions = {
    command,
    brokerCount,
    ingestCount,
    trafficPerSecond,
    printLogs: values.logs === true,
    stateFolder: values.data ?? ownFolder(command, brokerCount, defaultStateFolder),
    bindHost,
    localHost: bindHost === '0.0.0.0' ? '127.0.0.1' : bindHost,
    ports: {
      ingest: Number(inherited['INGEST_PORT'] ?? 8080),
      profile: Number(inherited['PROFILE_PORT'] ?? 50_051),
      api: Number(inherited['ANALYTICS_PORT'] ?? 8000),
      dashboard: Number(inherited['DASHBOARD_PORT'] ?? 3000),
      firstAdmin: Number(inherited['ADMIN_PORT'] ?? 9101),
    },
    external: {
      kafka: inherited['KAFKA_BROKERS'] !== undefined,
      redis: inherited['REDIS_HOST'] !== undefined,
      database: inherited['DB_HOST'] !== undefined,
    },
    env: inherited,
  };
  return { help: false, options };
}

/** A cluster of another size is another cluster, with data of its own. */
function ownFolder(command: StartCommand, brokerCount: number, defaultStateFolder: string): string {
  if (command === 'start') return defaultStateFolder;
  return join(defaultStateFolder, brokerCount === 1 ? 'stack' : `stack-${brokerCount}-brokers`);
}

/** A group id in the environment would join services that must not share one; the others are the launcher's own. Source: spec section 2.8. */
function inheritable(env: Env): Record<string, string> {
  const left = ['KAFKA_GROUP_ID', 'HELIOS_EXIT_WITH_PARENT'];
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && !left.includes(entry[0]));
  return Object.fromEntries(entries);
}

function environmentFaults(command: StartCommand, env: Env): string[] {
  const known = everyVariable();
  // Each service says what it knows; a fault of a variable that several share is one fault.
  const faults = new Set<string>();
  for (const schema of serviceSchemas) {
    if (command === 'start' && schema.service === 'topics') continue; // the embedded broker has topics of its own kind
    for (const fault of schema.faults(withOwnAdminPort(schema.service, env), known)) faults.add(fault);
  }
  return [...faults];
}

/** The launcher counts admin ports up from ADMIN_PORT: only the first service meets the number as it stands. */
function withOwnAdminPort(service: string, env: Env): Env {
  if (service === 'ingest') return env;
  const { ADMIN_PORT: _, ...rest } = env;
  return rest;
}
