import {
  configMapData,
  containerPort,
  containersOf,
  type Labels,
  type ManifestDocument,
  ofKind,
  selects,
  type ServiceSpec,
  specOf,
  type Workload,
  workloadsOf,
} from './documents.js';
import { ingressRules } from './routes.js';

/** Which pod may reach which port of which other one, and whether that is what is needed and no more. Pure. Source: Kubernetes' NetworkPolicy. */

interface Peer {
  readonly podSelector?: { readonly matchLabels?: Labels };
  readonly namespaceSelector?: { readonly matchLabels?: Labels };
}

interface PolicyPort {
  readonly port?: number;
  readonly endPort?: number;
  readonly protocol?: string;
}

interface PolicyRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly PolicyPort[];
}

interface PolicySpec {
  readonly podSelector: { readonly matchLabels?: Labels };
  readonly policyTypes: readonly ('Ingress' | 'Egress')[];
  readonly ingress?: readonly PolicyRule[];
  readonly egress?: readonly PolicyRule[];
}

/** Labels of what is no pod: only a rule that names no peers lets it through. */
const noPod: Labels = {};

/** One connection between pods of this namespace. */
export interface Connection {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly why: string;
}

type Direction = 'Ingress' | 'Egress';

const DNS_PORT = 53;
/** Where API servers listen: those of providers, of kubeadm and kind, of minikube. A policy sees this port, not that of the Service before it. */
const API_SERVER_PORTS = [443, 6443, 8443];

/** Whether both sides let a connection between two workloads through. */
export function isAllowed(documents: readonly ManifestDocument[], connection: Pick<Connection, 'from' | 'to' | 'port'>): boolean {
  const workloads = workloadsOf(documents);
  const labelsOf = (name: string): Labels => workloads.find((workload) => workload.name === name)?.labels ?? {};
  const [from, to] = [labelsOf(connection.from), labelsOf(connection.to)];
  return (
    passes(policiesOf(documents), 'Egress', from, to, connection.port) &&
    passes(policiesOf(documents), 'Ingress', to, from, connection.port)
  );
}

/** What stands against the rules that hold for every pod, and connections that are needed and not let through. */
export function networkFaults(documents: readonly ManifestDocument[], grafanaSource: string): string[] {
  const policies = policiesOf(documents);
  const faults: string[] = [];
  const closed = policies.some(
    (policy) =>
      Object.keys(policy.podSelector.matchLabels ?? {}).length === 0 &&
      policy.policyTypes.length === 2 &&
      policy.ingress === undefined &&
      policy.egress === undefined,
  );
  if (!closed) faults.push('no policy denies everything to all pods, both ways');
  for (const workload of workloadsOf(documents))
    if (!resolvesNames(policies, workload.labels)) faults.push(`${workload.id}: it may not ask the DNS of the cluster`);
  const askApiServer = workloadsOf(documents).filter(({ pod }) => pod.automountServiceAccountToken === true);
  for (const { id, labels } of askApiServer)
    for (const port of API_SERVER_PORTS)
      if (!passes(policies, 'Egress', labels, noPod, port)) faults.push(`${id}: it may not ask an API server on port ${port}`);
  const needed = connections(documents, grafanaSource).filter((connection) => !isAllowed(documents, connection));
  return [...faults, ...needed.map(({ from, to, port, why }) => `${from} may not reach ${to}:${port}, which ${why} needs`)];
}

function policiesOf(documents: readonly ManifestDocument[]): PolicySpec[] {
  return ofKind(documents, 'NetworkPolicy').map((document) => specOf(document) as PolicySpec);
}

/** A pod that no policy of a direction selects is open; otherwise one rule of any of them must fit. */
function passes(policies: readonly PolicySpec[], direction: Direction, self: Labels, other: Labels, port: number): boolean {
  const holding = policies.filter((policy) => policy.policyTypes.includes(direction) && selects(policy.podSelector.matchLabels, self));
  if (holding.length === 0) return true;
  return holding.some((policy) =>
    rulesOf(policy, direction).some((rule) => fitsPort(rule.ports, port) && fitsPeer(peersOf(rule, direction), other)),
  );
}

function rulesOf(policy: PolicySpec, direction: Direction): readonly PolicyRule[] {
  return (direction === 'Ingress' ? policy.ingress : policy.egress) ?? [];
}

