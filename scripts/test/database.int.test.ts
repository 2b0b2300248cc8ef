import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { isAlive } from '../src/process-info.js';
import { type HelperProcess, startHelper } from './helper-process.js';

interface Client {
  connect(): Promise<void>;
  query(text: string): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
  on(event: 'error', listener: () => void): void;
}
// The driver belongs to analytics; here it only looks from the outside.
const { Client } = createRequire(new URL('../../analytics/package.json', import.meta.url))('pg') as {
  Client: new (options: object) => Client;
};

let folder: string;
const started: HelperProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-database-'));
  chmodSync(folder, 0o755); // the server's own user passes through it
});
afterAll(async () => {
  for (const { child, exited } of started) {
    child.kill('SIGTERM');
    await exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function start(args: readonly string[] = []): Promise<HelperProcess> {
  const helper = await startHelper('database', ['--data', folder, ...args]);
  started.push(helper);
  return helper;
}

async function queried({ ready }: HelperProcess, text: string): Promise<Record<string, unknown>[]> {
  const password = readFileSync(String(ready['passwordFile']), 'utf8').trim();
  const client = new Client({ host: ready['host'], port: ready['port'], user: ready['user'], database: ready['database'], password });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

function serverPid(): number {
  return Number(readFileSync(join(folder, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
}

async function stopped({ child, exited }: HelperProcess): Promise<number | null> {
  child.kill('SIGTERM');
  return exited;
}

it('keeps its data from one start to the next, behind a password only its owner can read', async () => {
  const first = await start();
  await queried(first, 'create table kept (n int); insert into kept values (41)');
  expect(statSync(String(first.ready['passwordFile'])).mode & 0o777).toBe(0o600);
  expect(await stopped(first)).toBe(0);
  const second = await start();
  expect(await queried(second, 'select n from kept')).toEqual([{ n: 41 }]);
  expect(await stopped(second)).toBe(0);
});

it('listens on the port it is told', async () => {
  const first = await start();
  const port = Number(first.ready['port']);
  await stopped(first);
  const again = await start(['--port', String(port)]);
  expect(again.ready['port']).toBe(port);
  await stopped(again);
});

it('refuses a wrong password', async () => {
  const database = await start();
  const { ready } = database;
  const client = new Client({
    host: ready['host'],
    port: ready['port'],
    user: ready['user'],
    database: ready['database'],
    password: 'wrong',
  });
  client.on('error', () => {});
  await expect(client.connect()).rejects.toThrow(/password authentication failed/);
  await stopped(database);
});

it('stops a server that a killed supervisor left behind, and goes on with its data', async () => {
  const killed = await start();
  const orphan = serverPid();
  killed.child.kill('SIGKILL');
  await killed.exited;
  expect(isAlive(orphan)).toBe(true);
  const next = await start();
  expect(isAlive(orphan)).toBe(false);
  expect(await queried(next, 'select n from kept')).toEqual([{ n: 41 }]);
  await stopped(next);
});

it('leaves no server behind when the process that holds its standard input is gone', async () => {
  const orphaned = await start();
  const server = serverPid();
  orphaned.child.stdin?.destroy();
  expect(await orphaned.exited).toBe(0);
  expect(isAlive(server)).toBe(false);
});

it('ends with 1 when its server dies', async () => {
  const database = await start();
  process.kill(serverPid(), 'SIGKILL');
  expect(await database.exited).toBe(1);
});

it('makes a new password when its file was lost', async () => {
  rmSync(join(folder, 'postgres-password'));
  const database = await start();
  await vi.waitFor(async () => expect(await queried(database, 'select n from kept')).toEqual([{ n: 41 }]), { timeout: 10_000 });
  await stopped(database);
});
