import { describe, expect, it } from 'vitest';
import { namespaceFaults, podSecurityFaults } from '../../src/manifests/pod-security.js';
import { container, holds, planted, pod, rendered } from './rendered.js';

describe('the namespace', () => {
  it('refuses every pod that is not restricted', () => {
    expect(namespaceFaults(rendered.k8s)).toEqual([]);
  });

  it('would be found lax, or twice', () => {
    const enforce = '/metadata/labels/pod-security.kubernetes.io~1enforce';
    const lax = planted(rendered.k8s, 'Namespace/helios', { op: 'replace', path: enforce, value: 'baseline' });
    expect(namespaceFaults(lax)).toEqual(['Namespace/helios: its label pod-security.kubernetes.io/enforce is not "restricted"']);
    expect(namespaceFaults([...rendered.k8s, ...rendered.k8s])).toContain('there are 2 namespaces, not one');
  });
});

describe('every pod is restricted, bounded and pinned', () => {
  const ingest = 'Deployment/bid-request-handler';
  holds(podSecurityFaults, [
    ['root', ingest, { op: 'replace', path: `${pod}/securityContext/runAsNonRoot`, value: false }, 'runAsNonRoot is not true'],
    ['the user 0', ingest, { op: 'replace', path: `${pod}/securityContext/runAsUser`, value: 0 }, 'names no user but root'],
    ['no seccomp profile', 'StatefulSet/kafka', { op: 'remove', path: `${pod}/securityContext/seccompProfile` }, 'seccompProfile'],
    ["the node's network", ingest, { op: 'add', path: `${pod}/hostNetwork`, value: true }, 'hostNetwork is true'],
    [
      'a folder of the node',
      ingest,
      { op: 'add', path: `${pod}/volumes`, value: [{ name: 'node', hostPath: { path: '/' } }] },
      'volume node is of a kind that is not allowed (hostPath)',
    ],
    [
      'a folder that may grow',
      'StatefulSet/kafka',
      { op: 'remove', path: `${pod}/volumes/1/emptyDir/sizeLimit` },
      'emptyDir tmp has no sizeLimit',
    ],
    [
      'more privileges',
      'StatefulSet/postgres',
      { op: 'remove', path: `${container}/securityContext/allowPrivilegeEscalation` },
      'allowPrivilegeEscalation is not false',
    ],
    [
      'a root file system that can be written',
      'Deployment/redis',
      { op: 'replace', path: `${container}/securityContext/readOnlyRootFilesystem`, value: false },
      'readOnlyRootFilesystem is not true',
    ],
    [
      'a capability, in an init container',
      'Deployment/analytics-service',
      { op: 'add', path: `${pod}/initContainers/0/securityContext/capabilities/add`, value: ['NET_ADMIN'] },
      'container migrate: it adds capabilities',
    ],
    ['all capabilities', 'Job/topics', { op: 'remove', path: `${container}/securityContext/capabilities` }, 'does not drop ALL'],
    ['a token', ingest, { op: 'remove', path: `${pod}/automountServiceAccountToken` }, 'automountServiceAccountToken is not false'],
    [
      'a token of the default account',
      'Deployment/gateway',
      { op: 'remove', path: `${pod}/serviceAccountName` },
      'no service account of its own',
    ],
    ['variables made of Services', ingest, { op: 'remove', path: `${pod}/enableServiceLinks` }, 'enableServiceLinks is not false'],
    ['no request', ingest, { op: 'remove', path: `${container}/resources/requests/cpu` }, 'it requests no CPU'],
    ['memory without a bound', ingest, { op: 'remove', path: `${container}/resources/limits` }, 'its memory has no limit'],
    [
      'more memory than it asks for',
      ingest,
      { op: 'replace', path: `${container}/resources/limits/memory`, value: '2Gi' },
      'its memory limit is not its request',
    ],
    ['a CPU limit on the engine', ingest, { op: 'add', path: `${container}/resources/limits/cpu`, value: '1' }, 'its CPU has a limit'],
    ['the newest image', 'Deployment/redis', { op: 'replace', path: `${container}/image`, value: 'redis:latest' }, 'is not pinned'],
    [
      'an image by its tag alone',
      'Deployment/redis',
      { op: 'replace', path: `${container}/image`, value: 'redis:8.10.1' },
      'is not pinned to a digest',
    ],
    ['an image without a tag', 'Deployment/redis', { op: 'replace', path: `${container}/image`, value: 'redis' }, 'is not pinned'],
  ]);
});
