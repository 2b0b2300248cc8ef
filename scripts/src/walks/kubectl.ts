import type { Labels } from '../manifests/documents.js';
import type { DeploymentFacts } from './cluster-commands.js';
import type { Inventory, Workload } from './manifests.js';

/** What a kubectl command names, looked up in the manifests. Pure. */

/** Short names and plurals, as kubectl takes them. */
const kinds: Readonly<Record<string, string>> = {
  cm: 'configmap',
  configmaps: 'configmap',
  cronjobs: 'cronjob',
  deploy: 'deployment',
  deployments: 'deployment',
  events: 'event',
  hpa: 'horizontalpodautoscaler',
  ing: 'ingress',
  ingresses: 'ingress',
  jobs: 'job',
  namespaces: 'namespace',
  netpol: 'networkpolicy',
  networkpolicies: 'networkpolicy',
  nodes: 'node',
  ns: 'namespace',
  pdb: 'poddisruptionbudget',
  po: 'pod',
  pods: 'pod',
  pvc: 'persistentvolumeclaim',
  secrets: 'secret',
  services: 'service',
  statefulsets: 'statefulset',
  sts: 'statefulset',
  svc: 'service',
};

/** Flags that take the next word. */
const withValue = new Set([
  '--container',
  '--filename',
  '--for',
  '--from-literal',
  '--kustomize',
  '--max-log-requests',
  '--namespace',
  '--output',
  '--replicas',
  '--selector',
  '--since',
  '--tail',
  '--timeout',
  '-c',
  '-f',
  '-k',
  '-l',
  '-n',
  '-o',
]);
const longNames: Readonly<Record<string, string>> = {
  '-c': '--container',
  '-f': '--filename',
  '-k': '--kustomize',
  '-l': '--selector',
  '-n': '--namespace',
  '-o': '--output',
};

