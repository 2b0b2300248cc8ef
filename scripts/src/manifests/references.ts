import {
  configMapData,
  type Container,
  containerPort,
  containersOf,
  type KeyRef,
  type Labels,
  type ManifestDocument,
  ofKind,
  type Probe,
  selects,
  type ServiceSpec,
  specOf,
  type Volume,
  type Workload,
  workloadsOf,
} from './documents.js';
import { ingressRules } from './routes.js';

/** Whether everything that a document names is there: ConfigMaps, Secrets and their keys, Services, ports, volumes, labels, accounts. Pure. */

/** What stands in no file: made by `scripts/deploy-all`, keys by name of the Secret or ConfigMap. */
export interface MadeElsewhere {
  readonly secrets: Readonly<Record<string, readonly string[]>>;
  readonly configMaps: Readonly<Record<string, readonly string[]>>;
}

/** Every name that leads nowhere, as sentences. */
export function referenceFaults(documents: readonly ManifestDocument[], made: MadeElsewhere): string[] {
  const workloads = workloadsOf(documents);
  return [
    ...workloads.flatMap((workload) => workloadFaults(workload, documents, made).map((fault) => `${workload.id}: ${fault}`)),
    ...ofKind(documents, 'Service').flatMap((service) => serviceFaults(service, workloads)),
    ...ingressFaults(documents, made),
    ...policyFaults(documents, workloads),
    ...bindingFaults(documents),
    ...twoOfOneName(documents),
  ];
}

function workloadFaults(workload: Workload, documents: readonly ManifestDocument[], made: MadeElsewhere): string[] {
  const faults = containersOf(workload).flatMap((container) =>
    [...envFaults(container, documents, made), ...mountFaults(container, workload), ...probePortFaults(container)].map(
      (fault) => `container ${container.name}: ${fault}`,
    ),
  );
  for (const volume of workload.pod.volumes ?? []) faults.push(...volumeFaults(volume, documents, made));
  const mounted = new Set(containersOf(workload).flatMap((container) => (container.volumeMounts ?? []).map((mount) => mount.name)));
  for (const { name } of workload.pod.volumes ?? []) if (!mounted.has(name)) faults.push(`nobody mounts the volume ${name}`);
  if (workload.selector !== undefined && !selects(workload.selector, workload.labels))
    faults.push('its selector does not fit its own pods');
  const others = workloadsOf(documents).filter((other) => other.name !== workload.name);
  for (const other of others)
    if (workload.selector !== undefined && selects(workload.selector, other.labels))
      faults.push(`its selector takes the pods of ${other.id} too`);
  const service = ofKind(documents, 'Service').find((candidate) => candidate.metadata.name === workload.serviceName);
  if (workload.kind === 'StatefulSet' && service === undefined) faults.push(`there is no Service ${workload.serviceName}`);
  const account = workload.pod.serviceAccountName;
  if (account !== undefined && !ofKind(documents, 'ServiceAccount').some(({ metadata }) => metadata.name === account))
    faults.push(`there is no service account ${account}`);
  return [...faults, ...annotationFaults(workload)];
}

function annotationFaults(workload: Workload): string[] {
  const { annotations } = workload;
  const port = annotations['prometheus.io/port'];
  const admin = containerPort(workload, 'admin');
  if (admin === undefined) return port === undefined ? [] : [`Prometheus is sent to port ${port}, and there is no port admin`];
  return annotations['prometheus.io/scrape'] === 'true' && port === String(admin)
    ? []
    : [`its annotations do not send Prometheus to its admin port ${admin}`];
}

