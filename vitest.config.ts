import { configDefaults, defineConfig } from 'vitest/config';

const endToEnd = '*/test/**/*.e2e.test.ts';
/** They need a Chromium and have a command of their own: `npm run test:browser`. */
const inBrowser = '*/test/**/*.browser.test.ts';
/** They take the longest, and have a command of their own too: `npm run test:long`. */
const long = '*/test/**/*.long.test.ts';
/** It runs a Prometheus beside the whole stack: `npm run test:observe`. */
const live = '*/test/**/*.live.test.ts';

// Native modules load once per process, on its main thread: every test file gets a process of its own.
export default defineConfig({
  test: {
    pool: 'forks',
    // Most files wait for servers: more of them at once than this machine may have cores.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['*/test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, endToEnd, inBrowser, long, live],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        // Each of these files runs the whole pipeline: one after the other, when everything else is done.
        test: {
          name: 'e2e',
          include: [endToEnd],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
