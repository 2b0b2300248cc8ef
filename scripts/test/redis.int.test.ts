import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isFree } from '../src/ports.js';
import { isAlive } from '../src/process-info.js';
import { serverPorts } from '../src/server-ports.js';
import { redisAbsent, whySkipped } from './absent-servers.js';
import { type HelperProcess, spawnHelper, startHelper } from './helper-process.js';

let folder: string;
let port: number;
let redis: HelperProcess | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'helios-redis-'));
  port = (await serverPorts(join(folder, 'ports.json'), 1, () => {})).redis;
});
afterEach(async () => {
  redis?.child.kill('SIGTERM');
  await redis?.exited;
  redis = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<number> {
  redis = await startHelper('redis', ['--data', folder, '--port', String(port)]);
  expect(redis.ready).toMatchObject({ host: '127.0.0.1', port });
  return Number(redis.ready['pid']);
}

/** The raw answer to one command. */
function ask(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }).once('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString());
    });
    socket.write(`${command}\r\n`);
  });
}

describe.skipIf(redisAbsent !== undefined)(`redis-server under its supervisor${whySkipped(redisAbsent)}`, () => {
  it('keeps its data from one start to the next', async () => {
    await start();
    expect(await ask('SET user-1 profile')).toBe('+OK\r\n');
    redis?.child.kill('SIGTERM');
    expect(await redis?.exited).toBe(0);
    await start();
    expect(await ask('GET user-1')).toBe('$7\r\nprofile\r\n');
  });

  it('ends with an error when its server is killed, and starts again', async () => {
    const pid = await start();
    process.kill(pid, 'SIGKILL');
    expect(await redis?.exited).toBe(1);
    expect(await start()).not.toBe(pid);
    expect(await ask('PING')).toBe('+PONG\r\n');
  });

  it('stops the server that a killed supervisor left behind', async () => {
    const pid = await start();
    redis?.child.kill('SIGKILL');
    await redis?.exited;
    expect(isAlive(pid)).toBe(true);
    await start();
    expect(isAlive(pid)).toBe(false);
  });

  it('leaves no server behind when the process that holds its standard input is gone', async () => {
    const pid = await start();
    expect(readFileSync(join(folder, 'redis/pid'), 'utf8').trim()).toBe(String(pid));
    redis?.child.stdin?.destroy();
    expect(await redis?.exited).toBe(0);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
    expect(existsSync(join(folder, 'redis/pid'))).toBe(false);
  });

  it('leaves no server behind when its parent is gone before it is ready', async () => {
    const child = spawnHelper('redis', ['--data', folder, '--port', String(port)]);
    const exited = once(child, 'exit');
    // As when the parent dies: nobody reads the ready line, nobody holds the input.
    child.stdout.destroy();
    child.stdin.destroy();
    await exited;
    await vi.waitFor(async () => expect(await isFree('127.0.0.1', port)).toBe(true), 5000);
  });
});

it('refuses a port that is none, with exit code 2', async () => {
  await expect(startHelper('redis', ['--data', folder, '--port', '70000'])).rejects.toThrow(/exited with 2: redis: --port is "70000"/);
});
