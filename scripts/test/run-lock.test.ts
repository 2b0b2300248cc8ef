import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startMark } from '../src/process-info.js';
import { takeLock } from '../src/run-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('is held by one process at a time and says by which', () => {
  const lock = takeLock(folder);
  expect(takeLock(folder)).toEqual({ heldBy: process.pid });
  if (!('release' in lock)) throw new Error('the first did not get it');
  lock.release();
  expect(readdirSync(folder)).toEqual([]);
  expect(takeLock(folder)).toHaveProperty('release');
});

it('is taken over from a process that is gone', () => {
  writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1, started: '1' }));
  expect(takeLock(folder)).toHaveProperty('release');
});

it('is taken over when the process id belongs to a later process now', () => {
  writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: process.pid, started: `${startMark(process.pid)}0` }));
  expect(takeLock(folder)).toHaveProperty('release');
});

it('is taken over when its file was cut short', () => {
  writeFileSync(join(folder, 'lock'), '{"pi');
  expect(takeLock(folder)).toHaveProperty('release');
});
