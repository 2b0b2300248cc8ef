/**
 * `npm run test:browser`: builds Helios and its page, and looks at the page in the system's Chromium. Ends with one line of counts; with
 * CI=true a skipped test is a failure.
 */
import { bin, TestRun } from './test-run.mjs';

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  process.stdout.write(`Usage: npm run test:browser [-- VITEST ARGUMENTS]

Runs the tests of the dashboard in a real browser (dashboard/test/browser), over a real database, the API and the dashboard's server; one of
them over the whole pipeline. Pictures of every state go to dashboard/.out/screenshots. HELIOS_CHROMIUM names the browser's program where
it is not on the PATH. Arguments go to vitest, for example: npm run test:browser -- states
`);
  process.exit(0);
}

const run = new TestRun('browser tests');
run.check({ name: 'build', command: [bin('tsc'), '-b'], needed: true });
run.check({ name: 'dashboard build', command: ['npm', 'run', '--silent', 'build', '--workspace', 'dashboard'], needed: true });
run.vitest(['--config', 'vitest.browser.config.ts', ...process.argv.slice(2)]);
run.finish();
