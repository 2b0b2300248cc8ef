import { describe, expect, it } from 'vitest';
import { coverageFaults, coverRows, listedCommands } from '../../src/walks/coverage.js';
import { readPage } from '../../src/walks/page.js';

const ciScript = `
step "npm ci" npm ci
step "npm test" npm test
step "long tests" npm run --silent test:long
step "fault rows" npm run --silent faults -- --ci
`;
const scripts = {
  start: 'scripts/build-native && exec node scripts/run.mjs start',
  stack: 'scripts/build-native && exec node scripts/run.mjs stack',
  test: 'exec node scripts/test.mjs',
  'test:long': 'exec node scripts/long-tests.mjs',
  faults: 'exec node scripts/run.mjs faults',
  'api:generate': 'node scripts/run.mjs openapi',
};
const files: Record<string, string> = {
  'scripts/test.mjs': "command: ['openapi', '--check']",
  'scripts/test/stack.long.test.ts': "spawn('stack', '--brokers', '3')",
  'scripts/test/start.e2e.test.ts': "start('--traffic', '5')",
};
const facts = { ciScript, scripts, read: (path: string) => files[path] ?? null };
const block = (marker: string, command: string) => `<!-- walk: ${marker} -->\n\`\`\`sh\n${command}\n\`\`\`\n`;
const table = (...rows: string[]) =>
  `## Commands that other steps of CI run\n\n| command | step | run there by |\n|---|---|---|\n${rows.join('\n')}\n`;

function faultsOf(page: string, rows: string, readme = ''): string[] {
  const listed = listedCommands('README.md', readme);
  return coverageFaults([readPage('docs/page.md', page).page], listed, coverRows(rows), facts).map(
    (fault) => `${fault.page}:${fault.line}: ${fault.why}`,
  );
}

describe('a command that no page runs', () => {
  it.each([
    ['is a step of CI', block('covered', 'npm ci && npm test   # both'), table('| `npm ci` | npm ci | |', '| `npm test` | npm test | |')],
    [
      'is run by a test within a step',
      block('covered', 'npm run stack -- --brokers 3'),
      table('| `npm run stack -- --brokers 3` | long tests | `scripts/test/stack.long.test.ts` |'),
    ],
    [
      'is run under the name that the code has',
      block('covered', 'npm run api:generate'),
      table('| `npm run api:generate` | npm test | `scripts/test.mjs` |'),
    ],
    [
      'is run by another block after all, with other values and more flags',
      `${block('covered', 'npm run stack')}${block('local', 'npm run -s stack -- --traffic 20 | cat')}`,
      '',
    ],
    ['is not run, for a reason', block('covered', 'npm run bench:gate'), table('| `npm run bench:gate` | none | not settled |')],
  ])('%s', (_, page, rows) => {
    expect(faultsOf(page, rows)).toEqual([]);
  });

  it.each([
    ['stands in no row', block('covered', 'npm test'), '', /^docs\/page\.md:2: no page runs "npm test"/],
    [
      'has a flag that nothing runs',
      `${block('covered', 'npm run stack -- --brokers 3')}${block('local', 'npm run stack')}`,
      '',
      /no page runs "npm run stack -- --brokers 3"/,
    ],
    [
      'has variables that nothing runs it with',
      `${block('covered', 'DB_HOST=db npm start')}${block('local', 'npm start')}`,
      '',
      /no page runs "npm start"/,
    ],
    ['is the first part of another block', block('start name=a after="npm ci"', 'npm ci && npm start'), '', /no page runs "npm ci"/],
    ['names a step that is gone', block('covered', 'npm test'), table('| `npm test` | all tests | |'), /\.ci\/run has no step "all tests"/],
    [
      'names a step that runs something else',
      block('covered', 'npm test'),
      table('| `npm test` | npm ci | |'),
      /the step "npm ci" runs "npm ci", not "npm test"/,
    ],
    [
      'names a file that is gone',
      block('covered', 'npm run stack'),
      table('| `npm run stack` | long tests | `scripts/test/gone.long.test.ts` |'),
      /there is no file/,
    ],
    [
      'names a file of another step',
      block('covered', 'npm run stack'),
      table('| `npm run stack` | npm test | `scripts/test/stack.long.test.ts` |'),
      /the step "npm test" does not run scripts\/test\/stack/,
    ],
    [
      'names a file that does not run it',
      block('covered', 'npm run stack -- --ingest 2'),
      table('| `npm run stack -- --ingest 2` | long tests | `scripts/test/stack.long.test.ts` |'),
      /does not hold "--ingest"/,
    ],
    [
      'is said not to be run, without a reason',
      block('covered', 'npm run bench:gate'),
      table('| `npm run bench:gate` | none | |'),
      /the reason is missing/,
    ],
    [
      'is said not to be run, and is',
      block('covered', 'npm test'),
      table('| `npm test` | none | too long |'),
      /CI runs "npm test" in its step "npm test" now/,
    ],
  ])('is a fault when it %s', (_, page, rows, expected) => {
    expect(faultsOf(page, rows).join('\n')).toMatch(expected);
  });

  it('is a fault of the table when no page needs its row', () => {
    expect(faultsOf('', table('| `npm test` | npm test | |'))).toEqual(['docs/testing/README.md:5: no page needs the row of "npm test"']);
  });
});

it('the table of commands in the README counts too, every command of its first column', () => {
  const readme =
    '## Commands\n\n| command | what |\n|---|---|\n| `npm run lint`, `npm run format` | `npm run other` is told only |\n\n## More\n\n| `npm run other` | x |\n';
  expect(listedCommands('README.md', readme)).toEqual([
    { page: 'README.md', line: 5, command: 'npm run lint' },
    { page: 'README.md', line: 5, command: 'npm run format' },
  ]);
  expect(faultsOf(block('local', 'npm run -s lint'), '', readme)).toEqual([
    expect.stringMatching(/^README\.md:5: no page runs "npm run format"/),
  ]);
});
