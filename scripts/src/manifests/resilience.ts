import {
  type Container,
  containersOf,
  isOurs,
  type Labels,
  type ManifestDocument,
  ofKind,
  type Probe,
  selects,
  specOf,
  type Workload,
  workloadsOf,
} from './documents.js';

/** How pods start, stop and make room: probes, the time to drain, budgets for disruptions, spread, autoscalers. Pure. */

/** What a service of Helios may take to stop. Source: spec section 5, SIGTERM. */
const DRAIN_SECONDS = 10;
/** What is to be left of the grace period then. */
const SPARE_SECONDS = 5;
/** How long an address may take to leave every proxy's list. */
const PRE_STOP_SECONDS = 5;
/** Kubernetes' defaults. */
const PERIOD_SECONDS = 10;
const FAILURES = 3;
const GRACE_SECONDS = 30;

const spreadOver = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'];

interface AutoscalerSpec {
  readonly scaleTargetRef: { readonly kind: string; readonly name: string };
  readonly minReplicas?: number;
  readonly maxReplicas: number;
}

interface BudgetSpec {
  readonly maxUnavailable?: number | string;
  readonly minAvailable?: number | string;
  readonly selector?: { readonly matchLabels?: Labels };
}

/** Every pod that starts, stops or moves in a way that costs requests, as sentences. */
export function resilienceFaults(documents: readonly ManifestDocument[]): string[] {
  const workloads = workloadsOf(documents);
  return [
    ...workloads.flatMap((workload) => [
      ...probeFaults(workload),
      ...stopFaults(workload).map((fault) => `${workload.id}: ${fault}`),
      ...(rolls(workload) ? availabilityFaults(workload, documents).map((fault) => `${workload.id}: ${fault}`) : []),
    ]),
    ...autoscalerFaults(documents, workloads),
  ];
}

/** Replaced pod by pod, so there may be several; what writes to one volume is stopped before it is started anew. */
function rolls({ kind, strategy }: Workload): boolean {
  return kind === 'Deployment' && strategy?.type !== 'Recreate';
}

function probeFaults(workload: Workload): string[] {
  if (workload.kind === 'Job') return [];
  return containersOf(workload, 'main').flatMap((container) => {
    const faults = isOurs(container) ? ownProbeFaults(container) : [];
    const { startupProbe, readinessProbe, livenessProbe } = container;
    for (const [name, probe] of Object.entries({ startupProbe, readinessProbe, livenessProbe }))
      if (probe === undefined) faults.push(`it has no ${name}`);
    if (readinessProbe !== undefined && livenessProbe !== undefined && meanTheSame(readinessProbe, livenessProbe))
      faults.push('its livenessProbe asks what its readinessProbe asks, and is no more patient');
    return faults.map((fault) => `${workload.id}, container ${container.name}: ${fault}`);
  });
}

/** Services of Helios say for themselves what they are: alive asks nothing else, ready asks whether work may come. */
function ownProbeFaults({ startupProbe, readinessProbe, livenessProbe }: Container): string[] {
  const faults: string[] = [];
  for (const [name, probe] of Object.entries({ startupProbe, livenessProbe }))
    if (probe?.httpGet?.path !== '/healthz' || probe.httpGet.port !== 'admin') faults.push(`its ${name} is not /healthz of the admin port`);
  const ready = readinessProbe?.httpGet?.path === '/readyz' && readinessProbe.httpGet.port === 'admin';
  if (!ready && readinessProbe?.grpc?.service === undefined)
    faults.push('its readinessProbe is neither /readyz nor the health of a gRPC service');
  return faults;
}

function meanTheSame(readiness: Probe, liveness: Probe): boolean {
  const asked = ({ httpGet, tcpSocket, grpc, exec }: Probe): string => JSON.stringify({ httpGet, tcpSocket, grpc, exec });
  const patience = (probe: Probe): number => (probe.periodSeconds ?? PERIOD_SECONDS) * (probe.failureThreshold ?? FAILURES);
  return asked(readiness) === asked(liveness) && patience(liveness) < 4 * patience(readiness);
}

