import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isAlive } from '../../src/process-info.js';
import { prometheusAbsent, whySkipped } from '../absent-servers.js';
import { PrometheusClient } from './prometheus-client.js';

const program = fileURLToPath(new URL('../../dist/observe/main.js', import.meta.url));

let folder: string;
let service: Server;
let observe: ChildProcess | undefined;
let output: string;

/** Starts it on a start that is made up: this process is the launcher, and `service` its only service. */
function start(args: readonly string[], path = process.env['PATH']): Promise<number | null> {
  output = '';
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: path } });
  observe = child;
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('exit', resolve));
}

async function said(pattern: RegExp): Promise<string> {
  await vi.waitFor(() => expect(output).toMatch(pattern), { timeout: 60_000, interval: 100 });
  return pattern.exec(output)?.[1] ?? '';
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'helios-observe-'));
  service = createServer((_request, response) => response.end('helios_events_lost_total 3\n')).listen(0, '127.0.0.1');
  await new Promise((resolve) => service.once('listening', resolve));
  const adminPort = (service.address() as AddressInfo).port;
  const facts = { pid: process.pid, addresses: { bid: 'http://127.0.0.1:8080/bid' }, children: [{ name: 'ingest-1', adminPort }] };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(facts));
});
afterEach(() => {
  if (observe?.exitCode === null) observe.kill('SIGKILL');
  service.close();
  service.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(prometheusAbsent !== undefined)(`npm run observe${whySkipped(prometheusAbsent)}`, () => {
  it('scrapes what runs under its role, evaluates the rules, and leaves no process behind', { timeout: 120_000 }, async () => {
    const exited = start(['--data', folder, '--interval', '1']);
    const base = await said(/targets +(http:\/\/127\.0\.0\.1:\d+)\/.*targets/);
    expect(output).toContain('1 of 1 services answer it, every 1 s');
    const prometheus = new PrometheusClient(base);
    await prometheus.until('helios_events_lost_total{job="ingest"} == 3');
    await prometheus.until('ALERTS{alertname="HeliosEventsLost", job="ingest", alertstate="firing"}');
    for (const [page] of output.matchAll(/http:\S+/g)) expect((await fetch(page)).status, page).toBe(200);
    const pid = Number(readFileSync(join(folder, 'observe/pid'), 'utf8'));
    expect(isAlive(pid)).toBe(true);
    observe?.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  it('says that it ended by itself when Prometheus does', { timeout: 120_000 }, async () => {
    const exited = start(['--data', folder]);
    await said(/Prometheus runs/);
    process.kill(Number(readFileSync(join(folder, 'observe/pid'), 'utf8')), 'SIGKILL');
    expect(await exited).toBe(1);
    expect(output).toContain('Prometheus ended by itself: SIGKILL.');
  });
});

describe('npm run observe, where it cannot run', () => {
  it('says so where there is no Prometheus', async () => {
    expect(await start(['--data', folder], folder)).toBe(1);
    expect(output).toContain('There is no prometheus on the PATH: run scripts/install-system --observe');
  });

  it.skipIf(prometheusAbsent !== undefined)(`says so where nothing runs${whySkipped(prometheusAbsent)}`, async () => {
    rmSync(join(folder, 'run.json'));
    expect(await start(['--data', folder])).toBe(2);
    expect(output).toContain(`Nothing runs in ${folder}`);
  });
});
