/**
 * `npm test`: builds, checks types, style and generated files, runs every test, and ends with one line of counts. Each check that is no
 * vitest test counts as one test. With CI=true a skipped test is a failure, except those of the shared corpus, which the project does not own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules/.bin', name);

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
  { name: 'generated protobuf code', command: [join(root, 'scripts/generate-proto'), '--check'] },
  { name: 'generated configuration', command: [process.execPath, join(root, 'scripts/run.mjs'), 'configuration', '--check'] },
  { name: 'generated OpenAPI document', command: [process.execPath, join(root, 'scripts/run.mjs'), 'openapi', '--check'] },
];

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
for (const { name, command, needed } of checks) {
  if (runStep(name, command).status === 0) counts.passed++;
  else {
    counts.failed++;
    failures.push(name);
    if (needed) finish();
  }
}
runVitest();
finish();

function runVitest() {
  const folder = mkdtempSync(join(tmpdir(), 'helios-test-'));
  const reportFile = join(folder, 'report.json');
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/test-reporter.mjs')}`];
  const result = runStep('tests', [bin('vitest'), 'run', ...reporters, ...process.argv.slice(2)], { HELIOS_TEST_REPORT: reportFile });
  let report;
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    counts.failed++;
    failures.push('vitest did not finish');
    return;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  counts.passed += report.passed;
  counts.failed += report.failed + report.brokenFiles.length + report.unhandledErrors;
  for (const file of report.brokenFiles) failures.push(`${file} (the file or one of its hooks)`);
  if (report.failed > 0) failures.push(`${report.failed} test(s), listed above`);
  if (report.unhandledErrors > 0) failures.push(`${report.unhandledErrors} error(s) outside of any test`);
  countSkips(report.skipped);
  if (result.status !== 0 && counts.failed === 0) {
    counts.failed++;
    failures.push(`vitest exited with ${result.status ?? result.signal}`);
  }
}

function countSkips(skipped) {
  const strict = process.env.CI === 'true';
  if (skipped.length > 0) process.stdout.write('\nskipped:\n');
  for (const { file, name, reason } of skipped) {
    const fails = strict && !/shared corpus/i.test(name);
    if (fails) counts.failed++;
    else counts.skipped++;
    if (fails) failures.push(`${file}: ${name} was skipped, which CI=true does not allow`);
    process.stdout.write(`  ${file}: ${name}${reason === null ? '' : ` (${reason})`}\n`);
  }
}

function runStep(name, command, env = {}) {
  process.stdout.write(`\n== ${name}\n`);
  const startedMs = Date.now();
  const [file, ...args] = command;
  const result = spawnSync(file, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
  if (result.error !== undefined) process.stdout.write(`${file} could not run: ${result.error.message}\n`);
  process.stdout.write(`== ${name}: ${result.status === 0 ? 'passed' : 'FAILED'} in ${((Date.now() - startedMs) / 1000).toFixed(1)} s\n`);
  return result;
}

function finish() {
  if (failures.length > 0) process.stdout.write(`\nfailed:\n${failures.map((failure) => `  ${failure}\n`).join('')}`);
  process.stdout.write(`\ntests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  process.exit(counts.failed === 0 ? 0 : 1);
}
