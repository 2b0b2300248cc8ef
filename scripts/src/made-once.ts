import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeLock } from './run-lock.js';

const LOCK_POLL_MS = 200;

/**
 * Resolves when a file or folder is there. Any number of processes may ask at once: one of those that find it absent makes it, the others wait.
 * @param lockFolder where they take turns; it must be there.
 * @param make must put it in its place in one step: what is there counts as whole.
 * @throws Error what `make` throws; the next one that asks tries again.
 */
export async function madeOnce(path: string, lockFolder: string, make: () => Promise<void>): Promise<void> {
  while (!existsSync(path)) {
    const lock = takeLock(lockFolder);
    if ('heldBy' in lock) {
      await sleep(LOCK_POLL_MS);
      continue;
    }
    try {
      if (!existsSync(path)) await make();
    } finally {
      lock.release();
    }
  }
}
