import { defineConfig } from 'vitest/config';

// Native modules load once per process, on its main thread: every test file gets a process of its own.
export default defineConfig({
  test: {
    include: ['*/test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
