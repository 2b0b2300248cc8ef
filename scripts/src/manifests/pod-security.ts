import { type Container, containersOf, isOurs, type ManifestDocument, type Workload, workloadsOf } from './documents.js';

/**
 * What a pod may do: the restricted Pod Security standard and, beyond it, a read-only root file system, no token of the API server, no
 * variables made of Services, memory that is bounded, images that are pinned. Pure. Source: Kubernetes' Pod Security Standards.
 */

/** Who asks the API server for something, by the name of its workload. */
const asksApiServer: ReadonlySet<string> = new Set(['prometheus', 'gateway']);

/** Volumes that the restricted standard allows and that are used here. */
const allowedVolumes: ReadonlySet<string> = new Set(['name', 'configMap', 'emptyDir', 'persistentVolumeClaim', 'projected', 'secret']);

/** Whether the namespace itself refuses what is not restricted. */
export function namespaceFaults(documents: readonly ManifestDocument[]): string[] {
  const namespaces = documents.filter((document) => document.kind === 'Namespace');
  const faults = namespaces.flatMap(({ metadata }) =>
    ['enforce', 'warn', 'audit']
      .filter((mode) => metadata.labels?.[`pod-security.kubernetes.io/${mode}`] !== 'restricted')
      .map((mode) => `Namespace/${metadata.name}: its label pod-security.kubernetes.io/${mode} is not "restricted"`),
  );
  return namespaces.length === 1 ? faults : [`there are ${namespaces.length} namespaces, not one`, ...faults];
}

/** Every pod that may do more than it should, as sentences. */
export function podSecurityFaults(documents: readonly ManifestDocument[]): string[] {
  return workloadsOf(documents).flatMap((workload) => [
    ...podFaults(workload).map((fault) => `${workload.id}: ${fault}`),
    ...containersOf(workload).flatMap((container) =>
      [...containerFaults(container), ...resourceFaults(container), ...imageFaults(container)].map(
        (fault) => `${workload.id}, container ${container.name}: ${fault}`,
      ),
    ),
  ]);
}

function podFaults(workload: Workload): string[] {
  const { pod } = workload;
  const { securityContext } = pod;
  const faults: string[] = [];
  if (securityContext?.runAsNonRoot !== true) faults.push('runAsNonRoot is not true');
  if (!(Number(securityContext?.runAsUser) > 0)) faults.push('runAsUser names no user but root');
  if (securityContext?.seccompProfile?.type !== 'RuntimeDefault') faults.push('seccompProfile is not RuntimeDefault');
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) if (pod[field] === true) faults.push(`${field} is true`);
  for (const volume of pod.volumes ?? []) {
    const foreign = Object.keys(volume).filter((key) => !allowedVolumes.has(key));
    if (foreign.length > 0) faults.push(`volume ${volume.name} is of a kind that is not allowed (${foreign.join(', ')})`);
    if (volume.emptyDir !== undefined && volume.emptyDir.sizeLimit === undefined) faults.push(`emptyDir ${volume.name} has no sizeLimit`);
  }
  if (pod.enableServiceLinks !== false) faults.push('enableServiceLinks is not false');
  return [...faults, ...tokenFaults(workload)];
}

function tokenFaults({ name, pod }: Workload): string[] {
  if (!asksApiServer.has(name)) return pod.automountServiceAccountToken === false ? [] : ['automountServiceAccountToken is not false'];
  return pod.serviceAccountName === undefined || pod.serviceAccountName === 'default' ? ['it has no service account of its own'] : [];
}

function containerFaults({ securityContext: context }: Container): string[] {
  const faults: string[] = [];
  if (context?.allowPrivilegeEscalation !== false) faults.push('allowPrivilegeEscalation is not false');
  if (context?.readOnlyRootFilesystem !== true) faults.push('readOnlyRootFilesystem is not true');
  if (context?.privileged === true) faults.push('it is privileged');
  if (context?.runAsUser === 0) faults.push('it runs as root');
  if (context?.capabilities?.drop?.includes('ALL') !== true) faults.push('it does not drop ALL capabilities');
  if ((context?.capabilities?.add ?? []).length > 0) faults.push('it adds capabilities');
  return faults;
}

function resourceFaults(container: Container): string[] {
  const { requests, limits } = container.resources ?? {};
  const faults: string[] = [];
  if (requests?.['cpu'] === undefined) faults.push('it requests no CPU');
  if (requests?.['memory'] === undefined) faults.push('it requests no memory');
  if (limits?.['memory'] === undefined) faults.push('its memory has no limit');
  else if (limits['memory'] !== requests?.['memory'])
    faults.push('its memory limit is not its request: it is killed when its neighbours need theirs');
  // A quota is a share of every 100 ms: whoever has used it up stands still for the rest, which is where a p99 of 10 ms goes.
  if (isOurs(container) && limits?.['cpu'] !== undefined) faults.push('its CPU has a limit');
  return faults;
}

/** A tag can be moved to other bytes: others' images are held by their digest too. Ours are made of this repository, by its version. */
function imageFaults(container: Container): string[] {
  const { image } = container;
  const [, tag, digest] = /^[^@]*?:([\w.-]+)(@sha256:[0-9a-f]{64})?$/.exec(image) ?? [];
  if (tag === undefined || !/\d+\.\d+/.test(tag)) return [`its image ${image} is not pinned to a version`];
  return isOurs(container) || digest !== undefined ? [] : [`its image ${image} is not pinned to a digest`];
}
