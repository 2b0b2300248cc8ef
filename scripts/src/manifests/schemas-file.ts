/**
 * `node scripts/run.mjs kubernetes-schemas`: writes scripts/kubernetes/schemas.json, by which the tests judge manifests, from the schemas that
 * kubectl-validate carries (copies of Kubernetes' own OpenAPI documents). Needs Go; with --check it only says whether the file is up to date.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../cli.js';
import { generate } from '../generated-files.js';
import type { KubernetesSchemas } from './schema.js';
import { extract, type OpenApiDocument } from './schema-extract.js';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** The oldest that the manifests are for: what it takes, newer ones take too. */
const VERSION = '1.30';
const FILE = 'scripts/kubernetes/schemas.json';

/** Every kind that stands below k8s/. */
const kinds = [
  'v1/ConfigMap',
  'v1/Namespace',
  'v1/PersistentVolumeClaim',
  'v1/Service',
  'v1/ServiceAccount',
  'apps/v1/Deployment',
  'apps/v1/StatefulSet',
  'autoscaling/v2/HorizontalPodAutoscaler',
  'batch/v1/Job',
  'networking.k8s.io/v1/Ingress',
  'networking.k8s.io/v1/IngressClass',
  'networking.k8s.io/v1/NetworkPolicy',
  'policy/v1/PodDisruptionBudget',
  'rbac.authorization.k8s.io/v1/ClusterRole',
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding',
  'rbac.authorization.k8s.io/v1/Role',
  'rbac.authorization.k8s.io/v1/RoleBinding',
];

const HELP = `Usage: node scripts/run.mjs kubernetes-schemas [--check]

Writes ${FILE}: what Kubernetes ${VERSION} says of ${kinds.length} kinds, from the schemas of kubectl-validate. Needs Go.

  --check   write nothing; exit 1 when the file is not what would be written
`;

await runProgram('kubernetes-schemas', (args) =>
  generate(args, 'node scripts/run.mjs kubernetes-schemas', HELP, () => {
    const folder = join(moduleFolder(), 'pkg/openapiclient/builtins', VERSION);
    const groups = [...new Set(kinds.map((kind) => kind.slice(0, kind.lastIndexOf('/'))))];
    const documents = groups.map((group) => {
      const path = group === 'v1' ? 'api/v1.json' : `apis/${group}.json`;
      return JSON.parse(readFileSync(join(folder, path), 'utf8')) as OpenApiDocument;
    });
    return { [FILE]: fileText(extract(documents, kinds, VERSION)) };
  }),
);

/** A definition a line, so that a new version of Kubernetes shows what it changes. */
function fileText({ version, kinds: names, definitions }: KubernetesSchemas): string {
  const lines = Object.entries(definitions).map(([name, definition]) => `${JSON.stringify(name)}:${JSON.stringify(definition)}`);
  return `{"version":${JSON.stringify(version)},\n"kinds":${JSON.stringify(names)},\n"definitions":{\n${lines.join(',\n')}\n}}\n`;
}

/** Where Go keeps the source of kubectl-validate. */
function moduleFolder(): string {
  const args = ['mod', 'download', '-json', 'sigs.k8s.io/kubectl-validate'];
  const { status, stdout, stderr } = spawnSync('go', args, { cwd: join(root, 'scripts/kubectl-validate'), encoding: 'utf8' });
  if (status !== 0) throw new Error(`Go did not fetch kubectl-validate: ${stderr ?? 'there is no Go'}`);
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}
