import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunFacts } from '../src/run-file.js';
import { serverPorts } from '../src/server-ports.js';
import { chooseWalkPorts } from '../src/walks/walk-ports.js';
import { kafkaAbsent, redisAbsent, whySkipped } from './absent-servers.js';
import { type HelperProcess, startHelper } from './helper-process.js';

/** `npm start` on servers that somebody else runs: all three named by the environment, prepared as docs/setup-guide.md says. */

const dist = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const absent = kafkaAbsent ?? redisAbsent;
const servers: HelperProcess[] = [];
let folder: string;
let env: NodeJS.ProcessEnv;

async function server(name: string, ...args: string[]): Promise<HelperProcess> {
  const helper = await startHelper(name, args);
  servers.push(helper);
  return helper;
}

describe.skipIf(absent !== undefined)(`npm start on servers of one's own${whySkipped(absent)}`, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'helios-own-'));
    chmodSync(folder, 0o755); // the database's own user passes through it
    const ports = await serverPorts(join(folder, 'ports.json'), 1, () => {});
    const nodes = JSON.stringify(ports.kafka.map((node) => ({ ...node, advertised: node.client })));
    const kafka = await server('kafka', '--data', join(folder, 'kafka'), '--node', '1', '--nodes', nodes);
    await server('redis', '--data', folder, '--port', String(ports.redis));
    const { ready: database } = await server('database', '--data', folder, '--port', String(ports.database));
    env = {
      ...process.env,
      ...(await chooseWalkPorts()).env,
      KAFKA_BROKERS: String(kafka.ready['bootstrap']),
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(ports.redis),
      // The first lookup, on a busy machine, may take longer than a bid usually waits.
      PROFILE_TIMEOUT_MS: '5000',
      DB_HOST: String(database['host']),
      DB_PORT: String(database['port']),
      DB_USER: String(database['user']),
      DB_NAME: String(database['database']),
      DB_PASSWORD: readFileSync(String(database['passwordFile']), 'utf8').trim(),
    };
    for (const [file, ...args] of [['engine/dist/main.js', 'topics'], ['profile-svc/dist/seed.js']] as const)
      expect(spawnSync(process.execPath, [dist(file), ...args], { env, encoding: 'utf8' }), file).toMatchObject({ status: 0 });
  }, 300_000);

  afterAll(async () => {
    for (const { child, exited } of servers) {
      child.kill('SIGTERM');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes a bid through all of them, with the profile that Redis holds, and starts no server itself', { timeout: 180_000 }, async () => {
    const state = join(folder, 'start');
    mkdirSync(state);
    const start = spawn(process.execPath, [dist('scripts/dist/start.js'), '--data', state, '--traffic', '0'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [start.stdout, start.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const exited = new Promise<number | null>((resolve) => start.once('exit', resolve));
    try {
      await vi.waitFor(() => expect(output).toContain('Helios runs.'), { timeout: 90_000, interval: 200 });
      const { addresses, children, kafkaBrokers } = JSON.parse(readFileSync(join(state, 'run.json'), 'utf8')) as RunFacts;
      expect(children.map(({ name }) => name).toSorted()).toEqual([
        'api',
        'auction',
        'bidder',
        'dashboard',
        'ingest',
        'profile-svc',
        'writer',
      ]);
      expect(kafkaBrokers).toBe(env['KAFKA_BROKERS']);
      const body = JSON.stringify({ id: 'own', user: { id: 'user-0000000' }, ad_slots: [{ id: 'top', w: 300, h: 250, floor: 0 }] });
      // As a client does that is answered 503.
      await vi.waitFor(async () => expect((await fetch(addresses.bid, { method: 'POST', body })).status).toBe(202), { timeout: 30_000 });
      await vi.waitFor(
        async () => {
          const response = await fetch(`${addresses.api}/api/outcomes/${encodeURIComponent('own:top')}/`);
          expect([response.status, await response.json()]).toMatchObject([200, { enriched: true, bid_price: 0.1 }]);
        },
        { timeout: 30_000, interval: 200 },
      );
    } finally {
      start.kill('SIGINT');
      expect(await exited).toBe(0);
    }
  });
});
