import { apiFaults, apiSettings } from '@helios/analytics/api/settings';
import { migrateSettings } from '@helios/analytics/migrate';
import { writerFaults, writerSettings } from '@helios/analytics/writer/settings';
import { dashboardSettings } from '@helios/dashboard/server/settings';
import { auctionFaults, auctionSettings } from '@helios/engine/auction/settings';
import { bidderFaults, bidderSettings } from '@helios/engine/bidder/settings';
import { ingestFaults, ingestSettings } from '@helios/engine/ingest/settings';
import { topicsFaults, topicsSettings } from '@helios/engine/topics/settings';
import { profileSettings, redisFaults } from '@helios/profile-svc/settings';
import { type ConfigOf, type Field, loadConfig, type Schema } from '@helios/runtime/config';
import { HeliosError } from '@helios/runtime/errors';

/** The environment of every service in one place: what `docs/configuration.md` is made from and what the launcher checks before it starts anything. */

export interface ServiceSchema {
  readonly service: string;
  /** How the service is started, as one types it. */
  readonly command: string;
  readonly schema: Schema;
  /** Every fault of an environment for this service, as sentences. */
  readonly faults: (env: Readonly<Record<string, string | undefined>>, knownVariables: readonly string[]) => string[];
}

/** In the order in which a bid meets them. */
export const serviceSchemas: readonly ServiceSchema[] = [
  described('ingest', 'node engine/dist/main.js ingest', ingestSettings, ingestFaults),
  described('bidder', 'node engine/dist/main.js bidder', bidderSettings, bidderFaults),
  described('profile-svc', 'node profile-svc/dist/main.js', profileSettings, redisFaults),
  described('auction', 'node engine/dist/main.js auction', auctionSettings, auctionFaults),
  described('topics', 'node engine/dist/main.js topics', topicsSettings, topicsFaults),
  described('migrate', 'node analytics/dist/main.js migrate', migrateSettings),
  described('writer', 'node analytics/dist/main.js writer', writerSettings, writerFaults),
  described('api', 'node analytics/dist/main.js api', apiSettings, apiFaults),
  described('dashboard', 'node dashboard/dist/server/main.js', dashboardSettings),
];

/** Every variable that some service knows, sorted, once each. */
export function everyVariable(): string[] {
  const names = serviceSchemas.flatMap((service) => Object.values(service.schema).map((field) => field.env));
  return [...new Set(names)].toSorted();
}

/** The definitions of all variables by name; services that share one agree on all but its default. */
export function definitions(): Map<string, { field: Field<unknown>; services: string[] }> {
  const found = new Map<string, { field: Field<unknown>; services: string[] }>();
  for (const { service, schema } of serviceSchemas) {
    for (const field of Object.values(schema)) {
      const known = found.get(field.env);
      if (known === undefined) found.set(field.env, { field, services: [service] });
      else known.services.push(service);
    }
  }
  return found;
}

function described<S extends Schema>(
  service: string,
  command: string,
  schema: S,
  check?: (config: ConfigOf<S>) => string[],
): ServiceSchema {
  return {
    service,
    command,
    schema,
    faults: (env, knownVariables) => {
      try {
        loadConfig({ service, schema, env, knownVariables, ...(check === undefined ? {} : { check }) });
        return [];
      } catch (error) {
        if (error instanceof HeliosError && error.code === 'CONFIG_INVALID') return error.fields['faults'] as string[];
        throw error;
      }
    },
  };
}