function peersOf(rule: PolicyRule, direction: Direction): readonly Peer[] | undefined {
  return direction === 'Ingress' ? rule.from : rule.to;
}

function fitsPort(ports: readonly PolicyPort[] | undefined, wanted: number): boolean {
  if (ports === undefined) return true;
  return ports.some(({ port, endPort, protocol }) => {
    if ((protocol ?? 'TCP') !== 'TCP') return false;
    return port === undefined || (wanted >= port && wanted <= (endPort ?? port));
  });
}

/** A peer with a namespaceSelector stands for pods of other namespaces here. */
function fitsPeer(peers: readonly Peer[] | undefined, labels: Labels): boolean {
  if (peers === undefined) return true;
  return peers.some(
    (peer) => peer.namespaceSelector === undefined && peer.podSelector !== undefined && selects(peer.podSelector.matchLabels, labels),
  );
}

function resolvesNames(policies: readonly PolicySpec[], labels: Labels): boolean {
  const rules = policies
    .filter((policy) => policy.policyTypes.includes('Egress') && selects(policy.podSelector.matchLabels, labels))
    .flatMap((policy) => policy.egress ?? [])
    .filter((rule) =>
      (rule.to ?? []).some((peer) => peer.namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'] === 'kube-system'),
    );
  return ['UDP', 'TCP'].every((protocol) =>
    rules.some((rule) => (rule.ports ?? []).some((port) => port.port === DNS_PORT && (port.protocol ?? 'TCP') === protocol)),
  );
}

/** Every connection that the manifests themselves call for: by configuration, by route, by annotation, by Grafana's data source. */
export function connections(documents: readonly ManifestDocument[], grafanaSource: string): Connection[] {
  const workloads = workloadsOf(documents);
  const config = configMapData(documents, 'helios-config') ?? {};
  const configured = workloads.flatMap((workload) =>
    containersOf(workload).flatMap((container) =>
      (container.env ?? []).flatMap((variable) => {
        const key = variable.valueFrom?.configMapKeyRef?.key;
        const value = key === undefined ? (variable.value ?? '') : (config[key] ?? '');
        return toServices(documents, workload.name, value, variable.name);
      }),
    ),
  );
  const routed = ingressRules(documents).flatMap((rule) => {
    const service = ofKind(documents, 'Service').find((candidate) => candidate.metadata.name === rule.service);
    return service === undefined ? [] : toPods(documents, 'gateway', service, rule.port, `route ${rule.path}`);
  });
  const scraped = workloads.flatMap((workload) => {
    const port = Number(workload.annotations['prometheus.io/port']);
    return workload.annotations['prometheus.io/scrape'] === 'true'
      ? [{ from: 'prometheus', to: workload.name, port, why: 'scraping' }]
      : [];
  });
  return [...configured, ...routed, ...scraped, ...toServices(documents, 'grafana', grafanaSource, 'the data source')];
}

/** The Services of this namespace that a text names, as connections to their pods. */
function toServices(documents: readonly ManifestDocument[], from: string, text: string, why: string): Connection[] {
  return [...text.matchAll(/([\w-]+)\.helios\.svc\.cluster\.local(?::(\d+))?/g)].flatMap(([, name, port]) => {
    const service = ofKind(documents, 'Service').find((candidate) => candidate.metadata.name === name);
    if (service === undefined) return [];
    return toPods(documents, from, service, port === undefined ? (specOf(service) as ServiceSpec).ports?.[0]?.port : Number(port), why);
  });
}

function toPods(
  documents: readonly ManifestDocument[],
  from: string,
  service: ManifestDocument,
  port: string | number | undefined,
  why: string,
): Connection[] {
  const spec = specOf(service) as ServiceSpec;
  const found = spec.ports?.find((candidate) => candidate.name === port || candidate.port === port);
  return workloadsOf(documents)
    .filter((workload) => workload.kind !== 'Job' && selects(spec.selector, workload.labels))
    .map((workload) => ({ from, to: workload.name, port: podPort(workload, found?.targetPort ?? found?.port), why }));
}

function podPort(workload: Workload, target: string | number | undefined): number {
  return containerPort(workload, target) ?? Number(target);
}
