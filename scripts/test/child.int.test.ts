import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Child, type ChildEnd, type ChildSpec } from '../src/child.js';
import { ChildLog, LOG_MAX_BYTES } from '../src/child-log.js';
import { isAlive } from '../src/process-info.js';

let folder: string;
let deaths: { end: ChildEnd; restartInMs: number | null }[];
let children: Child[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-child-'));
  deaths = [];
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.stop(1000)));
  rmSync(folder, { recursive: true, force: true });
});

/** A child that runs a piece of JavaScript. */
function childOf(code: string, spec: Partial<ChildSpec> = {}): Child {
  const log = new ChildLog(join(folder, 'child.log'));
  const events = {
    changed: () => {},
    died: (_: Child, end: ChildEnd, restartInMs: number | null) => void deaths.push({ end, restartInMs }),
  };
  const child = new Child(
    { name: 'child', args: () => ['-e', code], env: { PATH: process.env['PATH'] ?? '' }, reportsReady: false, onDeath: 'restart', ...spec },
    log,
    events,
  );
  children.push(child);
  return child;
}

const FOR_EVER = 'setInterval(() => {}, 1000);';
const pidOf = (child: Child): number => {
  if (child.pid === null) throw new Error('the child does not run');
  return child.pid;
};

describe('a supervised child', () => {
  it('starts again under another process id after it was killed', async () => {
    const child = childOf(FOR_EVER);
    await child.start();
    const first = pidOf(child);
    process.kill(first, 'SIGKILL');
    await vi.waitFor(() => expect(child.pid !== null && child.pid !== first).toBe(true), { timeout: 10_000 });
    expect(deaths).toEqual([{ end: { exitCode: null, signal: 'SIGKILL', problem: null }, restartInMs: 1000 }]);
    expect(child.deaths).toBe(1);
  });

  it('does not start again when its configuration is wrong, and its sentences can be read', async () => {
    const child = childOf(`process.stderr.write('PORT is text.\\n'); console.log('{"level":"fatal"}'); process.exit(78);`);
    await child.start();
    await vi.waitFor(() => expect(deaths).toHaveLength(1), { timeout: 10_000 });
    expect(deaths[0]).toMatchObject({ end: { exitCode: 78 }, restartInMs: null });
    expect(child.log.sentences()).toBe('PORT is text.');
  });

  it('does not start again when its end stops everything', async () => {
    const child = childOf('process.exit(3)', { onDeath: 'stop everything' });
    await child.start();
    await vi.waitFor(() => expect(deaths).toHaveLength(1), { timeout: 10_000 });
    expect(deaths[0]).toMatchObject({ end: { exitCode: 3 }, restartInMs: null });
  });

  it('resolves with what it reports, or rejects with what it said when it ends before', async () => {
    const ready = childOf(`console.log('{"ready":true,"port":5}'); ${FOR_EVER}`, { reportsReady: true });
    expect(await ready.start()).toMatchObject({ port: 5 });
    const failing = childOf(`process.stderr.write('no room\\n'); process.exit(1)`, { reportsReady: true, onDeath: 'stop everything' });
    await expect(failing.start()).rejects.toThrow(/did not start \(exit code 1\):\nno room/);
  });

  it('that ignores SIGTERM is killed after its limit, and nobody calls that a death', async () => {
    const child = childOf(`process.on('SIGTERM', () => {}); console.log('{"ready":true}'); ${FOR_EVER}`, { reportsReady: true });
    await child.start();
    const pid = pidOf(child);
    await child.stop(200);
    expect(isAlive(pid)).toBe(false);
    expect(deaths).toEqual([]);
  });

  it('sees its standard input close when the process that started it is killed', async () => {
    const marker = join(folder, 'pid');
    const watched = `process.stdin.on('end', () => process.exit(0)).resume(); require('fs').writeFileSync(${JSON.stringify(marker)}, String(process.pid));`;
    const launcherCode = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(watched)}], {stdio: ['pipe', 'ignore', 'ignore'], detached: true}); ${FOR_EVER}`;
    const launcher = childOf(launcherCode, { onDeath: 'stop everything' });
    await launcher.start();
    const written = () => Number(readFileSync(marker, 'utf8'));
    // The file is there before its text is.
    await vi.waitFor(() => expect(written()).toBeGreaterThan(0), { timeout: 10_000 });
    const grandchild = written();
    expect(isAlive(grandchild)).toBe(true);
    process.kill(pidOf(launcher), 'SIGKILL');
    await vi.waitFor(() => expect(isAlive(grandchild)).toBe(false), { timeout: 10_000 });
  });
});

describe('a log of a child', () => {
  it('starts anew when it is large and keeps one older file', () => {
    const log = new ChildLog(join(folder, 'large.log'));
    writeFileSync(log.path, 'x'.repeat(LOG_MAX_BYTES));
    log.rotate();
    expect(readFileSync(log.path, 'utf8')).toBe('');
    expect(readFileSync(`${log.path}.1`, 'utf8')).toHaveLength(LOG_MAX_BYTES);
  });

  it('is followed in whole lines', () => {
    writeFileSync(join(folder, 'follow.log'), 'old\n');
    const log = new ChildLog(join(folder, 'follow.log'));
    writeFileSync(log.path, 'old\nnew\nhal');
    expect(log.follow()).toBe('new\n');
    expect(log.follow()).toBe('');
    writeFileSync(log.path, 'old\nnew\nhalf\n');
    expect(log.follow()).toBe('half\n');
  });
});
