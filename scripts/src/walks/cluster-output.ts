import { callOf, isSelected, targetProblem } from './kubectl.js';
import type { Inventory, Workload } from './manifests.js';
import type { ShellCommand } from './shell-words.js';

/**
 * What a page says that commands in a cluster print: lines about objects name objects, lines of logs come from pods that are made, and every
 * row of a table of pods is such a pod, with as many containers; where pods are selected by labels, there are as many rows as replicas. Pure.
 */
export function clusterOutputProblem(commands: readonly ShellCommand[], shown: string, manifests: Inventory): string | null {
  for (const line of shown.split('\n')) {
    const problem = lineProblem(line, manifests);
    if (problem !== null) return problem;
  }
  return podTableProblem(commands, shown, manifests);
}

/** `configmap/helios-config created`, `deployment "x" successfully rolled out`, `[pod/x-<id>/container] ...`; any other line passes. */
function lineProblem(line: string, manifests: Inventory): string | null {
  const object = /^([a-z]+)(?:\.[a-z0-9.]+)?\/(\S+) (?:created|configured|unchanged|condition met|restarted|scaled)$/.exec(line);
  if (object !== null) return objectProblem(object[1] ?? '', object[2] ?? '', manifests);
  const rollout = /^([a-z]+) "([^"]+)" successfully rolled out$/.exec(line);
  if (rollout !== null) return objectProblem(rollout[1] ?? '', rollout[2] ?? '', manifests);
  const log = /^\[pod\/([^/\s]+)\/([^\]\s]+)\]/.exec(line);
  if (log === null) return null;
  const [, pod = '', container = ''] = log;
  const owner = ownerOf(pod, manifests);
  if (owner === undefined) return `no manifest makes a pod ${pod}`;
  return owner.containers.includes(container) ? null : `${pod} has no container ${container}`;
}

/** A kustomization makes names that end in a hash. */
function objectProblem(kind: string, name: string, manifests: Inventory): string | null {
  return targetProblem(`${kind}/${name.replace(/-<id>$/, '')}`, manifests);
}

function podTableProblem(commands: readonly ShellCommand[], shown: string, manifests: Inventory): string | null {
  const calls = commands.filter(({ words }) => words[0] === 'kubectl').map(({ words }) => callOf(words.slice(1)));
  const call = calls.find(({ verb, positionals }) => verb === 'get' && /^(pods?|po)$/.test(positionals[0] ?? ''));
  const lines = shown.split('\n').filter((line) => line.trim() !== '');
  const first = lines.findIndex((line) => /^NAME\s+READY\s/.test(line));
  if (call === undefined || first === -1) return null;
  const after = lines.slice(first + 1);
  const rows = after.filter((line) => /\s\d+\/\d+\s/.test(line)).map((line) => line.trim().split(/\s+/));
  const owners: Workload[] = [];
  for (const [name = '', ready = '', status = ''] of rows) {
    const owner = ownerOf(name, manifests);
    if (owner === undefined) return `no manifest makes a pod ${name}`;
    owners.push(owner);
    const problem = readyProblem(name, ready, status, owner);
    if (problem !== null) return problem;
  }
  const selector = call.flags.get('--selector')?.[0];
  const isOpen = after.some((line) => line.trim() === '...');
  return selector === undefined || isOpen ? null : countProblem(selector, owners, manifests);
}

/** Deployments and Jobs make names from an id, StatefulSets from an ordinal. */
function ownerOf(pod: string, manifests: Inventory): Workload | undefined {
  return manifests.workloads.find(({ kind, name, replicas }) => {
    if (!pod.startsWith(`${name}-`)) return false;
    const rest = pod.slice(name.length + 1);
    return kind === 'statefulset' ? /^\d+$/.test(rest) && Number(rest) < replicas : rest === '<id>';
  });
}

function readyProblem(name: string, ready: string, status: string, { runningContainers }: Workload): string | null {
  const shouldBe = `${status === 'Completed' ? 0 : runningContainers}/${runningContainers}`;
  return ready === shouldBe ? null : `${name} is ${status} with ${shouldBe} containers ready, and the page shows ${ready}`;
}

function countProblem(selector: string, owners: readonly Workload[], manifests: Inventory): string | null {
  for (const workload of manifests.workloads.filter(({ podLabels }) => isSelected(selector, podLabels))) {
    const count = owners.filter((owner) => owner === workload).length;
    if (count !== workload.replicas) return `${workload.name} has ${workload.replicas} replica(s), and the page shows ${count}`;
  }
  const stray = owners.find((owner) => !isSelected(selector, owner.podLabels));
  return stray === undefined ? null : `${stray.name} does not have the labels ${selector}`;
}
