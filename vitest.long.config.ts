import { defineConfig } from 'vitest/config';

// Each of these files keeps the machine busy for most of a minute: one after the other.
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['*/test/**/*.long.test.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
