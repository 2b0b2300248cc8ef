/** Kubernetes documents as data, and the parts of them that the checks look at. Pure. */

export interface ManifestDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export type Labels = Readonly<Record<string, string>>;

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

export interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly configMapKeyRef?: KeyRef; readonly secretKeyRef?: KeyRef };
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number };
  readonly tcpSocket?: { readonly port: string | number };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly exec?: { readonly command: readonly string[] };
  readonly periodSeconds?: number;
  readonly failureThreshold?: number;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVariable[];
  readonly envFrom?: readonly unknown[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
  readonly resources?: { readonly requests?: Labels; readonly limits?: Labels };
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly privileged?: boolean;
    readonly runAsUser?: number;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

interface ConfigMapSource {
  readonly name: string;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

export interface Volume {
  readonly name: string;
  readonly configMap?: ConfigMapSource;
  readonly secret?: { readonly secretName: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly projected?: { readonly sources: readonly { readonly configMap?: ConfigMapSource }[] };
  readonly emptyDir?: { readonly sizeLimit?: string };
  readonly hostPath?: unknown;
}

export interface TopologySpread {
  readonly topologyKey: string;
  readonly labelSelector?: { readonly matchLabels?: Labels };
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly seccompProfile?: { readonly type: string };
  };
  readonly topologySpreadConstraints?: readonly TopologySpread[];
}

/** A Deployment, StatefulSet or Job, with its pod. */
export interface Workload {
  /** As `kubectl` writes it: `Deployment/gateway`. */
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly replicas: number | undefined;
  readonly strategy: { readonly type?: string; readonly rollingUpdate?: { readonly maxUnavailable?: number | string } } | undefined;
  readonly selector: Labels | undefined;
  readonly serviceName: string | undefined;
  readonly claimTemplates: readonly string[];
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly pod: PodSpec;
}

interface WorkloadSpec {
  readonly replicas?: number;
  readonly strategy?: Workload['strategy'];
  readonly selector?: { readonly matchLabels?: Labels };
  readonly serviceName?: string;
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  readonly template: { readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels }; readonly spec: PodSpec };
}

const workloadKinds: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'Job']);

/** Images of this repository: `<prefix><target>:<version>`. */
export const imagePrefix = 'ghcr.io/your-username/helios-';

/** `Kind/name` of a document. */
export function idOf(document: ManifestDocument): string {
  return `${document.kind}/${document.metadata.name}`;
}

/** The documents of one kind. */
export function ofKind(documents: readonly ManifestDocument[], kind: string): ManifestDocument[] {
  return documents.filter((document) => document.kind === kind);
}

/** The `spec` of a document: what its kind says that it is. */
export function specOf(document: ManifestDocument): unknown {
  return document['spec'] ?? {};
}

/** Everything that makes pods. */
export function workloadsOf(documents: readonly ManifestDocument[]): Workload[] {
  return documents
    .filter((document) => workloadKinds.has(document.kind))
    .map((document) => {
      const spec = specOf(document) as WorkloadSpec;
      return {
        id: idOf(document),
        kind: document.kind,
        name: document.metadata.name,
        replicas: spec.replicas,
        strategy: spec.strategy,
        selector: spec.selector?.matchLabels,
        serviceName: spec.serviceName,
        claimTemplates: (spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name),
        labels: spec.template.metadata?.labels ?? {},
        annotations: spec.template.metadata?.annotations ?? {},
        pod: spec.template.spec,
      };
    });
}

/** The containers of a pod that run for long; with `init` those before them too. */
export function containersOf({ pod }: Workload, init: 'init' | 'main' = 'init'): readonly Container[] {
  return init === 'init' ? [...(pod.initContainers ?? []), ...pod.containers] : pod.containers;
}

/** Whether a container runs an image of this repository. */
export function isOurs(container: Container): boolean {
  return container.image.startsWith(imagePrefix);
}

/** `data` of a ConfigMap by name; undefined when there is none. */
export function configMapData(documents: readonly ManifestDocument[], name: string): Labels | undefined {
  const found = documents.find((document) => document.kind === 'ConfigMap' && document.metadata.name === name);
  return found === undefined ? undefined : ((found['data'] ?? {}) as Labels);
}

/** Whether every label of the selector is on the pod; an empty selector selects every pod. */
export function selects(selector: Labels | undefined, labels: Labels): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: string | number;
}

export interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly selector?: Labels;
  readonly ports?: readonly ServicePort[];
}

/** The number of the port that a container calls by this name, or that a number already is; undefined when no container has it. */
export function containerPort(workload: Workload, port: string | number | undefined): number | undefined {
  const ports = containersOf(workload, 'main').flatMap((container) => container.ports ?? []);
  return ports.find((candidate) => candidate.name === port || candidate.containerPort === port)?.containerPort;
}
