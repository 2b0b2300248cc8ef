import type { Dockerfile } from '../images/dockerfile.js';
import { allocatorEnv, heapOptions } from '../service-memory.js';
import type { ServiceSchema } from '../service-schemas.js';
import {
  configMapData,
  type Container,
  containersOf,
  isOurs,
  type Labels,
  type ManifestDocument,
  type Workload,
  workloadsOf,
} from './documents.js';
import { commandLine, targetOf } from './images.js';

/**
 * Whether the variables of every container are those of the service that it runs, both ways: none that the service does not know, none
 * missing that only the place where it runs can know, every value one that it accepts, every port the one that it listens on. Pure.
 */

/** What stands for the value of a Secret. */
const SECRET = 'a-secret';
/** Read by the C library and by Node, not by a service. */
const runtimeVariables: ReadonlySet<string> = new Set([...Object.keys(allocatorEnv), 'NODE_ENV', 'NODE_OPTIONS', 'UV_THREADPOOL_SIZE']);
/** What a process needs that is no service: seeding reads how Redis is reached. */
const SEED_FILE = 'profile-svc/dist/seed.js';
/** Set by the launcher on one machine; in a cluster the place says it, though its default would do. */
const alwaysSaid: ReadonlySet<string> = new Set(['BIND_HOST', 'ADMIN_PORT', 'KAFKA_GROUP_ID']);

/** The service that a command line runs; undefined for one that is none. */
export function serviceOf(words: readonly string[], schemas: readonly ServiceSchema[]): ServiceSchema | undefined {
  const line = words.join(' ');
  if (line.includes(SEED_FILE)) return schemas.find((schema) => schema.service === 'profile-svc');
  return schemas.find((schema) => new RegExp(`(^|[ /])${schema.command.replace(/^node /, '').replaceAll('.', '\\.')}$`).test(line));
}

/** Every fault of every container that runs an image of ours, as sentences. */
export function environmentFaults(
  documents: readonly ManifestDocument[],
  dockerfile: Dockerfile,
  schemas: readonly ServiceSchema[],
  knownVariables: readonly string[],
): string[] {
  const faults: string[] = [];
  for (const workload of workloadsOf(documents)) {
    for (const container of containersOf(workload).filter(isOurs)) {
      const target = targetOf(container, dockerfile);
      const words = target === undefined ? [] : commandLine(container, target);
      const schema = serviceOf(words, schemas);
      const found =
        schema === undefined
          ? [`"${words.join(' ')}" runs no service of Helios`]
          : containerFaults(workload, container, { schema, image: target?.config.env ?? {}, documents, knownVariables, words });
      faults.push(...found.map((fault) => `${workload.id}, container ${container.name}: ${fault}`));
    }
  }
  return [...faults, ...groupFaults(documents), ...unusedKeys(documents)];
}

interface Subject {
  readonly schema: ServiceSchema;
  readonly image: Labels;
  readonly documents: readonly ManifestDocument[];
  readonly knownVariables: readonly string[];
  readonly words: readonly string[];
}

function containerFaults(workload: Workload, container: Container, subject: Subject): string[] {
  const { schema, image, documents, knownVariables, words } = subject;
  const seeds = words.join(' ').includes(SEED_FILE);
  const said = valuesOf(container, documents);
  const values = { ...image, ...said };
  const fields = Object.values(schema.schema);
  const known = new Set(fields.map((field) => field.env));
  const faults = Object.keys(said)
    .filter((name) => !known.has(name) && !runtimeVariables.has(name))
    .map((name) => `${schema.service} does not know ${name}`);
  for (const field of fields) {
    const decided = alwaysSaid.has(field.env) || ownedByThePlace(field);
    const wanted = seeds ? field.env.startsWith('REDIS_') && decided : decided;
    if (wanted && values[field.env] === undefined) faults.push(`${schema.service} is not told its ${field.env}`);
  }
  faults.push(...schema.faults(values, knownVariables));
  for (const name of Object.keys(allocatorEnv)) if (values[name] === undefined) faults.push(`neither it nor its image sets ${name}`);
  for (const option of heapOptions) if (!seeds && !words.includes(option)) faults.push(`neither it nor its image gives node ${option}`);
  return [...faults, ...(seeds ? [] : portFaults(workload, container, schema, values))];
}

/** An address, or a secret; those of SASL are missed by the service's own check once it is on. */
function ownedByThePlace(field: { readonly env: string; readonly fallback: unknown; readonly secret: boolean }): boolean {
  if (field.secret) return field.env !== 'KAFKA_SASL_PASSWORD';
  return typeof field.fallback === 'string' && /127\.0\.0\.1|localhost/.test(field.fallback);
}

/** The port `admin` is ADMIN_PORT, and the other one is that which the service serves. */
function portFaults(workload: Workload, container: Container, schema: ServiceSchema, values: Labels): string[] {
  const fields = Object.values(schema.schema).filter((field) => /^(ADMIN|INGEST|PROFILE|ANALYTICS|DASHBOARD)_PORT$/.test(field.env));
  const listened = fields.map((field) => Number(values[field.env] ?? field.fallback)).toSorted((a, b) => a - b);
  const declared = (container.ports ?? []).map((port) => port.containerPort).toSorted((a, b) => a - b);
  if (workload.kind === 'Job' || JSON.stringify(listened) === JSON.stringify(declared)) return [];
  return [`it listens on ${listened.join(', ')}, and its manifest says ${declared.join(', ')}`];
}

/** A container's variables with their values; a Secret's is made up. */
export function valuesOf(container: Container, documents: readonly ManifestDocument[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    const { configMapKeyRef, secretKeyRef } = valueFrom ?? {};
    const found = configMapKeyRef === undefined ? undefined : configMapData(documents, configMapKeyRef.name)?.[configMapKeyRef.key];
    values[name] = value ?? found ?? (secretKeyRef === undefined ? '' : SECRET);
  }
  return values;
}

/** A consumer group belongs to one Deployment: in a shared ConfigMap, or twice, two services would take each other's events. */
function groupFaults(documents: readonly ManifestDocument[]): string[] {
  const faults = documents
    .filter((document) => document.kind === 'ConfigMap' && Object.hasOwn((document['data'] ?? {}) as Labels, 'KAFKA_GROUP_ID'))
    .map((document) => `ConfigMap/${document.metadata.name}: KAFKA_GROUP_ID stands in a ConfigMap`);
  const groups = workloadsOf(documents).flatMap((workload) =>
    containersOf(workload).flatMap((container) => valuesOf(container, documents)['KAFKA_GROUP_ID'] ?? []),
  );
  const twice = new Set(groups.filter((group, index) => groups.indexOf(group) !== index));
  return [...faults, ...[...twice].map((group) => `two workloads are of the group ${group}`)];
}

function unusedKeys(documents: readonly ManifestDocument[]): string[] {
  const read = new Set(
    workloadsOf(documents).flatMap((workload) =>
      containersOf(workload).flatMap((container) => (container.env ?? []).map((variable) => variable.valueFrom?.configMapKeyRef?.key)),
    ),
  );
  const keys = Object.keys(configMapData(documents, 'helios-config') ?? {});
  return keys.filter((key) => !read.has(key)).map((key) => `ConfigMap/helios-config: no container reads ${key}`);
}
