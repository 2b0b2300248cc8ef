import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from './observed.js';

const tinyService = fileURLToPath(new URL('tiny-service.mjs', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly lines: () => Record<string, unknown>[];
  /** Exit code and signal. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
});

function run(env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [tinyService], { env: { PATH: process.env['PATH'], ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const lines = () =>
    stdout
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { child, stderr: () => stderr, lines, ended };
}

async function started(service: Run): Promise<string> {
  await until(() => service.lines().some((line) => line['msg'] === 'service started'));
  return service.lines().find((line) => line['msg'] === 'service started')?.['admin'] as string;
}

describe('a service that cannot start', () => {
  test('ends with 78 and one message that lists all configuration faults', async () => {
    const service = run({ TINY_SIZE: '-1', LOG_LEVEL: 'loud', ADMIN_PORT: 'admin', LOG_LEVLE: 'info' });
    expect(await service.ended).toEqual({ code: 78, signal: null });
    expect(service.stderr()).toContain('tiny cannot start, 4 configuration fault(s)');
    for (const name of ['TINY_SIZE', 'LOG_LEVEL', 'ADMIN_PORT']) expect(service.stderr()).toContain(`${name} is `);
    expect(service.stderr()).toContain('LOG_LEVLE is not a variable of any Helios service: did you mean LOG_LEVEL?');
    expect(service.stderr()).not.toContain('    at ');
  });

  test('ends with 78 over a combination that cannot work', async () => {
    const service = run({ TINY_SIZE: '7' });
    expect((await service.ended).code).toBe(78);
    expect(service.stderr()).toContain('TINY_SIZE is 7: that cannot work with anything.');
  });

  test('ends with 78 and names the admin port that is taken', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as { port: number };
    const service = run({ ADMIN_PORT: String(port) });
    expect((await service.ended).code).toBe(78);
    await new Promise((resolve) => squatter.close(resolve));
    expect(service.stderr()).toContain(`127.0.0.1:${port} is taken by another process`);
    expect(service.stderr()).toContain('ADMIN_PORT');
    expect(service.lines()).toContainEqual(expect.objectContaining({ level: 'fatal', code: 'PORT_TAKEN' }));
  });

  test('ends with 1, for its supervisor to try again, over any other fault', async () => {
    const service = run({ TINY_STOP: 'fail-at-start' });
    expect((await service.ended).code).toBe(1);
    expect(service.stderr()).toContain('the tiny service broke its leg');
  });
});

describe('a running service', () => {
  test('is alive and ready, and on SIGTERM ends its work and exits 0', async () => {
    const service = run();
    const admin = await started(service);
    expect((await fetch(`${admin}/healthz`)).status).toBe(200);
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    service.child.kill('SIGTERM');
    expect(await service.ended).toEqual({ code: 0, signal: null });
    expect(service.lines().map((line) => line['msg'])).toEqual([
      'service started',
      'service stopping',
      'tiny work ended',
      'service stopped',
    ]);
    expect(service.lines()[0]).toMatchObject({ level: 'info', service: 'tiny', pid: service.child.pid });
  });

  test('takes SIGINT like SIGTERM, and a second signal changes nothing', async () => {
    const service = run();
    await started(service);
    service.child.kill('SIGINT');
    service.child.kill('SIGTERM');
    expect((await service.ended).code).toBe(0);
    expect(service.lines().filter((line) => line['msg'] === 'service stopping')).toHaveLength(1);
  });

  test('stops when its standard input closes, if it was told to go with its parent', async () => {
    const service = run({ HELIOS_EXIT_WITH_PARENT: '1' });
    await started(service);
    service.child.stdin?.end();
    expect((await service.ended).code).toBe(0);
    expect(service.lines()).toContainEqual(expect.objectContaining({ msg: 'service stopping', why: 'the parent process is gone' }));
  });

  test('does not mind a closed standard input otherwise', async () => {
    const service = run();
    service.child.stdin?.end();
    const admin = await started(service);
    expect((await fetch(`${admin}/healthz`)).status).toBe(200);
    service.child.kill('SIGTERM');
    expect(await service.ended).toEqual({ code: 0, signal: null });
  });

  test.each([
    ['fail-later', 'the tiny service gave up'],
    ['reject-later', 'nobody caught this'],
  ])('ends with 1 and says why when it cannot go on (%s)', async (stop, why) => {
    const service = run({ TINY_STOP: stop });
    expect((await service.ended).code).toBe(1);
    expect(service.lines()).toContainEqual(expect.objectContaining({ level: 'fatal', err: why }));
  });

  test('that fails to stop cleanly ends with 1', async () => {
    const service = run({ TINY_STOP: 'fail' });
    await started(service);
    service.child.kill('SIGTERM');
    expect((await service.ended).code).toBe(1);
    expect(service.lines()).toContainEqual(expect.objectContaining({ level: 'error', err: 'the tiny service would not stop' }));
  });
});
