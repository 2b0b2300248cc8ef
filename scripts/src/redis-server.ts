import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServerProcess, startServerProcess, stopStaleServer } from './server-process.js';
import type { StartingServer } from './supervise.js';

/** One Redis server on 127.0.0.1, found on the PATH; its data is a snapshot, written when it stops and within seconds of a change. */

const STOP_LIMIT_MS = 8000;
const POLL_MS = 30;

/** Starts the server on data in `folder`, which is made when absent. @throws Error with a sentence when there is no redis-server. */
export async function startRedis(folder: string, port: number, path: string | undefined): Promise<StartingServer> {
  mkdirSync(folder, { recursive: true });
  const pidFile = join(folder, 'pid');
  await stopStaleServer('redis', pidFile, 'redis-server');
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    appendonly: 'no',
    // Profiles can be seeded again: a snapshot seconds after a change is enough.
    save: '5 1',
    loglevel: 'warning',
    daemonize: 'no',
  };
  const server = await startServerProcess({
    name: 'redis',
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    env: { PATH: path ?? '/usr/bin:/bin', LC_ALL: 'C' },
    pidFile,
    stopLimitMs: STOP_LIMIT_MS,
  });
  return { ...server, serving: untilServing(server, port) };
}

async function untilServing(server: ServerProcess, port: number): Promise<void> {
  const end = { why: '' };
  void server.ended.then((why) => (end.why = why));
  for (;;) {
    if (end.why !== '') throw new Error(`The Redis server ended while it started: ${end.why}.`);
    if ((await ping(port)).startsWith('+PONG')) return;
    await sleep(POLL_MS);
  }
}

/** The server's answer to PING; '' while it takes no connections. It answers an error while it loads its data. */
function ping(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const settle = (answer: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => settle(''));
    socket.once('error', () => settle(''));
    socket.once('data', (chunk) => settle(chunk.toString('latin1')));
    socket.once('close', () => settle(''));
    socket.write('PING\r\n');
  });
}
