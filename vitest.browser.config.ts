import { defineConfig } from 'vitest/config';

// One file after the other: each has a browser, a database and servers of its own.
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['dashboard/test/browser/*.browser.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
