import { decimalNumber, readFlags, UsageError, wholeNumber } from './cli.js';
import { everyVariable, serviceSchemas } from './service-schemas.js';

/** What `npm start` is asked to do: by flags, and by the same environment variables that the services read. */

export const START_HELP = `Usage: npm start [-- --traffic RATE] [--ingest N] [--logs] [--data DIR]

Runs the whole pipeline on this machine, every service as its own process: an embedded broker, an embedded PostgreSQL with its data in
.helios/, made-up user profiles in memory. KAFKA_BROKERS, REDIS_HOST or DB_HOST in the environment puts a server of yours in the place of
that part.

  --traffic RATE   generated bid requests per second that are sent to it (20; 0: none)
  --ingest N       ingest processes that share the port (1, at most 16)
  --logs           print the services' logs here too; they are always in .helios/logs/
  --data DIR       folder for data, logs and the lock (.helios)

Ports: INGEST_PORT, PROFILE_PORT, ANALYTICS_PORT, DASHBOARD_PORT; ADMIN_PORT is the first of the admin ports (9101 and up).
Ctrl-C stops it in order, a second Ctrl-C at once.
`;

export interface StartOptions {
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
export function readStartOptions(args: readonly string[], env: Env, defaultStateFolder: string): StartRequest {
  const { values, positionals } = readFlags(args, {
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
  const inherited = inheritable(env);
  const faults = environmentFaults(inherited);
  if (faults.length > 0) return { help: false, faults };
  const bindHost = inherited['BIND_HOST'] ?? '127.0.0.1';
  const options: StartOptions = {
    ingestCount,
    trafficPerSecond,
    printLogs: values.logs === true,
    stateFolder: values.data ?? defaultStateFolder,
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

/** A group id in the environment would join services that must not share one; the others are the launcher's own. Source: spec section 2.8. */
function inheritable(env: Env): Record<string, string> {
  const left = ['KAFKA_GROUP_ID', 'HELIOS_EXIT_WITH_PARENT'];
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && !left.includes(entry[0]));
  return Object.fromEntries(entries);
}

function environmentFaults(env: Env): string[] {
  const known = everyVariable();
  // Each service says what it knows; a fault of a variable that several share is one fault.
  const faults = new Set<string>();
  for (const schema of serviceSchemas) {
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
