/**
 * `npm run test:long`: builds Helios and runs the end-to-end tests that take the longest: kills, overdrive, real servers. Ends with one line of
 * counts; with CI=true a skipped test is a failure.
 */
import { bin, TestRun } from './test-run.mjs';

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  process.stdout.write(`Usage: npm run test:long [-- VITEST ARGUMENTS]

Runs the end-to-end tests that npm test leaves out because of their length: every service killed under load, the pipeline driven far over what
it takes, the whole of it on Apache Kafka, Redis and PostgreSQL. Arguments go to vitest, for example: npm run test:long -- overdrive

  --observe   instead, a real Prometheus beside the real stack (npm run test:observe)
`);
  process.exit(0);
}

const observe = process.argv.includes('--observe');
const config = observe ? 'vitest.observe.config.ts' : 'vitest.long.config.ts';
const run = new TestRun(observe ? 'live tests' : 'long tests');
run.check({ name: 'build', command: [bin('tsc'), '-b'], needed: true });
run.check({ name: 'dashboard build', command: ['npm', 'run', '--silent', 'build', '--workspace', 'dashboard'], needed: true });
run.vitest(['--config', config, ...process.argv.slice(2).filter((argument) => argument !== '--observe')]);
run.finish();
