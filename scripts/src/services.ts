import { allocatorEnv } from './service-memory.js';
import { type Parts, unlessSet } from './foundation.js';
import type { StartOptions } from './start-options.js';

/** The launcher's table of services: what runs, with which environment, on which ports, and in which order it stops. Pure. */

export type Role = 'ingest' | 'bidder' | 'auction' | 'writer' | 'api' | 'profile-svc' | 'dashboard';

export interface ServiceSpec {
  readonly name: string;
  readonly role: Role;
  /** The program's file and arguments, relative to the project's folder. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly adminPort: number;
  /** The port it serves and the variable that sets it; null for services that only consume. */
  readonly port: { readonly number: number; readonly variable: string } | null;
}

/** Admin ports of further ingest processes count up from here, after those of all roles. */
const SIBLING_ADMIN_OFFSET = 10;

/** The services in the order in which they stop, so that what one hop has taken the next one still handles. */
export function serviceTable(options: StartOptions, parts: Parts): ServiceSpec[] {
  const base = { ...options.env, ...unlessSet(options, allocatorEnv), HELIOS_EXIT_WITH_PARENT: '1' };
  const { kafka, database } = parts;
  const { ports } = options;
  const consumer = (role: Role, args: readonly string[], adminOffset: number, env: Record<string, string>): ServiceSpec => ({
    name: role,
    role,
    args,
    env: { ...base, ...kafka, ...env, ADMIN_PORT: String(ports.firstAdmin + adminOffset) },
    adminPort: ports.firstAdmin + adminOffset,
    port: null,
  });
  const serving = (
    role: Role,
    args: readonly string[],
    adminOffset: number,
    variable: string,
    number: number,
    env: Record<string, string>,
  ): ServiceSpec => ({
    ...consumer(role, args, adminOffset, { ...env, [variable]: String(number) }),
    port: { number, variable },
  });
  const apiUrl = `http://${options.localHost}:${ports.api}`;
  return [
    ...ingests(options, (adminOffset, shared) =>
      serving('ingest', ['engine/dist/main.js', 'ingest'], adminOffset, 'INGEST_PORT', ports.ingest, shared),
    ),
    consumer(
      'bidder',
      ['engine/dist/main.js', 'bidder'],
      1,
      unlessSet(options, { USER_PROFILE_SVC_ADDR: `${options.localHost}:${ports.profile}` }),
    ),
    consumer('auction', ['engine/dist/main.js', 'auction'], 2, {}),
    consumer('writer', ['analytics/dist/main.js', 'writer'], 4, database),
    serving('api', ['analytics/dist/main.js', 'api'], 5, 'ANALYTICS_PORT', ports.api, {
      ...database,
      ...unlessSet(options, {
        ANALYTICS_CORS_ORIGINS: `http://${options.localHost}:${ports.dashboard},http://localhost:${ports.dashboard}`,
      }),
    }),
    serving('profile-svc', ['profile-svc/dist/main.js'], 3, 'PROFILE_PORT', ports.profile, parts.profiles),
    serving(
      'dashboard',
      ['dashboard/dist/server/main.js'],
      6,
      'DASHBOARD_PORT',
      ports.dashboard,
      unlessSet(options, { ANALYTICS_API_URL: apiUrl }),
    ),
  ];
}

/** Every port that must be free, with the variable that moves it. */
export function portsNeeded(table: readonly ServiceSpec[]): { port: number; variable: string; of: string }[] {
  const served = table.flatMap((service) =>
    service.port === null ? [] : [{ port: service.port.number, variable: service.port.variable, of: service.name }],
  );
  const admin = table.map((service) => ({ port: service.adminPort, variable: 'ADMIN_PORT', of: `the admin port of ${service.name}` }));
  // Ingest processes share their port: it is needed once.
  return [...served, ...admin].filter(
    (need, index, all) => all.findIndex((other) => other.port === need.port && other.variable === need.variable) === index,
  );
}

function ingests(options: StartOptions, specOf: (adminOffset: number, env: Record<string, string>) => ServiceSpec): ServiceSpec[] {
  if (options.ingestCount === 1) return [specOf(0, {})];
  return Array.from({ length: options.ingestCount }, (_, index) => ({
    ...specOf(index === 0 ? 0 : SIBLING_ADMIN_OFFSET + index - 1, { INGEST_SHARED_PORT: '1' }),
    name: `ingest-${index + 1}`,
  }));
}
