import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Why tests on a real Redis are skipped here, or nothing where they run. With CI=true they always run, and fail without a server. */
export const redisAbsent: string | undefined =
  process.env['CI'] === 'true' || spawnSync('redis-server', ['--version']).status === 0
    ? undefined
    : 'redis-server is not installed: run scripts/install-system';

/** A free port of this machine; whoever wants it has to be quick. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** A real Redis server of the test's own, without persistence. */
export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'helios-redis-'));
  readonly #options: readonly string[];
  #process: ChildProcess | undefined;

  constructor(port: number, options: readonly string[] = []) {
    this.port = port;
    this.#options = options;
  }

  static async start(options: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options);
    await server.start();
    return server;
  }

  /** Starts it, again too, and waits until it answers. */
  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder, ...this.#options];
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    this.#process = child;
    const gone = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    });
    // The rejection counts only until the server answers.
    gone.catch(() => undefined);
    await Promise.race([gone, this.#answers()]);
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    const redis = new Redis({ port: this.port, retryStrategy: () => 20, maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    try {
      await redis.ping().catch((error: unknown) => {
        // A server that asks for a password answers too.
        if (!String(error).includes('NOAUTH')) throw error;
      });
    } finally {
      redis.disconnect();
    }
  }
}

/** Asks until `met` says so; fails with what was waited for. */
export async function until(what: string, met: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const startedMonoMs = performance.now();
  while (!(await met())) {
    if (performance.now() - startedMonoMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
