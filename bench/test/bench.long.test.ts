import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const result = new URL('../results/ingest.json', import.meta.url);

/** `npm run bench -- ingest`, as short as it gets: that it runs and checks its answers, not what it measures. */
it('a stage bench measures, says what, and leaves the committed result alone when it is a trial', { timeout: 180_000 }, () => {
  const before = readFileSync(result, 'utf8');
  const args = ['scripts/run.mjs', 'bench', 'ingest', '--trial', '--seconds', '1', '--repeats', '1'];
  const run = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 170_000 });
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: expect.any(String) });
  expect(run.stdout).toMatch(/bare/);
  expect(readFileSync(result, 'utf8')).toBe(before);
});
