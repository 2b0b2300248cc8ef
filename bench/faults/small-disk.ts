import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmdirSync, rmSync, statfsSync } from 'node:fs';

const FILL_ATTEMPTS = 50;

/**
 * A file system of its own, in memory, in the place of a folder: one that can be full. It is made full by lowering its size to what it
 * holds, which a writer cannot tell from one that another's file has filled, and takes no memory.
 */
export class SmallDisk {
  readonly #folder: string;
  readonly #aside: string;
  readonly #sizeBytes: number;

  /**
   * Puts the file system in the place of the folder, with all that the folder holds. Nobody may use the folder meanwhile.
   * @throws Error with a sentence where this user or this machine may not mount one.
   */
  static mountOver(folder: string, sizeBytes: number): SmallDisk {
    const disk = new SmallDisk(folder, sizeBytes);
    renameSync(disk.#folder, disk.#aside);
    try {
      mkdirSync(disk.#folder, { mode: 0o755 });
      run('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes},mode=755`, 'tmpfs', disk.#folder);
    } catch (error) {
      rmdirSync(disk.#folder);
      renameSync(disk.#aside, disk.#folder);
      throw error;
    }
    copyInto(disk.#aside, disk.#folder);
    return disk;
  }

  private constructor(folder: string, sizeBytes: number) {
    this.#folder = folder;
    this.#aside = `${folder}.aside`;
    this.#sizeBytes = sizeBytes;
  }

  /** No byte is left from now on. What its user frees itself it may use again. */
  fill(): void {
    for (let attempt = 1; ; attempt++) {
      const { bsize, blocks, bfree } = statfsSync(this.#folder);
      try {
        return this.#resize((blocks - bfree) * bsize);
      } catch (error) {
        // It grew in between: a size below what it holds is refused.
        if (attempt === FILL_ATTEMPTS) throw error;
      }
    }
  }

  /** There is room again. */
  release(): void {
    this.#resize(this.#sizeBytes);
  }

  /** Moves what it holds back to the folder and takes the file system away. Nobody may use the folder meanwhile. */
  unmount(): void {
    rmSync(this.#aside, { recursive: true, force: true });
    copyInto(this.#folder, this.#aside);
    run('umount', this.#folder);
    rmdirSync(this.#folder);
    renameSync(this.#aside, this.#folder);
  }

  #resize(sizeBytes: number): void {
    run('mount', '-o', `remount,size=${sizeBytes}`, this.#folder);
  }
}

/** Owners, modes and times are kept: a server looks at them. */
function copyInto(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  run('cp', '-a', `${from}/.`, to);
}

function run(command: string, ...args: string[]): void {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  if (status === 0) return;
  throw new Error(
    `A disk that is full cannot be made here: ${command} ${args.join(' ')} failed (${error?.message ?? stderr.trim()}). It takes root and the right to mount a file system in memory.`,
  );
}
