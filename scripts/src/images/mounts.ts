import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Variables } from './dockerfile-lines.js';

/**
 * Roots made of layers, and programs inside them: overlay mounts and chroot. Everything is mounted in a mount namespace of this program's
 * own (scripts/prove-images makes it), which the kernel takes down with its last process, however that ends.
 */

export interface Writable {
  /** Where changes go. */
  readonly upper: string;
  /** Empty folder beside it, on the same file system. */
  readonly work: string;
}

/** Mounts layers over each other, the first on top; without `writable` the result cannot be written to by anybody. */
export function mountLayers(at: string, layers: readonly string[], writable: Writable | null): void {
  for (const path of [...layers, at])
    if (/[:,\\]/.test(path)) throw new Error(`${path} has a character that overlay mounts take for a separator: move the project.`);
  for (const folder of [at, ...(writable === null ? [] : [writable.upper, writable.work])]) mkdirSync(folder, { recursive: true });
  const options = [`lowerdir=${layers.join(':')}`];
  if (writable !== null) options.push(`upperdir=${writable.upper}`, `workdir=${writable.work}`);
  else if (layers.length === 1) return run('mount', ['--bind', '-o', 'ro', layers[0] ?? '', at]);
  run('mount', ['-t', 'overlay', 'overlay', '-o', options.join(','), at]);
}

/** Unmounts a root and what is mounted in it; `lazily`: also while processes that were left behind still use it. */
export function unmount(at: string, lazily = false): void {
  run('umount', ['--recursive', ...(lazily ? ['--lazy'] : []), at]);
}

export interface SystemMounts {
  /** File of certificate authorities of this machine that the root may use; null: none but its own. */
  readonly caFile: string | null;
  /** Name servers and host names of this machine. */
  readonly network: boolean;
  /** Folders of this machine by where they appear in the root. */
  readonly folders: Readonly<Record<string, string>>;
}

/** Where `caFile` appears in a root. */
export const CA_INSIDE = '/dev/host-ca.crt';
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** What an engine gives every container: /proc, a small /dev, and name resolution. The mount points are there in any Debian root. */
export function mountSystem(root: string, { caFile, network, folders }: SystemMounts): void {
  run('mount', ['-t', 'proc', 'proc', join(root, 'proc')]);
  const dev = join(root, 'dev');
  run('mount', ['-t', 'tmpfs', '-o', 'mode=755,size=256m', 'dev', dev]);
  const bindFile = (from: string, to: string) => {
    if (!existsSync(to)) writeFileSync(to, '');
    run('mount', ['--bind', from, to]);
  };
  for (const device of DEVICES) bindFile(join('/dev', device), join(dev, device));
  for (const [name, target] of Object.entries({ fd: 'fd', stdin: 'fd/0', stdout: 'fd/1', stderr: 'fd/2' }))
    symlinkSync(`/proc/self/${target}`, join(dev, name));
  mkdirSync(join(dev, 'shm'));
  run('mount', ['-t', 'tmpfs', '-o', 'mode=1777,size=256m', 'shm', join(dev, 'shm')]);
  if (caFile !== null) bindFile(caFile, join(root, CA_INSIDE));
  run('mount', ['-o', 'remount,ro', dev]);
  if (network) for (const file of ['/etc/resolv.conf', '/etc/hosts']) bindFile(file, join(root, file));
  for (const [inside, folder] of Object.entries(folders)) {
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(root, inside), { recursive: true });
    run('mount', ['--bind', folder, join(root, inside)]);
  }
}

export interface Inside {
  /** `uid:gid`. */
  readonly user: string;
  readonly workdir: string;
  /** The whole environment. */
  readonly env: Variables;
}

/**
 * The command that becomes `argv` inside a root: each program in it replaces itself by the next, so that a signal to the process reaches
 * `argv`. Anybody but root also loses the way to new privileges.
 */
export function commandInside(root: string, { user, workdir, env }: Inside, argv: readonly string[]): [command: string, args: string[]] {
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const start = ['/usr/bin/env', '-i', `--chdir=${workdir}`, ...environment, ...argv];
  if (user === '0:0') return ['chroot', [root, ...start]];
  return ['setpriv', ['--no-new-privs', 'chroot', `--userspec=${user}`, '--groups=', root, ...start]];
}

/** The home folder that an engine gives a user who is in no list of users, and root. */
export function homeOf(user: string): string {
  return user === '0:0' ? '/root' : '/';
}

/** Runs a program of this machine. @throws Error with what it said when it fails. */
export function run(command: string, args: readonly string[]): void {
  const result = spawnSync(command, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  const why = result.error?.message ?? `exit ${result.status ?? result.signal}`;
  throw new Error(`${command} ${args.join(' ')} failed (${why}): ${`${result.stdout}${result.stderr}`.trim().slice(-2000)}`);
}
