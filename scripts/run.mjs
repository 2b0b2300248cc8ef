/**
 * Runs one of Helios' programs by name, after building whatever changed: `node scripts/run.mjs NAME [arguments]`.
 * Progress goes to standard error; standard output belongs to the program. Nothing changed costs a walk over the sources, no compiler.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const programs = {
  start: { file: 'scripts/dist/start.js', what: 'run the whole pipeline on this machine (npm start)' },
  stack: { file: 'scripts/dist/stack.js', what: 'run it on Apache Kafka, Redis and PostgreSQL of this machine (npm run stack)' },
  topics: { file: 'engine/dist/main.js', args: ['topics'], what: 'create the topics on the Kafka of KAFKA_BROKERS' },
  generate: { file: 'scripts/dist/generate.js', what: 'print generated bid requests or user profiles' },
  replay: { file: 'scripts/dist/replay.js', what: 'send recorded bid requests at a constant rate and check what became of them' },
  'dead-letters': { file: 'scripts/dist/dead-letters/main.js', what: 'list, show and replay the messages that no service could handle' },
  'load-outcomes': { file: 'scripts/dist/load-outcomes.js', what: 'fill the database with made-up outcomes, up to millions' },
  configuration: {
    file: 'scripts/dist/configuration.js',
    what: "write docs/configuration.md and the list of known variables from the services' schemas",
  },
  openapi: { file: 'scripts/dist/openapi.js', what: "write docs/openapi.json from the schemas of the analytics API's routes" },
  dashboards: { file: 'scripts/dist/dashboards/main.js', what: "write Grafana's dashboards from their code" },
  'kubernetes-schemas': {
    file: 'scripts/dist/manifests/schemas-file.js',
    what: 'write the schemas that the tests judge the manifests by, from those of kubectl-validate',
  },
  observe: { file: 'scripts/dist/observe/main.js', what: 'run a Prometheus beside what runs on this machine (npm run observe)' },
  'observe-pictures': { file: 'scripts/dist/observe/pictures.js', what: 'take the pictures of docs/observability.md' },
  seed: { file: 'profile-svc/dist/seed.js', what: 'store mock user profiles in Redis' },
  bench: { file: 'bench/dist/main.js', what: 'measure' },
  'prove-images': {
    file: 'scripts/dist/images/main.js',
    what: 'build and prove the images without a Docker engine (scripts/prove-images)',
  },
  gate: { file: 'bench/dist/gate/main.js', what: 'judge the latency and the CPU cost of ingest (npm run bench:gate)' },
  faults: { file: 'bench/dist/faults/main.js', what: 'inject faults into real processes and check that nothing accepted is lost' },
  walks: { file: 'scripts/dist/walks/main.js', what: 'run and check the commands of the documents, from their pages (npm run walks)' },
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === '--help' || name === '-h') {
  const lines = Object.entries(programs).map(([key, program]) => `  ${key.padEnd(18)}${program.what}`);
  process.stdout.write(`Usage: node scripts/run.mjs NAME [arguments]\n\n${lines.join('\n')}\n\nEach of them has a --help of its own.\n`);
  process.exit(0);
}
const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
if (program === undefined) {
  process.stderr.write(`There is no program ${name}; there are: ${Object.keys(programs).join(', ')}.\n`);
  process.exit(2);
}
const file = join(root, program.file);
buildSources(file);
if (['start', 'stack', 'prove-images'].includes(name)) buildDashboard();
// The program sees the arguments as if node had been started with its file.
process.argv = [process.argv[0], file, ...(program.args ?? []), ...args];
await import(pathToFileURL(file).href);

function buildSources(wanted) {
  const workspaces = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).workspaces;
  const roots = ['tsconfig.json', 'tsconfig.base.json', 'package-lock.json'];
  for (const workspace of workspaces) roots.push(`${workspace}/tsconfig.json`, `${workspace}/package.json`, ...sourcesOf(workspace));
  const seen = fingerprint(roots);
  const outputs = [
    wanted,
    ...workspaces.filter((name) => existsSync(join(root, name, 'tsconfig.json'))).map((name) => join(root, name, 'dist')),
  ];
  if (stampOf('build') === seen && outputs.every((output) => existsSync(output))) return;
  process.stderr.write('Building ...\n');
  const startedMs = Date.now();
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], 'The build');
  process.stderr.write(`Built in ${((Date.now() - startedMs) / 1000).toFixed(1)} s.\n`);
  stamp('build', seen);
}

/** What a workspace's tsconfig.json includes: folders, and `*.ts` for the files beside it. */
function sourcesOf(workspace) {
  const config = join(root, workspace, 'tsconfig.json');
  if (!existsSync(config)) return [];
  return JSON.parse(readFileSync(config, 'utf8')).include.flatMap((entry) => {
    if (entry !== '*.ts') return [`${workspace}/${entry}`];
    const files = readdirSync(join(root, workspace)).filter((name) => name.endsWith('.ts'));
    return files.map((name) => `${workspace}/${name}`);
  });
}

function buildDashboard() {
  if (!existsSync(join(root, 'dashboard/vite.config.ts'))) return;
  const seen = fingerprint([
    'dashboard/src',
    'dashboard/index.html',
    'dashboard/public',
    'dashboard/vite.config.ts',
    'dashboard/tsconfig.client.json',
    'package-lock.json',
  ]);
  if (stampOf('dashboard') === seen && existsSync(join(root, 'dashboard/dist/client/index.html'))) return;
  process.stderr.write('Building the dashboard ...\n');
  run('npm', ['run', '--silent', 'build', '--workspace', 'dashboard'], "The dashboard's build");
  stamp('dashboard', seen);
}

/** Runs a build step with all of its output on standard error, and ends with its status when it fails. */
function run(command, argv, what) {
  const result = spawnSync(command, argv, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status === 0) return;
  process.stderr.write(`${what} failed${result.error === undefined ? '' : `: ${result.error.message}`}.\n`);
  process.exit(result.status ?? 1);
}

/** One hash over path, size and time of every file under the given paths; absent ones count as absent. */
function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version);
  const visit = (path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isDirectory()) for (const entry of readdirSync(join(root, path)).toSorted()) visit(`${path}/${entry}`);
    else hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
  };
  for (const path of paths) visit(path);
  return hash.digest('hex');
}

function stampOf(what) {
  try {
    return readFileSync(join(root, '.helios', `${what}.stamp`), 'utf8');
  } catch {
    return null; // never built
  }
}

function stamp(what, seen) {
  mkdirSync(join(root, '.helios'), { recursive: true });
  writeFileSync(join(root, '.helios', `${what}.stamp`), seen);
}
