import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports.js';
import { isAlive, isProcessOf } from './process-info.js';
import { type PostgresPlace, runAs } from './postgres-place.js';
import { endWithSupervisor } from './server-process.js';
import type { StartingServer } from './supervise.js';

/**
 * One PostgreSQL server from its binaries, run directly: initialised once, TCP on 127.0.0.1 only, password by SCRAM, data kept.
 * Its states: stale server stopped -> data initialised -> starting -> ready -> stopped by a fast shutdown.
 */

export const DATABASE_USER = 'helios';
export const DATABASE_NAME = 'helios';
const MAJOR_VERSION = '18';
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

/** `stop` is a fast shutdown: sessions end, the data is complete on disk. */
export interface PostgresServer extends StartingServer {
  readonly port: number;
}

/**
 * Starts the server on data that exists or is made.
 * @param port 0 takes a free one.
 * @param passwordFile where the password of `DATABASE_USER` stands, made with mode 0600 together with the data.
 * @throws Error with a sentence when its data cannot be used, or it cannot be started.
 */
export async function startPostgres(place: PostgresPlace, passwordFile: string, port: number): Promise<PostgresServer> {
  await stopStaleServer(place.dataFolder);
  const data = join(place.dataFolder, 'data');
  if (existsSync(data)) adoptData(place, data, passwordFile);
  if (!existsSync(data)) initialise(place, passwordFile);
  const chosen = port === 0 ? await freePort() : port;
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${chosen}`,
    'unix_socket_directories=',
    'max_connections=60',
    'log_min_messages=warning',
    'timezone=UTC',
  ];
  const child = spawn(join(place.binariesFolder, 'bin', 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...runAs(place.user),
    cwd: '/',
    stdio: ['ignore', 2, 2],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  const ended = endOf(child);
  if (child.pid === undefined) throw new Error(`The database server could not be started: ${await ended}.`);
  endWithSupervisor(child, ended, 'SIGINT');
  const serving = untilReady(child, ended, join(data, 'postmaster.pid'));
  return { pid: child.pid, port: chosen, ended, serving, stop: () => stopChild(child, ended) };
}

/** A server whose supervisor was killed still holds the data: stop it before another starts. */
async function stopStaleServer(dataFolder: string): Promise<void> {
  const pidFile = join(dataFolder, 'data', 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n', 1)[0]);
  // After a reboot the number may belong to anybody.
  if (!Number.isInteger(pid) || pid <= 1 || !isProcessOf(pid, join(dataFolder, 'data'))) return;
  process.stderr.write(`database: stopping the server ${pid} that an earlier start left behind\n`);
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    process.kill(pid, signal);
    for (let waited = 0; waited < 100; waited++) {
      if (!isAlive(pid)) return;
      await sleep(100);
    }
  }
  throw new Error(`The database server ${pid} of an earlier start does not stop.`);
}

/** Makes the data under another name first: a start that is cut short leaves nothing half made behind. */
function initialise(place: PostgresPlace, passwordFile: string): void {
  const partial = join(place.dataFolder, 'data.partial');
  rmSync(partial, { recursive: true, force: true });
  const password = newPassword();
  const folder = mkdtempSync(join(tmpdir(), 'helios-initdb-'));
  const file = join(folder, 'password');
  try {
    writeFileSync(file, `${password}\n`, { mode: 0o600 });
    if (place.user !== null) for (const path of [folder, file]) chownSync(path, place.user.uid, place.user.gid);
    const flags = ['-U', DATABASE_USER, '--auth=scram-sha-256', `--pwfile=${file}`, '--encoding=UTF8', '--locale=C', '--no-instructions'];
    runTool(place, 'initdb', ['-D', partial, ...flags], '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  runTool(place, 'postgres', ['--single', '-D', partial, 'template1'], `CREATE DATABASE ${DATABASE_NAME};\n`);
  keepPassword(passwordFile, password);
  renameSync(partial, join(place.dataFolder, 'data'));
}

function runTool(place: PostgresPlace, tool: string, args: string[], input: string): void {
  const result = spawnSync(join(place.binariesFolder, 'bin', tool), args, {
    ...runAs(place.user),
    cwd: '/',
    input,
    encoding: 'utf8',
    timeout: 120_000,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  if (result.status === 0) return;
  throw new Error(
    `${tool} failed (${result.error?.message ?? `exit ${result.status ?? result.signal}`}):\n${result.stderr.trim().slice(-2000)}`,
  );
}

/** Checks that existing data fits this server, and mends a password file that was lost. */
function adoptData(place: PostgresPlace, data: string, passwordFile: string): void {
  const version = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  if (version !== MAJOR_VERSION)
    throw new Error(`${data} holds data of PostgreSQL ${version}, this is ${MAJOR_VERSION}: move the folder away to start afresh.`);
  if (existsSync(passwordFile)) return;
  if (place.movedBecause !== null) {
    // The project's folder was made anew (a fresh clone at the same path): the data belongs to the one before.
    const aside = `${data}.before`;
    process.stderr.write(`database: ${data} belongs to an earlier copy of the project; it is kept as ${aside}\n`);
    rmSync(aside, { recursive: true, force: true });
    renameSync(data, aside);
    return;
  }
  process.stderr.write(`database: ${passwordFile} is gone; setting a new password\n`);
  const password = newPassword();
  runTool(place, 'postgres', ['--single', '-D', data, 'template1'], `ALTER ROLE ${DATABASE_USER} PASSWORD '${password}';\n`);
  keepPassword(passwordFile, password);
}

function newPassword(): string {
  return randomBytes(24).toString('hex');
}

function keepPassword(passwordFile: string, password: string): void {
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  chmodSync(passwordFile, 0o600);
}

/** The server writes `ready` into the eighth line of its pid file once it takes connections. */
async function untilReady(child: ChildProcess, ended: Promise<string>, pidFile: string): Promise<void> {
  const end = { why: '' };
  void ended.then((why) => (end.why = why));
  const deadlineMs = performance.now() + READY_LIMIT_MS;
  while (performance.now() < deadlineMs) {
    if (end.why !== '') throw new Error(`The database server ended while it started: ${end.why}.`);
    const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return;
    await sleep(20);
  }
  child.kill('SIGQUIT');
  throw new Error(`The database server was not ready within ${READY_LIMIT_MS / 1000} s.`);
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit ${code}` : signal));
  });
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGINT');
  const limit = setTimeout(() => child.kill('SIGQUIT'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(limit);
}
