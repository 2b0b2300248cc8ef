import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ServerPorts, serverPorts } from '../src/server-ports.js';

let folder: string;
let file: string;
let said: string[];
let taker: Server | undefined;
const say = (sentence: string) => void said.push(sentence);
const allOf = ({ kafka, redis, database }: ServerPorts) => [...kafka.flatMap((node) => Object.values(node)), redis, database];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-ports-'));
  file = join(folder, 'ports.json');
  said = [];
});
afterEach(() => {
  taker?.close();
  taker = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function take(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    taker = createServer().once('error', reject).listen({ host: '127.0.0.1', port }, resolve);
  });
}

it('are eleven different ones for three brokers, and the same at the next start', async () => {
  const first = await serverPorts(file, 3, say);
  expect(new Set(allOf(first)).size).toBe(11);
  expect(await serverPorts(file, 3, say)).toEqual(first);
  expect(said).toEqual([]);
});

it('wait for an earlier server that is still stopping', async () => {
  const first = await serverPorts(file, 1, say);
  await take(first.redis);
  setTimeout(() => taker?.close(), 500);
  expect(await serverPorts(file, 1, say)).toEqual(first);
});

it('give way to another process that has taken one of them, and say so', async () => {
  const first = await serverPorts(file, 1, say);
  await take(first.database);
  const second = await serverPorts(file, 1, say, 300);
  expect(second).toEqual({ ...first, database: second.database });
  expect(second.database).not.toBe(first.database);
  expect(said).toEqual([`Port ${first.database} of an earlier start is taken by another process; ${second.database} takes its place.`]);
});