function stopFaults(workload: Workload): string[] {
  const faults: string[] = [];
  const containers = containersOf(workload, 'main');
  const serves = containers.some((container) => (container.ports ?? []).some((port) => port.name !== 'admin'));
  const waits = containers.map((container) => container.lifecycle?.preStop?.sleep?.seconds ?? 0);
  if (rolls(workload) && serves && Math.min(...waits) < PRE_STOP_SECONDS)
    faults.push(`it is asked to stop before its address is gone: preStop does not sleep for ${PRE_STOP_SECONDS} s`);
  const least = Math.max(...waits) + DRAIN_SECONDS + SPARE_SECONDS;
  const grace = workload.pod.terminationGracePeriodSeconds ?? GRACE_SECONDS;
  if (grace < least) faults.push(`terminationGracePeriodSeconds is ${grace}: preStop, drain and some to spare take ${least}`);
  return faults;
}

function availabilityFaults(workload: Workload, documents: readonly ManifestDocument[]): string[] {
  const faults: string[] = [];
  if (workload.strategy?.rollingUpdate?.maxUnavailable !== 0) faults.push('a rollout may take a pod away before the new one is ready');
  // One that keeps nothing and serves people's dashboards only may be alone.
  if (!containersOf(workload).some(isOurs) && workload.name !== 'gateway') return faults;
  const budgets = ofKind(documents, 'PodDisruptionBudget').map((document) => specOf(document) as BudgetSpec);
  const budget = budgets.find(({ selector }) => selector?.matchLabels !== undefined && selects(selector.matchLabels, workload.labels));
  if (budget === undefined) faults.push('it has no PodDisruptionBudget');
  else if (budget.maxUnavailable !== 1 || budget.minAvailable !== undefined)
    faults.push('its PodDisruptionBudget does not let exactly one pod go at a time');
  for (const key of spreadOver) {
    const spread = workload.pod.topologySpreadConstraints?.find((constraint) => constraint.topologyKey === key);
    const own = spread?.labelSelector?.matchLabels;
    if (own === undefined || !selects(own, workload.labels)) faults.push(`its pods are not spread over ${key}`);
  }
  return faults;
}

function autoscalerFaults(documents: readonly ManifestDocument[], workloads: readonly Workload[]): string[] {
  const config = documents.find((document) => document.kind === 'ConfigMap' && document.metadata.name === 'helios-config');
  const partitions = Number((config?.['data'] as Labels | undefined)?.['KAFKA_TOPIC_PARTITIONS']);
  const autoscalers = ofKind(documents, 'HorizontalPodAutoscaler').map((document) => specOf(document) as AutoscalerSpec);
  const scaled = new Set(autoscalers.map((spec) => spec.scaleTargetRef.name));
  const faults = autoscalers.flatMap((spec) => {
    const target = workloads.find(({ kind, name }) => kind === spec.scaleTargetRef.kind && name === spec.scaleTargetRef.name);
    const id = `HorizontalPodAutoscaler of ${spec.scaleTargetRef.name}`;
    if (target === undefined) return [`${id}: there is no such workload`];
    const found: string[] = [];
    if (target.replicas !== undefined) found.push(`${id}: the workload says how many replicas there are, too`);
    if ((spec.minReplicas ?? 1) < 2) found.push(`${id}: it may leave one pod alone`);
    const consumes = containersOf(target).some((container) => (container.env ?? []).some((variable) => variable.name === 'KAFKA_GROUP_ID'));
    if (consumes && !(spec.maxReplicas <= partitions))
      found.push(`${id}: ${spec.maxReplicas} pods share ${partitions} partitions, so some do nothing`);
    return found;
  });
  const alone = workloads.filter((workload) => rolls(workload) && workload.replicas === undefined && !scaled.has(workload.name));
  return [...faults, ...alone.map(({ id }) => `${id}: neither it nor an autoscaler says how many replicas there are`)];
}

/** Names of budgets that hold for no pod. */
export function idleBudgets(documents: readonly ManifestDocument[]): string[] {
  const workloads = workloadsOf(documents);
  return ofKind(documents, 'PodDisruptionBudget')
    .filter((document) => {
      const labels = (specOf(document) as BudgetSpec).selector?.matchLabels;
      return !workloads.some((workload) => labels !== undefined && selects(labels, workload.labels));
    })
    .map(({ metadata }) => metadata.name);
}
