import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

/** What the manifests and the compose file hold, as far as commands can name it. */

export type Labels = Readonly<Record<string, string>>;

/** Something that runs pods. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
  readonly replicas: number;
  readonly podLabels: Labels;
  /** Those that initialise it too. */
  readonly containers: readonly string[];
  /** How many of them go on running. */
  readonly runningContainers: number;
  readonly ports: readonly (number | string)[];
}

export interface ServiceEntry {
  readonly name: string;
  readonly ports: readonly (number | string)[];
}

export interface Inventory {
  /** `kind/name` of every object, in lower case kinds. */
  readonly objects: ReadonlySet<string>;
  readonly labels: readonly { readonly kind: string; readonly labels: Labels }[];
  readonly workloads: readonly Workload[];
  readonly services: readonly ServiceEntry[];
  /** `secret/key` of every key that a pod reads. */
  readonly secretKeys: ReadonlySet<string>;
  /** Without tags. */
  readonly images: ReadonlySet<string>;
  /** Ports of this machine that lead into a local cluster (kind's extraPortMappings). */
  readonly nodePorts: ReadonlySet<number>;
  /** Host names of ingresses. */
  readonly hosts: ReadonlySet<string>;
}

export interface ComposeInventory {
  readonly services: ReadonlySet<string>;
  readonly profiles: ReadonlySet<string>;
}

type Json = Readonly<Record<string, unknown>>;

/** Reads every YAML file below a folder. */
export function readManifests(folder: string): Inventory {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.ya?ml$/.test(path));
  return inventoryOf(new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')])));
}

/** The compose file with those that it includes; null where there is none. */
export function readCompose(file: string): ComposeInventory | null {
  if (!existsSync(file)) return null;
  const text = readFileSync(file, 'utf8');
  const included = list(at(parse(text), 'include')).map((entry) => join(dirname(file), String(at(entry, 'path') ?? entry)));
  return composeOf([text, ...included.map((path) => readFileSync(path, 'utf8'))]);
}

/** The objects in the files (path to text); YAML that is no Kubernetes object is passed over. Pure. */
export function inventoryOf(files: ReadonlyMap<string, string>): Inventory {
  const documents = [...files.values()].flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as unknown));
  const objects = documents
    .filter(isObject)
    .filter((document) => typeof document['kind'] === 'string' && typeof document['apiVersion'] === 'string');
  const made = documents.filter(isObject).flatMap(generated);
  const workloads = objects.flatMap(workloadOf);
  return {
    objects: new Set([...objects.map((object) => `${kindOf(object)}/${nameOf(object)}`), ...made, ...secretsOf(objects)]),
    labels: objects.map((object) => ({ kind: kindOf(object), labels: labelsOf(object['metadata']) })),
    workloads,
    services: objects.filter((object) => kindOf(object) === 'service').map(serviceOf),
    secretKeys: new Set(foundObjects(objects, 'secretKeyRef').map(({ name, key }) => `${String(name)}/${String(key)}`)),
    images: new Set(found(objects, 'image').map((image) => image.replace(/(:[^:/]+)?(@.*)?$/, ''))),
    nodePorts: new Set(foundValues(documents, 'hostPort').map(Number)),
    hosts: new Set(objects.filter((object) => kindOf(object) === 'ingress').flatMap((object) => found(object, 'host'))),
  };
}

/** Services and profiles of compose files that belong together. Pure. */
export function composeOf(texts: readonly string[]): ComposeInventory {
  const entries = texts.flatMap((text) => {
    const services = at(parse(text), 'services');
    return isObject(services) ? Object.entries(services) : [];
  });
  return {
    services: new Set(entries.map(([name]) => name)),
    profiles: new Set(entries.flatMap(([, service]) => list(at(service, 'profiles')).map(String))),
  };
}

/** A patch of an overlay has no pod labels and is no workload of its own. */
function workloadOf(object: Json): Workload[] {
  const spec = at(object, 'spec');
  const template = at(spec, 'template') ?? at(at(at(spec, 'jobTemplate'), 'spec'), 'template');
  const podLabels = labelsOf(at(template, 'metadata'));
  const containers = list(at(at(template, 'spec'), 'containers')).filter(isObject);
  const initial = list(at(at(template, 'spec'), 'initContainers')).filter(isObject);
  if (containers.length === 0 || Object.keys(podLabels).length === 0) return [];
  const replicas = at(spec, 'replicas');
  const ports = containers.flatMap((container) => list(container['ports']).filter(isObject));
  return [
    {
      kind: kindOf(object),
      name: nameOf(object),
      replicas: typeof replicas === 'number' ? replicas : 1,
      podLabels,
      containers: [...containers, ...initial].map((container) => String(container['name'])),
      runningContainers: containers.length + initial.filter((container) => container['restartPolicy'] === 'Always').length,
      ports: ports.flatMap((port) => [Number(port['containerPort']), ...named(port)]),
    },
  ];
}

function serviceOf(object: Json): ServiceEntry {
  const ports = list(at(at(object, 'spec'), 'ports')).filter(isObject);
  return {
    name: nameOf(object),
    ports: ports.flatMap((port) => [Number(port['port']), ...named(port)]),
  };
}

/** ConfigMaps and Secrets that a kustomization makes. */
function generated(document: Json): string[] {
  const names = (key: string, kind: string) =>
    list(document[key])
      .filter(isObject)
      .map((entry) => `${kind}/${String(entry['name'])}`);
  return [...names('configMapGenerator', 'configmap'), ...names('secretGenerator', 'secret')];
}

/** Secrets that pods refer to: they are made by a script and stand in no file. */
function secretsOf(objects: readonly Json[]): string[] {
  const references = objects.flatMap((object) => [
    ...foundObjects(object, 'secretKeyRef').map((reference) => reference['name']),
    ...foundObjects(object, 'secretRef').map((reference) => reference['name']),
    ...foundObjects(object, 'secret').map((volume) => volume['secretName']),
  ]);
  return references.filter((name) => typeof name === 'string').map((name) => `secret/${name}`);
}

/** Every value under this key, however deep. */
function foundValues(value: unknown, key: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => foundValues(item, key));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [...(name === key ? [inner] : []), ...foundValues(inner, key)]);
}

function found(value: unknown, key: string): string[] {
  return foundValues(value, key).filter((one) => typeof one === 'string');
}

function foundObjects(value: unknown, key: string): Json[] {
  return foundValues(value, key).filter(isObject);
}

function kindOf(object: Json): string {
  return String(object['kind']).toLowerCase();
}

function nameOf(object: Json): string {
  return String(at(object['metadata'], 'name'));
}

/** The name that a port may have. */
function named({ name }: Json): string[] {
  return typeof name === 'string' ? [name] : [];
}

function labelsOf(metadata: unknown): Labels {
  const labels = at(metadata, 'labels');
  return isObject(labels) ? Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)])) : {};
}

function at(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