interface Call {
  readonly verb: string;
  readonly positionals: readonly string[];
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** What a command names that the manifests do not have, in words; null: nothing. `forwarded` gets the local ports of a port-forward. */
export function kubectlProblem(words: readonly string[], facts: DeploymentFacts, forwarded: Set<number>): string | null {
  const call = callOf(words);
  const { manifests } = facts;
  return (
    first(call.flags.get('--namespace'), (name) => (manifests.objects.has(`namespace/${name}`) ? null : `there is no namespace ${name}`)) ??
    first(call.flags.get('--filename'), (path) => pathProblem(path, facts)) ??
    first(call.flags.get('--kustomize'), (path) => pathProblem(`${path}/kustomization.yaml`, facts)) ??
    first(call.flags.get('--selector'), (selector) => selectorProblem(selector, call, manifests)) ??
    verbProblem(call, manifests, forwarded)
  );
}

/** Whether the labels are what a selector such as `a=b,c=d` asks for. */
export function isSelected(selector: string, labels: Labels): boolean {
  return selector.split(',').every((part) => {
    const [name = '', value] = part.split(/==?/);
    return value === undefined ? name in labels : labels[name] === value;
  });
}

/** The verb, what it is about, and the flags of a command; what stands behind `--` belongs to the container. */
export function callOf(words: readonly string[]): Call {
  const positionals: string[] = [];
  const flags = new Map<string, string[]>();
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  for (let at = 0; at < own.length; at++) {
    const word = own[at] ?? '';
    if (!word.startsWith('-')) {
      positionals.push(word);
      continue;
    }
    const [name = '', inline] = word.split(/=(.*)/s, 2);
    const value = inline ?? (withValue.has(name) ? own[++at] : 'true') ?? '';
    const key = longNames[name] ?? name;
    flags.set(key, [...(flags.get(key) ?? []), value]);
  }
  const [verb = '', ...rest] = positionals;
  return { verb, positionals: rest, flags };
}

function verbProblem(call: Call, manifests: Inventory, forwarded: Set<number>): string | null {
  const { verb, positionals } = call;
  switch (verb) {
    case 'version':
    case 'cluster-info':
      return null;
    case 'apply':
    case 'delete':
      if (call.flags.has('--filename') || call.flags.has('--kustomize'))
        return positionals.length === 0 ? null : 'it names files and objects';
      return verb === 'apply' ? 'it names no file' : objectsProblem(positionals, manifests);
    case 'get':
    case 'describe':
    case 'scale':
    case 'wait':
      return objectsProblem(positionals, manifests);
    case 'create':
      return secretProblem(call, manifests);
    case 'rollout':
      return ['status', 'restart', 'undo'].includes(positionals[0] ?? '')
        ? objectsProblem(positionals.slice(1), manifests)
        : `rollout has no ${positionals[0] ?? ''}`;
    case 'logs':
    case 'exec':
      return podProblem(call, manifests);
    case 'port-forward':
      return forwardProblem(positionals, manifests, forwarded);
    default:
      return `the check of the pages does not know kubectl ${verb}`;
  }
}

/** `create secret generic NAME --from-literal=KEY=...`: some pod reads that secret, and each of its keys. */
function secretProblem({ positionals, flags }: Call, manifests: Inventory): string | null {
  const [kind = '', type = '', name = ''] = positionals;
  if (kind !== 'secret' || type !== 'generic') return `the check of the pages does not know kubectl create ${kind} ${type}`.trimEnd();
  return first(flags.get('--from-literal'), (literal) => {
    const [key = ''] = literal.split('=');
    return manifests.secretKeys.has(`${name}/${key}`) ? null : `no pod reads ${key} of the secret ${name}`;
  });
}

/** `TYPE`, `TYPE NAME ...` or `TYPE/NAME ...`. */
function objectsProblem(positionals: readonly string[], manifests: Inventory): string | null {
  const [type = '', ...names] = positionals;
  const targets = type.includes('/') ? positionals : names.map((name) => `${type}/${name}`);
  if (targets.length > 0) return first(targets, (target) => targetProblem(target, manifests));
  const unknown = type.split(',').find((one) => !isKind(kindOf(one), manifests));
  return unknown === undefined ? null : `the manifests have no ${unknown}`;
}

/** Whether `TYPE/NAME` is in the manifests, or a pod that a StatefulSet of theirs makes. */
export function targetProblem(target: string, manifests: Inventory): string | null {
  const [type = '', name = ''] = target.split('/');
  const kind = kindOf(type);
  // The name of a pod is chosen by the cluster: a variable, or a replica of a StatefulSet.
  if (kind === 'pod')
    return name.startsWith('$') || statefulPod(name, manifests) !== undefined ? null : `no StatefulSet makes a pod ${name}`;
  return manifests.objects.has(`${kind}/${name}`) ? null : `the manifests have no ${kind} ${name}`;
}

function podProblem(call: Call, manifests: Inventory): string | null {
  const [target] = call.positionals;
  const selector = call.flags.get('--selector')?.[0];
  if (target === undefined && selector === undefined) return 'it names no pod';
  const path = target === undefined || target.includes('/') ? target : `pod/${target}`;
  const problem = path === undefined ? null : targetProblem(path, manifests);
  if (problem !== null) return problem;
  const candidates =
    path === undefined
      ? manifests.workloads.filter(({ podLabels }) => isSelected(selector ?? '', podLabels))
      : workloadsOf(path, manifests);
  return first(call.flags.get('--container'), (container) =>
    candidates.length === 0 || candidates.some(({ containers }) => containers.includes(container))
      ? null
      : `no such pod has a container ${container}`,
  );
}

function forwardProblem(positionals: readonly string[], manifests: Inventory, forwarded: Set<number>): string | null {
  const [target = '', ...ports] = positionals;
  const path = target.includes('/') ? target : `pod/${target}`;
  const problem = targetProblem(path, manifests);
  if (problem !== null) return problem;
  if (ports.length === 0) return 'it names no port';
  const name = path.split('/')[1] ?? '';
  const known =
    kindOf(path.split('/')[0] ?? '') === 'service'
      ? (manifests.services.find((service) => service.name === name)?.ports ?? [])
      : workloadsOf(path, manifests).flatMap((workload) => workload.ports);
  return first(ports, (pair) => {
    const [local = '', remote = local] = pair.split(':');
    forwarded.add(Number(local));
    return known.map(String).includes(remote) || name.startsWith('$') ? null : `${target} has no port ${remote}`;
  });
}

/** Of pods (and what makes them) by the pods' labels, of anything else by its own. */
function selectorProblem(selector: string, call: Call, manifests: Inventory): string | null {
  const kind = kindOf(call.positionals[0] ?? 'pod');
  const overPods = kind === 'pod' || call.verb === 'logs';
  const labels = overPods
    ? manifests.workloads.map(({ podLabels }) => podLabels)
    : manifests.labels.filter((one) => one.kind === kind).map((one) => one.labels);
  return labels.some((one) => isSelected(selector, one)) ? null : `nothing in the manifests has the labels ${selector}`;
}

function workloadsOf(path: string, manifests: Inventory): Workload[] {
  const [type = '', name = ''] = path.split('/');
  const kind = kindOf(type);
  const pod = kind === 'pod' ? statefulPod(name, manifests) : undefined;
  if (pod !== undefined) return [pod];
  return manifests.workloads.filter((workload) => workload.kind === kind && workload.name === name);
}

function statefulPod(name: string, manifests: Inventory): Workload | undefined {
  const [, owner = '', ordinal = ''] = /^(.+)-(\d+)$/.exec(name) ?? [];
  return manifests.workloads.find(
    (workload) => workload.kind === 'statefulset' && workload.name === owner && Number(ordinal) < workload.replicas,
  );
}

function isKind(kind: string, manifests: Inventory): boolean {
  return ['pod', 'node', 'event'].includes(kind) || [...manifests.objects].some((object) => object.startsWith(`${kind}/`));
}

/** `pods`, `po` and `pod` are one. */
function kindOf(type: string): string {
  return kinds[type.toLowerCase()] ?? type.toLowerCase();
}

function pathProblem(path: string, facts: DeploymentFacts): string | null {
  return path === '-' || facts.read(path) !== null ? null : `there is no ${path}`;
}

function first<T>(items: readonly T[] | undefined, check: (item: T) => string | null): string | null {
  for (const item of items ?? []) {
    const problem = check(item);
    if (problem !== null) return problem;
  }
  return null;
}
