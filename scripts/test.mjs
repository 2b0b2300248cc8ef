/**
 * `npm test`: builds, checks types, style and generated files, runs every test, and ends with one line of counts. Each check that is no
 * vitest test counts as one test. With CI=true a skipped test is a failure, except those of the shared corpus, which the project does not own.
 */
import { join } from 'node:path';
import { bin, root, TestRun } from './test-run.mjs';

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  process.stdout.write(`Usage: npm test [-- VITEST ARGUMENTS]

Runs the build, the linter, the types of the tests, the drift checks of generated files and all tests.
Arguments go to vitest, for example: npm test -- scripts/test/accounting.test.ts
With CI=true a skipped test is a failure, except those whose name contains "shared corpus".
`);
  process.exit(0);
}

const checks = [
  { name: 'build', command: [bin('tsc'), '-b'], needed: true },
  { name: 'dashboard build', command: ['npm', 'run', '--silent', 'build', '--workspace', 'dashboard'] },
  { name: 'lint and format', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'types of the tests', command: [bin('tsc'), '-p', 'tsconfig.test.json'] },
  { name: 'types of the browser tests', command: [bin('tsc'), '-p', 'dashboard/test/browser'] },
  { name: 'types of the k6 scenarios', command: [bin('tsc'), '-p', 'bench/k6'] },
  { name: 'generated protobuf code', command: [join(root, 'scripts/generate-proto'), '--check'] },
  { name: 'generated configuration', command: [process.execPath, join(root, 'scripts/run.mjs'), 'configuration', '--check'] },
  { name: 'generated OpenAPI document', command: [process.execPath, join(root, 'scripts/run.mjs'), 'openapi', '--check'] },
  { name: 'generated dashboards', command: [process.execPath, join(root, 'scripts/run.mjs'), 'dashboards', '--check'] },
  { name: 'tables of the measurements', command: [process.execPath, join(root, 'scripts/run.mjs'), 'bench', '--table', '--check'] },
];

const run = new TestRun('tests');
for (const check of checks) run.check(check);
run.vitest(process.argv.slice(2));
run.finish();
