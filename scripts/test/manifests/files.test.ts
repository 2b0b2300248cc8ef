import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { idOf, type ManifestDocument } from '../../src/manifests/documents.js';
import { render } from '../../src/manifests/kustomize.js';
import { type KubernetesSchemas, schemaFaults } from '../../src/manifests/schema.js';
import { container, files, filesBelow, holds, planted, rendered, root, yamlDocuments } from './rendered.js';

const schemas = JSON.parse(readFileSync(join(root, 'scripts/kubernetes/schemas.json'), 'utf8')) as KubernetesSchemas;
const validator = spawnSync(join(root, 'scripts/install-kubectl-validate'), ['--path'], { encoding: 'utf8' });
const all = filesBelow('k8s');
const folder = mkdtempSync(join(tmpdir(), 'helios-manifests-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the files below k8s', () => {
  it.each(all.filter((path) => /\.ya?ml$/.test(path)))('%s is YAML, without a key that stands twice', (path) => {
    expect(files.documents(path).length).toBeGreaterThan(0);
  });

  it('would be found to have a key that stands twice, or a value that is cut off', () => {
    expect(() => yamlDocuments('a: 1\na: 2\n', 'x.yaml')).toThrow('x.yaml: Map keys must be unique');
    expect(() => yamlDocuments('a: [1\n', 'x.yaml')).toThrow('x.yaml:');
  });

  it('are all part of what is applied', () => {
    const read = new Set<string>();
    const watched = {
      text: (path: string) => (read.add(path), files.text(path)),
      documents: (path: string) => (read.add(path), files.documents(path)),
    };
    for (const path of Object.keys(rendered)) render(path, watched);
    const others = all.filter((path) => !read.has(path));
    // Tests of the rules, and what kind makes a cluster from.
    expect(others.filter((path) => !path.includes('/rules/tests/'))).toEqual(['k8s/overlays/local/kind.yaml']);
  });

  it('hold no Secret, and no password', () => {
    for (const documents of Object.values(rendered)) expect(documents.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    for (const path of all.filter((name) => /\.ya?ml$|\.conf$|\.properties$/.test(name)))
      expect(files.text(path), path).not.toMatch(/^\s*(?:password|passwd|requirepass)\s*[:= ]\s*\S/im);
  });
});

describe(`by the schemas of Kubernetes ${schemas.version}`, () => {
  const check = (documents: readonly ManifestDocument[]): string[] => documents.flatMap((document) => schemaFaults(document, schemas));
  const ingest = 'Deployment/bid-request-handler';
  holds(check, [
    [
      'an unknown field',
      ingest,
      { op: 'add', path: `${container}/readOnlyRootFilesystem`, value: true },
      'readOnlyRootFilesystem is no field',
    ],
    ['a field of another kind', ingest, { op: 'add', path: '/spec/serviceName', value: 'x' }, 'spec.serviceName is no field'],
    ['a missing field', ingest, { op: 'remove', path: '/spec/selector' }, 'spec.selector is missing'],
    ['a wrong type', ingest, { op: 'replace', path: '/spec/replicas', value: '2' }, 'spec.replicas must be of type integer'],
    ['a list that is none', ingest, { op: 'replace', path: `${container}/args`, value: 'ingest' }, 'args must be of type array'],
    [
      'a number where text belongs',
      'ConfigMap/helios-config',
      { op: 'replace', path: '/data/ADMIN_PORT', value: 9100 },
      'data.ADMIN_PORT must be of type string',
    ],
    [
      'a port that is a list',
      ingest,
      { op: 'replace', path: `${container}/livenessProbe/httpGet/port`, value: [1] },
      'port must be of type',
    ],
    [
      'an older version',
      'Ingress/bids',
      { op: 'replace', path: '/apiVersion', value: 'networking.k8s.io/v1beta1' },
      'no Ingress of networking.k8s.io/v1beta1',
    ],
  ]);
});

/**
 * Two programs say the last word where they are at hand: kubectl-validate (scripts/install-kubectl-validate) and kubectl. Without them the checks
 * above stand for the first and the tests of kustomize.ts for the second, so that what is not there is no skipped test.
 */
const whereAtHand = (there: boolean, name: string, suite: () => void): void => {
  if (there) describe(name, suite);
};

whereAtHand(validator.status === 0, "by the API server's own validation", () => {
  const validate = (documents: readonly ManifestDocument[]): { status: number | null; said: string } => {
    const file = join(folder, 'rendered.yaml');
    const noCluster = join(folder, 'kubeconfig');
    writeFileSync(noCluster, '');
    writeFileSync(file, documents.map((document) => stringify(document)).join('---\n'));
    const { status, stdout, stderr } = spawnSync(validator.stdout.trim(), ['--version', schemas.version, file], {
      encoding: 'utf8',
      env: { ...process.env, KUBECONFIG: noCluster },
    });
    return { status, said: `${stdout}${stderr}` };
  };

  it.each(Object.entries(rendered))('%s is valid', (_, documents) => {
    const { status, said } = validate(documents);
    expect(status, said).toBe(0);
  });

  it.each([
    ['an unknown field', { op: 'add', path: `${container}/imagePullPolice`, value: 'Always' }, 'imagePullPolice'],
    ['a name that is none', { op: 'replace', path: '/metadata/name', value: 'Bid_Handler' }, 'Bid_Handler'],
    ['a port twice', { op: 'add', path: `${container}/ports/-`, value: { containerPort: 8080 } }, 'Duplicate value'],
  ] as const)('a planted fault is found: %s', (_, change, says) => {
    const { status, said } = validate(planted(rendered.k8s, 'Deployment/bid-request-handler', change));
    expect(status).not.toBe(0);
    expect(said).toContain(says);
  });
});

// Older ones bring a kustomize that knows no components.
const { stdout: kubectlVersion } = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });

whereAtHand(/^Kustomize Version: v5\./m.test(kubectlVersion ?? ''), 'what these tests read is what kubectl applies', () => {
  const byKubectl = (path: string): ManifestDocument[] => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', path], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    expect(status, stderr).toBe(0);
    const names = rendered.k8s.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name);
    const plain = names.reduce((text, name) => text.replaceAll(new RegExp(`\\b${name}-[bcdfghkmt2456789]{10}\\b`, 'g'), name), stdout);
    return yamlDocuments(plain, path) as ManifestDocument[];
  };
  const sorted = (documents: readonly ManifestDocument[]) => documents.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));

  it.each(Object.entries(rendered))('%s', { timeout: 60_000 }, (path, documents) => {
    expect(sorted(documents)).toEqual(sorted(byKubectl(path)));
  });
});
