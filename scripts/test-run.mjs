/**
 * What scripts/test.mjs and scripts/browser-tests.mjs share: checks and vitest runs that are counted, skips that CI=true does not allow, and
 * one last line with the counts.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const bin = (name) => join(root, 'node_modules/.bin', name);

export class TestRun {
  #label;
  #counts = { passed: 0, failed: 0, skipped: 0 };
  #failures = [];

  /** `label` begins the last line: `<label>: N passed, N failed, N skipped`. */
  constructor(label) {
    this.#label = label;
  }

  /** Runs a command that counts as one test; where a `needed` one fails, the run ends. */
  check({ name, command, needed }) {
    if (runStep(name, command).status === 0) {
      this.#counts.passed++;
      return;
    }
    this.#counts.failed++;
    this.#failures.push(name);
    if (needed) this.finish();
  }

  /** Runs vitest and counts its tests. */
  vitest(args) {
    const folder = mkdtempSync(join(tmpdir(), 'helios-test-'));
    const reportFile = join(folder, 'report.json');
    const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/test-reporter.mjs')}`];
    const result = runStep(this.#label, [bin('vitest'), 'run', ...reporters, ...args], { HELIOS_TEST_REPORT: reportFile });
    let report;
    try {
      report = JSON.parse(readFileSync(reportFile, 'utf8'));
    } catch {
      this.#counts.failed++;
      this.#failures.push('vitest did not finish');
      return;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    this.#counts.passed += report.passed;
    this.#counts.failed += report.failed + report.brokenFiles.length + report.unhandledErrors;
    for (const file of report.brokenFiles) this.#failures.push(`${file} (the file or one of its hooks)`);
    if (report.failed > 0) this.#failures.push(`${report.failed} test(s), listed above`);
    if (report.unhandledErrors > 0) this.#failures.push(`${report.unhandledErrors} error(s) outside of any test`);
    this.#countSkips(report.skipped);
    if (result.status !== 0 && this.#counts.failed === 0) {
      this.#counts.failed++;
      this.#failures.push(`vitest exited with ${result.status ?? result.signal}`);
    }
  }

  #countSkips(skipped) {
    const strict = process.env.CI === 'true';
    if (skipped.length > 0) process.stdout.write('\nskipped:\n');
    for (const { file, name, reason } of skipped) {
      const fails = strict && !/shared corpus/i.test(name);
      if (fails) this.#counts.failed++;
      else this.#counts.skipped++;
      if (fails) this.#failures.push(`${file}: ${name} was skipped, which CI=true does not allow`);
      process.stdout.write(`  ${file}: ${name}${reason === null ? '' : ` (${reason})`}\n`);
    }
  }

  /** Prints what failed and the counts, and ends the process. */
  finish() {
    const { passed, failed, skipped } = this.#counts;
    if (this.#failures.length > 0) process.stdout.write(`\nfailed:\n${this.#failures.map((failure) => `  ${failure}\n`).join('')}`);
    process.stdout.write(`\n${this.#label}: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    process.exit(failed === 0 ? 0 : 1);
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
