import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import {
  containersOf,
  type Labels,
  type ManifestDocument,
  ofKind,
  type ServiceSpec,
  specOf,
  type Workload as Maker,
  workloadsOf,
} from '../manifests/documents.js';
import { render } from '../manifests/kustomize.js';
import { ingressRules } from '../manifests/routes.js';

/** What the manifests and the compose file hold, as far as commands can name it. */

/** Something that runs pods. */
export interface Workload {
  /** In small letters. */
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

export interface Inventory {
  /** `kind/name` of every object, in small letters; of Secrets those that pods and routes refer to, since they stand in no file. */
  readonly objects: ReadonlySet<string>;
  readonly labels: readonly { readonly kind: string; readonly labels: Labels }[];
  readonly workloads: readonly Workload[];
  readonly services: readonly { readonly name: string; readonly ports: readonly (number | string)[] }[];
  /** `secret/key` of every key that a pod reads. */
  readonly secretKeys: ReadonlySet<string>;
  /** Without tags. */
  readonly images: ReadonlySet<string>;
  /** Ports of this machine that lead into the local cluster. */
  readonly hostPorts: ReadonlySet<number>;
  /** Host names of routes. */
  readonly hosts: ReadonlySet<string>;
}

export interface ComposeInventory {
  readonly services: ReadonlySet<string>;
  readonly profiles: ReadonlySet<string>;
}

/** Everything that `k8s/` stands for, in the project's folder. */
export function readManifests(root: string): Inventory {
  const text = (path: string): string => readFileSync(join(root, path), 'utf8');
  const documents = (path: string): unknown[] =>
    parseAllDocuments(text(path))
      .map((document) => document.toJS() as unknown)
      .filter((document) => document !== null);
  const cluster = parse(text('k8s/overlays/local/kind.yaml')) as KindCluster;
  return inventoryOf(
    render('k8s', { text, documents }),
    cluster.nodes.flatMap((node) => (node.extraPortMappings ?? []).map((mapping) => mapping.hostPort)),
  );
}

interface KindCluster {
  readonly nodes: readonly { readonly extraPortMappings?: readonly { readonly hostPort: number }[] }[];
}

/** The compose file with those that it includes; null where there is none. */
export function readCompose(file: string): ComposeInventory | null {
  if (!existsSync(file)) return null;
  const text = readFileSync(file, 'utf8');
  const { include = [] } = parse(text) as { readonly include?: readonly { readonly path: string }[] };
  return composeOf([text, ...include.map(({ path }) => readFileSync(join(dirname(file), path), 'utf8'))]);
}

/** What commands can name of these documents. Pure. */
export function inventoryOf(documents: readonly ManifestDocument[], hostPorts: readonly number[]): Inventory {
  const makers = workloadsOf(documents);
  const containers = makers.flatMap((maker) => containersOf(maker));
  const routes = ingressRules(documents);
  const secretRefs = containers.flatMap(({ env }) => (env ?? []).flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []));
  const secrets = [
    ...secretRefs.map(({ name }) => name),
    ...makers.flatMap(({ pod }) => (pod.volumes ?? []).flatMap(({ secret }) => secret?.secretName ?? [])),
    ...routes.flatMap(({ tlsSecrets }) => tlsSecrets),
  ];
  return {
    objects: new Set([
      ...documents.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`),
      ...secrets.map((name) => `secret/${name}`),
    ]),
    labels: documents.map(({ kind, metadata }) => ({ kind: kind.toLowerCase(), labels: metadata.labels ?? {} })),
    workloads: makers.map(workloadOf),
    services: ofKind(documents, 'Service').map((service) => ({
      name: service.metadata.name,
      ports: ((specOf(service) as ServiceSpec).ports ?? []).flatMap(({ name, port }) => [port, ...(name === undefined ? [] : [name])]),
    })),
    secretKeys: new Set(secretRefs.map(({ name, key }) => `${name}/${key}`)),
    images: new Set(containers.map(({ image }) => image.replace(/(:[^:/]+)?(@.*)?$/, ''))),
    hostPorts: new Set(hostPorts),
    hosts: new Set(routes.flatMap(({ host }) => host ?? [])),
  };
}

/** Services and profiles of compose files that belong together. Pure. */
export function composeOf(texts: readonly string[]): ComposeInventory {
  const entries = texts.flatMap((text) => {
    const { services = {} } = parse(text) as {
      readonly services?: Readonly<Record<string, { readonly profiles?: readonly string[] } | null>>;
    };
    return Object.entries(services);
  });
  return {
    services: new Set(entries.map(([name]) => name)),
    profiles: new Set(entries.flatMap(([, service]) => service?.profiles ?? [])),
  };
}

function workloadOf(maker: Maker): Workload {
  const running = containersOf(maker, 'main');
  const ports = running.flatMap((container) => container.ports ?? []);
  return {
    kind: maker.kind.toLowerCase(),
    name: maker.name,
    replicas: maker.replicas ?? 1,
    podLabels: maker.labels,
    containers: containersOf(maker).map(({ name }) => name),
    runningContainers: running.length,
    ports: ports.flatMap(({ name, containerPort }) => [containerPort, ...(name === undefined ? [] : [name])]),
  };
}
