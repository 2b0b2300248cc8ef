import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { nextBidRequest } from '../src/bid-request-mix.js';
import { isAlive } from '../src/process-info.js';
import { SeededRandom } from '../src/random.js';
import type { RunFacts } from '../src/run-file.js';

const startFile = fileURLToPath(new URL('../dist/start.js', import.meta.url));
const replayFile = fileURLToPath(new URL('../dist/replay.js', import.meta.url));
const variables = ['INGEST_PORT', 'PROFILE_PORT', 'ANALYTICS_PORT', 'DASHBOARD_PORT'] as const;

let folder: string;
let env: NodeJS.ProcessEnv;
const launched: Launched[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'helios-start-'));
  chmodSync(folder, 0o755); // the database's own user passes through it
  const ports = await freePorts(variables.length);
  env = {
    ...process.env,
    ...Object.fromEntries(variables.map((name, index) => [name, String(ports[index])])),
    ADMIN_PORT: String(await freeRange(20)),
  };
  for (const name of ['KAFKA_BROKERS', 'REDIS_HOST', 'DB_HOST']) delete env[name];
});
afterEach(async () => {
  for (const { child, exited } of launched.splice(0)) {
    child.kill('SIGTERM');
    await exited;
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Launched {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  output(): string;
}

function launch(...args: string[]): Launched {
  const child = spawn(process.execPath, [startFile, '--data', folder, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const one = { child, exited: new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code))), output: () => output };
  launched.push(one);
  return one;
}

async function launchedReady(...args: string[]): Promise<Launched> {
  const one = launch(...args);
  let code: number | null | undefined;
  void one.exited.then((ended) => (code = ended));
  await vi.waitFor(
    () => {
      if (code !== undefined) return; // it will not become ready: the expectation below shows what it said
      expect(one.output()).toContain('Helios runs.');
    },
    { timeout: 60_000, interval: 100 },
  );
  expect(one.output()).toContain('Helios runs.');
  return one;
}

const runFacts = () => JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunFacts;
const pidsOf = (facts: RunFacts) => facts.children.flatMap((child) => (child.pid === null ? [] : [child.pid]));
const pidOf = (name: string) => runFacts().children.find((child) => child.name === name)?.pid ?? null;

async function postBid(seed: number): Promise<{ id: string; status: number }> {
  const request = nextBidRequest(new SeededRandom(seed), { shape: 'short', floors: 'split' });
  // No content type at all, as with `curl -d`; a floor of 0 makes sure that there is a bid.
  const body = JSON.stringify({ ...request, ad_slots: [{ id: 'slot-1', w: 300, h: 250, floor: 0 }] });
  const response = await fetch(runFacts().addresses.bid, { method: 'POST', body });
  return { id: request.id, status: response.status };
}

async function outcomeOf(id: string): Promise<number> {
  return (await fetch(`${runFacts().addresses.api}/api/outcomes/${encodeURIComponent(`${id}:slot-1`)}/`)).status;
}

async function replay(lines: number, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const file = join(folder, 'replay.jsonl');
  const random = new SeededRandom(5);
  writeFileSync(
    file,
    Array.from({ length: lines }, () => `${JSON.stringify(nextBidRequest(random, { shape: 'openrtb', floors: 'split' }))}\n`).join(''),
  );
  const child = spawn(process.execPath, [replayFile, file, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, output };
}

describe('npm start on the embedded default', () => {
  it(
    'takes a bid all the way to the API, accounts for a replay while services are killed, and stops without a trace',
    { timeout: 180_000 },
    async () => {
      const start = await launchedReady('--traffic', '0');
      const { id, status } = await postBid(1);
      expect(status).toBe(202);
      await vi.waitFor(async () => expect(await outcomeOf(id)).toBe(200), { timeout: 10_000 });

      const replayed = replay(2000, '--url', runFacts().addresses.bid, '--rate', '200', '--run-file', join(folder, 'run.json'));
      for (const name of ['bidder', 'auction', 'writer']) {
        const pid = pidOf(name);
        if (pid === null) throw new Error(`${name} does not run`);
        process.kill(pid, 'SIGKILL');
        await vi.waitFor(() => expect([null, pid]).not.toContain(pidOf(name)), { timeout: 10_000 });
      }
      const { code, output } = await replayed;
      expect({ code, output }).toMatchObject({
        code: 0,
        output: expect.stringMatching(/rollups: .* agree with the rows\nThe accounting identity holds.\n$/),
      });
      expect(output).toMatch(/^bid_responses: \d+ messages, \d+ ids, \d+ duplicates$/m);

      const pids = pidsOf(runFacts());
      expect(pids).toHaveLength(9);
      // What is accepted last is drained, not dropped.
      const last = await postBid(2);
      // One Ctrl-C under npm arrives twice: from the terminal, and passed on by npm.
      start.child.kill('SIGINT');
      await sleep(50);
      start.child.kill('SIGINT');
      expect(await start.exited).toBe(0);
      expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
      expect(readdirSync(folder)).not.toContain('lock');
      expect(existsSync(join(folder, 'run.json'))).toBe(false);

      const again = await launchedReady('--traffic', '50', '--ingest', '2');
      expect([await outcomeOf(id), await outcomeOf(last.id)]).toEqual([200, 200]);
      await vi.waitFor(() => expect(again.output()).toMatch(/accepted [1-9]\d*\/s/), { timeout: 20_000 });
      const second = launch();
      expect(await second.exited).toBe(1);
      expect(second.output()).toContain(`already runs in ${folder} (process ${again.child.pid})`);

      const orphans = pidsOf(runFacts());
      again.child.kill('SIGKILL');
      await vi.waitFor(() => expect(orphans.filter((pid) => isAlive(pid))).toEqual([]), { timeout: 20_000 });
    },
  );

  it('ends with a sentence and an error when its broker dies', { timeout: 90_000 }, async () => {
    const start = await launchedReady('--traffic', '20');
    const pids = pidsOf(runFacts());
    process.kill(pidOf('broker') ?? 0, 'SIGKILL');
    expect(await start.exited).toBe(1);
    expect(start.output()).toMatch(/embedded broker ended \(SIGKILL\)\. It keeps events in memory only/);
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  });

  it('names a taken port before it starts anything', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen({ host: '127.0.0.1', port: Number(env['ANALYTICS_PORT']) }, resolve));
    const start = launch();
    expect(await start.exited).toBe(1);
    expect(start.output()).toMatch(new RegExp(`127\\.0\\.0\\.1:${env['ANALYTICS_PORT']}, needed for api, is taken.*ANALYTICS_PORT`));
    expect(start.output()).not.toContain('Starting');
    await new Promise((resolve) => holder.close(resolve));
  });

  it('stops in the middle of a start', { timeout: 60_000 }, async () => {
    const start = launch('--traffic', '0');
    await vi.waitFor(() => expect(start.output()).toContain('Preparing'), { timeout: 30_000, interval: 20 });
    const pids = pidsOf(runFacts());
    start.child.kill('SIGINT');
    expect(await start.exited).toBe(0);
    expect(pids.length).toBeGreaterThan(0);
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  });
});

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen({ host: '127.0.0.1', port: 0 }, () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** The first of `count` ports in a row that are free, below the range from which the kernel takes its own. */
async function freeRange(count: number): Promise<number> {
  for (let first = 12_000 + (process.pid % 500) * 30; first < 32_000; first += 30) {
    const free = await Promise.all(
      Array.from({ length: count }, (_, index) => {
        const server = createServer();
        return new Promise<boolean>((resolve) => {
          server.once('error', () => resolve(false));
          server.listen({ host: '127.0.0.1', port: first + index }, () => server.close(() => resolve(true)));
        });
      }),
    );
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports in a row');
}
