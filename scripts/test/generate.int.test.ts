import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const file = fileURLToPath(new URL('../dist/generate.js', import.meta.url));
const generate = (...args: string[]) => spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', maxBuffer: 1e8 });

it('prints exactly one JSON bid request without flags', () => {
  const { stdout, stderr, status } = generate();
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['id', 'user', 'site', 'ad_slots']);
  expect([stderr, status]).toEqual(['', 0]);
});

it('prints as many lines as asked for, the same ones for the same seed', () => {
  const first = generate('--count', '5000', '--seed', '1', '--openrtb').stdout;
  expect(first.trimEnd().split('\n')).toHaveLength(5000);
  expect(generate('--count', '5000', '--seed', '1', '--openrtb').stdout).toBe(first);
});

it('prints the profiles of the users that it names', () => {
  const lines = generate('--profiles', '--count', '3').stdout.trimEnd().split('\n');
  const users = lines.map((line) => (JSON.parse(line) as { user_id: string }).user_id);
  expect(users).toEqual(['user-0000000', 'user-0000001', 'user-0000002']);
});

it('ends quietly when its reader leaves', async () => {
  const child = spawn(process.execPath, [file, '--count', '1000000'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.once('exit', resolve));
  expect([code, said]).toEqual([0, '']);
});

it('says what a flag accepts and exits with 2', () => {
  for (const args of [['--count', '0'], ['--count', 'x'], ['--floors', 'low'], ['--seed', '-1'], ['--nope'], ['extra']]) {
    const { status, stderr, stdout } = generate(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^generate: .+\. See --help\.\n$/);
  }
});
