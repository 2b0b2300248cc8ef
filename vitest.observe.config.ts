import { defineConfig } from 'vitest/config';

// One file, with a Prometheus beside the whole stack for minutes.
export default defineConfig({
  test: { pool: 'forks', include: ['*/test/**/*.live.test.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
});