function envFaults(container: Container, documents: readonly ManifestDocument[], made: MadeElsewhere): string[] {
  const faults: string[] = [];
  if (container.envFrom !== undefined) faults.push('envFrom takes keys without naming them');
  const names = (container.env ?? []).map((variable) => variable.name);
  for (const name of new Set(names.filter((candidate, index) => names.indexOf(candidate) !== index))) faults.push(`${name} is set twice`);
  for (const { name, value, valueFrom } of container.env ?? []) {
    const { configMapKeyRef, secretKeyRef } = valueFrom ?? {};
    if (configMapKeyRef !== undefined && !hasKey(configMapData(documents, configMapKeyRef.name), made.configMaps, configMapKeyRef))
      faults.push(`${name}: there is no ${configMapKeyRef.key} in the ConfigMap ${configMapKeyRef.name}`);
    if (secretKeyRef !== undefined && !hasKey(undefined, made.secrets, secretKeyRef))
      faults.push(`${name}: there is no ${secretKeyRef.key} in the Secret ${secretKeyRef.name}`);
    if (secretKeyRef === undefined && /PASSWORD|TOKEN|_KEY$/.test(name) && value !== '') faults.push(`${name} comes from no Secret`);
  }
  for (const [, other = ''] of (container.args ?? []).join(' ').matchAll(/\$\(([A-Z_]+)\)/g))
    if (!names.includes(other)) faults.push(`its arguments name the variable ${other}, which it does not have`);
  return faults;
}

function hasKey(data: Labels | undefined, made: MadeElsewhere['secrets'], { name, key }: KeyRef): boolean {
  return data === undefined ? (made[name] ?? []).includes(key) : Object.hasOwn(data, key);
}

function mountFaults(container: Container, { pod, claimTemplates }: Workload): string[] {
  const names = new Set([...(pod.volumes ?? []).map((volume) => volume.name), ...claimTemplates]);
  return (container.volumeMounts ?? []).filter((mount) => !names.has(mount.name)).map((mount) => `there is no volume ${mount.name}`);
}

function probePortFaults(container: Container): string[] {
  const ports = (container.ports ?? []).flatMap(({ name, containerPort: number }) => [name, number]);
  const faults: string[] = [];
  for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
    const port = portOf(container[name]);
    if (port !== undefined && !ports.includes(port)) faults.push(`its ${name} asks the port ${port}, which it does not have`);
  }
  return faults;
}

function portOf(probe: Probe | undefined): string | number | undefined {
  return probe?.httpGet?.port ?? probe?.tcpSocket?.port ?? probe?.grpc?.port;
}

function volumeFaults(volume: Volume, documents: readonly ManifestDocument[], made: MadeElsewhere): string[] {
  const faults: string[] = [];
  const { secret, persistentVolumeClaim } = volume;
  const sources = [volume, ...(volume.projected?.sources ?? [])].flatMap((source) => source.configMap ?? []);
  for (const { name, items } of sources) {
    const data = configMapData(documents, name);
    if (data === undefined && made.configMaps[name] === undefined) faults.push(`volume ${volume.name}: there is no ConfigMap ${name}`);
    else
      for (const { key } of items ?? [])
        if (!hasKey(data, made.configMaps, { name, key }))
          faults.push(`volume ${volume.name}: there is no ${key} in the ConfigMap ${name}`);
  }
  if (secret !== undefined && made.secrets[secret.secretName] === undefined)
    faults.push(`volume ${volume.name}: there is no Secret ${secret.secretName}`);
  const claims = ofKind(documents, 'PersistentVolumeClaim').map(({ metadata }) => metadata.name);
  if (persistentVolumeClaim !== undefined && !claims.includes(persistentVolumeClaim.claimName))
    faults.push(`volume ${volume.name}: there is no claim ${persistentVolumeClaim.claimName}`);
  return faults;
}

function serviceFaults(service: ManifestDocument, workloads: readonly Workload[]): string[] {
  const spec = specOf(service) as ServiceSpec;
  const targets = workloads.filter((workload) => selects(spec.selector, workload.labels));
  const faults: string[] = [];
  if (Object.keys(spec.selector ?? {}).length === 0 || targets.length !== 1)
    faults.push(`its selector fits ${targets.length} workloads, not one`);
  for (const { port, targetPort } of spec.ports ?? [])
    for (const target of targets)
      if (containerPort(target, targetPort ?? port) === undefined) faults.push(`${target.id} has no port ${targetPort ?? port}`);
  // An admin port has no address that a route could lead to: it is only found by whoever asks for the pods themselves.
  const admin = (spec.ports ?? []).some((port) => port.name === 'admin' || port.targetPort === 'admin');
  if (admin && spec.clusterIP !== 'None') faults.push('it gives an admin port an address');
  return faults.map((fault) => `Service/${service.metadata.name}: ${fault}`);
}

