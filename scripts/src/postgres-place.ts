import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Where the embedded PostgreSQL's binaries and data are, and as whom it runs. PostgreSQL refuses to run as root, so a root start uses an
 * unprivileged user; when that user cannot enter the project's folder, binaries and data move to a folder under the temporary directory.
 */

/** The user the server runs as; null: the one who runs this. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresPlace {
  readonly user: ServerUser | null;
  /** Folder with `bin/`, `lib/` and `share/`. */
  readonly binariesFolder: string;
  readonly dataFolder: string;
  /** Why the place is not the project's folder, as a sentence; null when it is. */
  readonly movedBecause: string | null;
}

/** Spawn options that run a child as the server's user, or as oneself. */
export function runAs(user: ServerUser | null): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}

/**
 * Chooses the place and prepares its folders.
 * @param nativeFolder the folder `native` of the package with the server's binaries.
 * @param stateFolder the project's `.helios`, which exists.
 * @throws Error when neither the project's folder nor the temporary directory can be used.
 */
export function choosePlace(nativeFolder: string, stateFolder: string): PostgresPlace {
  const wanted = join(stateFolder, 'postgres');
  const user = process.getuid?.() === 0 ? unprivilegedUser() : null;
  if (user === null) {
    makePrivate(wanted, null);
    return { user, binariesFolder: nativeFolder, dataFolder: wanted, movedBecause: null };
  }
  if (canRun(nativeFolder, user) && canEnter(stateFolder, user)) {
    makePrivate(wanted, user);
    return { user, binariesFolder: nativeFolder, dataFolder: wanted, movedBecause: null };
  }
  const folder = join(tmpdir(), `helios-${createHash('sha256').update(stateFolder).digest('hex').slice(0, 12)}`);
  makeOwn(folder);
  const binariesFolder = copyBinaries(nativeFolder, folder);
  const dataFolder = join(folder, 'postgres');
  makePrivate(dataFolder, user);
  if (!canRun(binariesFolder, user) || !canEnter(dataFolder, user)) {
    throw new Error(
      `The user ${user.name} can run the database neither in ${stateFolder} nor in ${folder}. Start as another user than root, or set TMPDIR.`,
    );
  }
  return {
    user,
    binariesFolder,
    dataFolder,
    movedBecause: `the user ${user.name}, as whom the database runs, cannot enter ${stateFolder}`,
  };
}

function unprivilegedUser(): ServerUser {
  const entries = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = entries.find((line) => line.startsWith(`${name}:`))?.split(':');
    const uid = Number(fields?.[2]);
    const gid = Number(fields?.[3]);
    if (Number.isInteger(uid) && uid > 0 && Number.isInteger(gid)) return { name, uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root, and this system has neither a user postgres nor nobody: start as another user, or set DB_HOST.',
  );
}

/** Whether the user can execute the server's binary and load its libraries: tried, because permissions hide in every parent folder. */
function canRun(binariesFolder: string, user: ServerUser): boolean {
  return (
    spawnSync(join(binariesFolder, 'bin', 'postgres'), ['--version'], { ...runAs(user), cwd: '/', stdio: 'ignore', timeout: 10_000 })
      .status === 0
  );
}

function canEnter(folder: string, user: ServerUser): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...runAs(user), cwd: '/', stdio: 'ignore', timeout: 10_000 }).status === 0;
}

function makePrivate(folder: string, user: ServerUser | null): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (user !== null) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o700);
}

/** A folder of our own in a directory where everybody may write: whoever made it before us must have been us. */
function makeOwn(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.())
    throw new Error(`${folder} exists and is not a folder of this user: remove it, then start again.`);
  chmodSync(folder, 0o755);
}

/** Copies the binaries once per version; a copy that was cut short is not found under its final name. */
function copyBinaries(nativeFolder: string, folder: string): string {
  const { version } = JSON.parse(readFileSync(join(dirname(nativeFolder), 'package.json'), 'utf8')) as { version: string };
  const copy = join(folder, `binaries-${version}`);
  if (existsSync(copy)) return copy;
  const partial = `${copy}.partial`;
  rmSync(partial, { recursive: true, force: true });
  cpSync(nativeFolder, partial, { recursive: true, verbatimSymlinks: true });
  renameSync(partial, copy);
  return copy;
}
