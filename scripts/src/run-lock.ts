import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, startMark } from './process-info.js';

/** One launcher per folder: a file that names the process which holds it, taken over when that process is gone. */
export interface RunLock {
  release(): void;
}

interface Owner {
  readonly pid: number;
  /** Tells the process from a later one with the same id. */
  readonly started: string;
}

/** Takes the lock in `folder`, which exists. @returns the lock, or the id of the live process that holds it. */
export function takeLock(folder: string): RunLock | { readonly heldBy: number } {
  const path = join(folder, 'lock');
  const own = `${path}.${process.pid}`;
  const me: Owner = { pid: process.pid, started: startMark(process.pid) };
  writeFileSync(own, JSON.stringify(me));
  try {
    for (;;) {
      try {
        linkSync(own, path); // fails when it exists: the one step that only one process can win
        return { release: () => releaseOwn(path) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = ownerOf(path);
      if (holder !== null && isAlive(holder.pid) && startMark(holder.pid) === holder.started) return { heldBy: holder.pid };
      removeStale(path, own, holder);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function ownerOf(path: string): Owner | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch {
    return null; // released meanwhile, or cut short by a power failure: nobody's
  }
}

/** Moves the stale lock away. Another process may have taken the lock over meanwhile: then what was moved is its, and goes back. */
function removeStale(path: string, own: string, stale: Owner | null): void {
  const aside = `${own}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = ownerOf(aside);
  if (moved !== null && (moved.pid !== stale?.pid || moved.started !== stale.started)) renameSync(aside, path);
  else rmSync(aside, { force: true });
}

function releaseOwn(path: string): void {
  if (ownerOf(path)?.pid === process.pid) rmSync(path, { force: true });
}