function ingressFaults(documents: readonly ManifestDocument[], made: MadeElsewhere): string[] {
  return ingressRules(documents).flatMap((rule) => {
    const faults: string[] = [];
    const service = ofKind(documents, 'Service').find(({ metadata }) => metadata.name === rule.service);
    const ports = service === undefined ? [] : ((specOf(service) as ServiceSpec).ports ?? []).flatMap(({ name, port }) => [name, port]);
    if (service === undefined) faults.push(`there is no Service ${rule.service}`);
    else if (!ports.includes(rule.port)) faults.push(`${rule.service} has no port ${rule.port}`);
    for (const secret of rule.tlsSecrets) if (made.secrets[secret] === undefined) faults.push(`there is no Secret ${secret}`);
    return faults.map((fault) => `Ingress/${rule.ingress}: ${fault}`);
  });
}

interface Selecting {
  readonly podSelector: { readonly matchLabels?: Labels };
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

interface Rule {
  readonly from?: readonly Partial<Selecting & { namespaceSelector: unknown }>[];
  readonly to?: readonly Partial<Selecting & { namespaceSelector: unknown }>[];
}

/** Policies whose selectors fit nobody: a label that was renamed leaves them behind without a word. */
function policyFaults(documents: readonly ManifestDocument[], workloads: readonly Workload[]): string[] {
  return ofKind(documents, 'NetworkPolicy').flatMap((document) => {
    const spec = specOf(document) as Selecting;
    const peers = [...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap((rule) => [...(rule.from ?? []), ...(rule.to ?? [])]);
    const own = peers.filter((peer) => peer.namespaceSelector === undefined).map((peer) => peer.podSelector?.matchLabels);
    return [spec.podSelector.matchLabels, ...own]
      .filter((labels) => !workloads.some((workload) => selects(labels, workload.labels)))
      .map((labels) => `NetworkPolicy/${document.metadata.name}: no pod has the labels ${JSON.stringify(labels)}`);
  });
}

interface Binding {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string }[];
}

function bindingFaults(documents: readonly ManifestDocument[]): string[] {
  const bindings = [...ofKind(documents, 'RoleBinding'), ...ofKind(documents, 'ClusterRoleBinding')];
  return bindings.flatMap((document) => {
    const { roleRef, subjects } = document as unknown as Binding;
    return [roleRef, ...subjects]
      .filter(({ kind, name }) => !ofKind(documents, kind).some(({ metadata }) => metadata.name === name))
      .map(({ kind, name }) => `${document.kind}/${document.metadata.name}: there is no ${kind}/${name}`);
  });
}

function twoOfOneName(documents: readonly ManifestDocument[]): string[] {
  const ids = documents.map((document) => `${document.kind}/${document.metadata.namespace ?? ''}/${document.metadata.name}`);
  return [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))].map((id) => `there are two of ${id}`);
}

/** Documents that say in no namespace, or in another one, what belongs into ours; and those without the labels that all have. */
export function metadataFaults(documents: readonly ManifestDocument[]): string[] {
  const clusterWide = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'IngressClass']);
  return documents.flatMap(({ kind, metadata }) => {
    const faults: string[] = [];
    if (!clusterWide.has(kind) && metadata.namespace !== 'helios') faults.push('it is not in the namespace helios');
    if (clusterWide.has(kind) && metadata.namespace !== undefined) faults.push('its kind has no namespace');
    if (metadata.labels?.['app.kubernetes.io/part-of'] !== 'helios') faults.push('its label app.kubernetes.io/part-of is not helios');
    return faults.map((fault) => `${kind}/${metadata.name}: ${fault}`);
  });
}
