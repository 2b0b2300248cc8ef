import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServerProcess, startServerProcess, stopStaleServer } from '../server-process.js';
import { configText, type ObserveSetup, prometheusArgs } from './prometheus-config.js';

/** A real Prometheus on 127.0.0.1, found on the PATH, as a child of this process. */

const STOP_LIMIT_MS = 10_000;
const READY_LIMIT_MS = 60_000;
const POLL_MS = 100;

/** @throws Error with a sentence when there is none on the PATH. */
export function findPrometheus(): void {
  if (spawnSync('prometheus', ['--version'], { stdio: 'ignore' }).status === 0) return;
  throw new Error(
    'There is no prometheus on the PATH: run scripts/install-system --observe, or take a release from https://prometheus.io/download/.',
  );
}

/** Writes its configuration, starts it and resolves when it answers. @throws Error when it ends before, or is not ready in a minute. */
export async function startPrometheus(setup: ObserveSetup, path: string | undefined): Promise<ServerProcess> {
  mkdirSync(setup.folder, { recursive: true });
  writeFileSync(join(setup.folder, 'prometheus.yml'), configText(setup));
  const pidFile = join(setup.folder, 'pid');
  await stopStaleServer('observe', pidFile, `--storage.tsdb.path=${setup.folder}/`);
  const server = await startServerProcess({
    name: 'prometheus',
    command: 'prometheus',
    args: prometheusArgs(setup),
    env: { PATH: path ?? '/usr/bin:/bin', LC_ALL: 'C' },
    pidFile,
    stopLimitMs: STOP_LIMIT_MS,
  });
  try {
    await untilReady(server, setup.port);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** How many of its targets answer, once each was asked or `limitMs` are over; Prometheus itself is not counted. */
export async function targetsUp(port: number, limitMs: number): Promise<{ readonly up: number; readonly all: number }> {
  const deadlineMonoMs = performance.now() + limitMs;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/targets?state=active`);
    const { data } = (await response.json()) as { data: { activeTargets: { health: string; scrapePool: string }[] } };
    const health = data.activeTargets.filter((target) => target.scrapePool === 'helios').map((target) => target.health);
    const asked = health.length > 0 && !health.includes('unknown');
    if (asked || performance.now() > deadlineMonoMs) return { up: health.filter((state) => state === 'up').length, all: health.length };
    await sleep(POLL_MS);
  }
}

/** Where its pages are: Debian's package has only the older ones, under a path of their own. */
export async function pagesUrl(port: number): Promise<string> {
  const base = `http://127.0.0.1:${port}`;
  return (await answers(`${base}/targets`)) ? base : `${base}/classic`;
}

async function untilReady(server: ServerProcess, port: number): Promise<void> {
  const end = { why: '' };
  void server.ended.then((why) => (end.why = why));
  const deadlineMonoMs = performance.now() + READY_LIMIT_MS;
  while (performance.now() < deadlineMonoMs) {
    if (end.why !== '') throw new Error(`Prometheus ended while it started: ${end.why}.`);
    if (await answers(`http://127.0.0.1:${port}/-/ready`)) return;
    await sleep(POLL_MS);
  }
  throw new Error(`Prometheus was not ready within ${READY_LIMIT_MS / 1000} s.`);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).status === 200;
  } catch {
    return false; // not listening yet: it is asked again
  }
}
