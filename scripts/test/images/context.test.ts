import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { contextFiles, copiesOf, copyInto, hashOfCopies, ignoredBy } from '../../src/images/context.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-context-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text = '', mode = 0o644): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text, { mode });
}

it('.dockerignore leaves out what its patterns name, at the top or at any depth', () => {
  const ignored = ignoredBy('# comment\n\n.git\n**/node_modules\n**/*.tsbuildinfo\n.env.*\n/docs/pictures/\n');
  const out = ['.git', '.git/HEAD', 'node_modules', 'a/node_modules/b.js', 'a/b/x.tsbuildinfo', '.env.local', 'docs/pictures/a.png'];
  const inside = ['.gitignore', 'a/.git', 'node_modules2/x', 'a/x.tsbuildinfos', 'x.env.local', 'docs/pictures.md', 'deep/docs/pictures/a'];
  for (const path of out) expect(ignored(path), path).toBe(true);
  for (const path of inside) expect(ignored(path), path).toBe(false);
  expect(() => ignoredBy('*\n!src')).toThrow('!src: exceptions are not followed');
});

it('the folder is read without what is left out', () => {
  for (const path of ['b', 'a/c', 'a/node_modules/d', '.git/HEAD']) write(path);
  symlinkSync('b', join(folder, 'link'));
  expect(contextFiles(folder, ignoredBy('.git\n**/node_modules'))).toEqual(['a/c', 'b', 'link']);
});

it('a file is copied to its target or into it, a folder by its content', () => {
  const files = ['a/b/c', 'a/d', 'e'];
  expect(copiesOf(files, ['e'], '/x/')).toEqual([{ from: 'e', to: '/x/e' }]);
  expect(copiesOf(files, ['e'], '/x')).toEqual([{ from: 'e', to: '/x' }]);
  expect(copiesOf(files, ['a'], '/x')).toEqual([
    { from: 'a/b/c', to: '/x/b/c' },
    { from: 'a/d', to: '/x/d' },
  ]);
  expect(copiesOf(files, ['.'], '/x/').map(({ to }) => to)).toEqual(['/x/a/b/c', '/x/a/d', '/x/e']);
  expect(() => copiesOf(files, ['f'], '/x')).toThrow('COPY f: there is no such file');
});

it('copies keep content, mode and links', () => {
  write('run', 'text', 0o755);
  symlinkSync('run', join(folder, 'link'));
  const target = join(folder, 'root');
  copyInto(folder, copiesOf(['link', 'run'], ['.'], '/app'), target);
  expect(readFileSync(join(target, 'app/run'), 'utf8')).toBe('text');
  expect(statSync(join(target, 'app/run')).mode & 0o777).toBe(0o755);
  expect(readlinkSync(join(target, 'app/link'))).toBe('run');
});

it('the hash of what is copied changes with content, mode, name and target', () => {
  write('a', 'one');
  const hash = (target = '/x/') => hashOfCopies(folder, copiesOf(['a'], ['a'], target));
  const first = hash();
  expect(hash()).toBe(first);
  expect(hash('/y/')).not.toBe(first);
  write('a', 'two');
  expect(hash()).not.toBe(first);
  rmSync(join(folder, 'a'));
  write('a', 'one', 0o755);
  expect(hash()).not.toBe(first);
});
