import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';

/** The folder that images are built in, as a Docker engine sees it: without what .dockerignore names. */

/** @returns whether a path, relative to the folder, is left out. @throws Error on a pattern with an exception (`!`). */
export function ignoredBy(dockerignore: string): (path: string) => boolean {
  const patterns = dockerignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((pattern) => {
      if (pattern.startsWith('!')) throw new Error(`.dockerignore: ${pattern}: exceptions are not followed`);
      const source = posix
        .normalize(pattern)
        .replace(/^\/|\/$/g, '')
        .replaceAll(/[.+^$(){}|\\]/g, String.raw`\$&`)
        .replaceAll(/\*\*\/|\*|\?/g, (wild) => (wild === '**/' ? '(?:.*/)?' : wild === '*' ? '[^/]*' : '[^/]'));
      return new RegExp(`^${source}(?:/|$)`);
    });
  return (path) => patterns.some((pattern) => pattern.test(path));
}

/** Paths of all files and links in the folder that are not left out, sorted. */
export function contextFiles(folder: string, ignored: (path: string) => boolean): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      const inner = posix.join(path, entry.name);
      if (ignored(inner)) continue;
      if (entry.isDirectory()) visit(inner);
      else if (entry.isFile() || entry.isSymbolicLink()) found.push(inner);
    }
  };
  visit('');
  return found.toSorted();
}

export interface Copy {
  /** Relative to the folder. */
  readonly from: string;
  /** Absolute in the image. */
  readonly to: string;
}

/**
 * What COPY of `sources` to `target` copies: a folder's content goes into the target, a file goes to it, or into it when it ends with `/`.
 * @throws Error on a source that is not there.
 */
export function copiesOf(files: readonly string[], sources: readonly string[], target: string): Copy[] {
  return sources.flatMap((source) => {
    const path = posix.normalize(source).replace(/\/$/, '');
    if (files.includes(path)) return [{ from: path, to: target.endsWith('/') ? posix.join(target, basename(path)) : target }];
    const front = path === '.' ? '' : `${path}/`;
    const inside = files.filter((file) => file.startsWith(front));
    if (inside.length === 0) throw new Error(`COPY ${source}: there is no such file or folder in what is built in`);
    return inside.map((file) => ({ from: file, to: posix.join(target, file.slice(front.length)) }));
  });
}

/** One hash over names, modes and contents of what is copied. */
export function hashOfCopies(folder: string, copies: readonly Copy[]): string {
  const hash = createHash('sha256');
  for (const { from, to } of copies) {
    const path = join(folder, from);
    const stat = lstatSync(path);
    hash.update(`${to}\0${(stat.mode & 0o777).toString(8)}\0`);
    hash.update(
      createHash('sha256')
        .update(stat.isSymbolicLink() ? readlinkSync(path) : readFileSync(path))
        .digest(),
    );
  }
  return hash.digest('hex');
}

/** Copies into the image at `root`; as root everything then belongs to root, as with an engine. */
export function copyInto(folder: string, copies: readonly Copy[], root: string): void {
  const owned = process.getuid?.() === 0;
  for (const { from, to } of copies) {
    const source = join(folder, from);
    const target = join(root, to);
    const stat = lstatSync(source);
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true });
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else {
      copyFileSync(source, target);
      chmodSync(target, stat.mode & 0o777);
    }
    if (owned) lchownSync(target, 0, 0);
  }
}
