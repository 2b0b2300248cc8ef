import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isFree } from '../src/ports.js';
import { isAlive } from '../src/process-info.js';
import type { RunFacts } from '../src/run-file.js';
import { serverPorts } from '../src/server-ports.js';
import { kafkaAbsent, redisAbsent, whySkipped } from './absent-servers.js';

const stackFile = fileURLToPath(new URL('../dist/stack.js', import.meta.url));

let folder: string;
let stack: ChildProcess;
let exited: Promise<number | null>;
let output: string;

/** Free ports for the services, and a range of them for their admin ports. */
async function servicePorts(): Promise<Record<string, string>> {
  const [{ client, direct, controller } = { client: 0, direct: 0, controller: 0 }] = (
    await serverPorts(join(folder, 'free.json'), 1, () => {})
  ).kafka;
  const dashboard = (await serverPorts(join(folder, 'free-too.json'), 1, () => {})).redis;
  let admin = 31_000;
  for (let free = 0; free < 8;) {
    if (await isFree('127.0.0.1', admin + free)) free++;
    else [admin, free] = [admin + free + 1, 0];
  }
  const ports = { INGEST_PORT: client, PROFILE_PORT: direct, ANALYTICS_PORT: controller, DASHBOARD_PORT: dashboard, ADMIN_PORT: admin };
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
}

const runFile = () => join(folder, 'state/run.json');
const runFacts = () => JSON.parse(readFileSync(runFile(), 'utf8')) as RunFacts;
const serverPid = (name: string) => runFacts().children.find((child) => child.name === name)?.serverPid ?? null;

async function until(text: string): Promise<void> {
  let code: number | null | undefined;
  void exited.then((ended) => (code = ended));
  await vi.waitFor(() => expect(code === undefined && !output.includes(text)).toBe(false), { timeout: 180_000, interval: 200 });
  expect(output).toContain(text);
}

/** Posts the same bid until it is accepted, as a client does that is answered 503. */
async function accepted(id: string): Promise<void> {
  const body = JSON.stringify({ id, user_id: 'user-1', ad_slots: [{ id: 'slot-1', w: 300, h: 250, floor: 0 }] });
  await vi.waitFor(async () => expect((await fetch(runFacts().addresses.bid, { method: 'POST', body })).status).toBe(202), {
    timeout: 60_000,
    interval: 500,
  });
}

async function stored(id: string): Promise<void> {
  const url = `${runFacts().addresses.api}/api/outcomes/${encodeURIComponent(`${id}:slot-1`)}/`;
  await vi.waitFor(async () => expect((await fetch(url)).status).toBe(200), { timeout: 60_000, interval: 200 });
}

const absent = kafkaAbsent ?? redisAbsent;
describe.skipIf(absent !== undefined)(`npm run stack${whySkipped(absent)}`, () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'helios-stack-'));
    chmodSync(folder, 0o755); // the database's own user passes through it
    const env = { ...process.env, ...(await servicePorts()) };
    for (const name of ['KAFKA_BROKERS', 'REDIS_HOST', 'DB_HOST']) delete env[name];
    stack = spawn(process.execPath, [stackFile, '--data', join(folder, 'state'), '--traffic', '0'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    output = '';
    for (const stream of [stack.stdout, stack.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    exited = new Promise((resolve) => stack.once('exit', resolve));
  });
  afterEach(async () => {
    stack.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes bids on real servers, starts a killed broker again on its data, and stops without a trace', { timeout: 400_000 }, async () => {
    await until('Helios runs.');
    await accepted('before');
    await stored('before');
    const killed = serverPid('kafka-1');
    if (killed === null) throw new Error('Kafka does not run');
    process.kill(killed, 'SIGKILL');
    await vi.waitFor(() => expect([null, killed]).not.toContain(serverPid('kafka-1')), { timeout: 120_000, interval: 200 });
    await accepted('after');
    await stored('after');
    await stored('before');

    const pids = runFacts().children.flatMap((child) => [child.pid, child.serverPid].filter((pid) => pid !== null));
    expect(pids).toHaveLength(13); // three servers and their supervisors, seven services
    stack.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
    expect(existsSync(runFile())).toBe(false);
  });
});
