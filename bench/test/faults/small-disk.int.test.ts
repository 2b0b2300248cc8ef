import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SmallDisk } from '../../faults/small-disk.js';

/** Whether this user may mount is the machine's choice: both answers have a promise, and the test holds it to the one that applies. */

let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'helios-small-disk-'));
  folder = join(parent, 'data');
  mkdirSync(folder);
  writeFileSync(join(folder, 'kept'), 'from before');
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

function mayMount(): boolean {
  const probe = join(parent, 'probe');
  mkdirSync(probe);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' });
  } catch {
    return false;
  }
  execFileSync('umount', [probe]);
  return true;
}

describe('a small disk in the place of a folder', () => {
  it('is full when it is told to be, has room again, and leaves all that was written; or says that it cannot be made', () => {
    if (!mayMount()) {
      expect(() => SmallDisk.mountOver(folder, 1024 ** 2)).toThrow(/disk that is full cannot be made here/);
      expect(readFileSync(join(folder, 'kept'), 'utf8')).toBe('from before');
      return;
    }
    const disk = SmallDisk.mountOver(folder, 64 * 1024 ** 2);
    const file = join(folder, 'grows');
    try {
      expect(readFileSync(join(folder, 'kept'), 'utf8')).toBe('from before');
      writeFileSync(file, Buffer.alloc(100_000));
      disk.fill();
      expect(() => appendFileSync(file, Buffer.alloc(100_000))).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
      disk.release();
      writeFileSync(file, Buffer.alloc(200_000, 1));
    } finally {
      disk.unmount();
    }
    expect(readFileSync(join(folder, 'kept'), 'utf8')).toBe('from before');
    expect(readFileSync(file)).toEqual(Buffer.alloc(200_000, 1));
    expect(existsSync(`${folder}.aside`)).toBe(false);
    expect(readdirSync(parent).toSorted()).toEqual(['data', 'probe']);
  });
});
