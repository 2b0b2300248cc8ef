import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../prune-native', import.meta.url));
const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
const RUNS = ['lib/index.js', 'librdkafka.js', 'package.json', 'LICENSE.txt'];
const BUILT = ['build/Release/node-librdkafka.node', 'build/deps/librdkafka.so.1', 'build/deps/librdkafka++.so.1'];
let folder: string;

/** A project with the two packages; what was built is this Node's own program, which `strip` can read. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-prune-'));
  mkdirSync(join(folder, 'scripts'));
  copyFileSync(script, join(folder, 'scripts/prune-native'));
  for (const path of [...RUNS, 'src/binding.cc', 'deps/librdkafka/src/rd.c', 'build/Release/obj.target/x.o', 'build/deps/librdkafka.a'])
    write(`node-rdkafka/${path}`);
  for (const path of BUILT) {
    write(`node-rdkafka/${path}`);
    copyFileSync('/bin/true', at(`node-rdkafka/${path}`));
  }
  for (const path of ['uws.js', 'ESM_wrapper.mjs', 'LICENSE', 'package.json', 'docs/index.html', binary, 'uws_win32_x64_1.node'])
    write(`uWebSockets.js/${path}`);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (path: string) => join(folder, 'node_modules', path);

function write(path: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), '');
}

function prune(): { status: number | null; stderr: string } {
  return spawnSync('bash', [join(folder, 'scripts/prune-native')], { encoding: 'utf8' });
}

it('leaves what this machine runs, and nothing else', () => {
  expect(prune()).toMatchObject({ status: 0 });
  for (const path of [...RUNS, ...BUILT]) expect(existsSync(at(`node-rdkafka/${path}`)), path).toBe(true);
  for (const path of ['src', 'deps', 'build/Release/obj.target', 'build/deps/librdkafka.a'])
    expect(existsSync(at(`node-rdkafka/${path}`)), path).toBe(false);
  for (const path of ['uws.js', binary]) expect(existsSync(at(`uWebSockets.js/${path}`)), path).toBe(true);
  for (const path of ['docs', 'uws_win32_x64_1.node']) expect(existsSync(at(`uWebSockets.js/${path}`)), path).toBe(false);
  expect(prune()).toMatchObject({ status: 0 });
});

it('removes nothing of a package that was not built', () => {
  rmSync(at('node-rdkafka/build/deps/librdkafka.so.1'));
  expect(prune()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('node-rdkafka has no build/deps/librdkafka.so.1: is it built?'),
  });
  expect(existsSync(at('node-rdkafka/src/binding.cc'))).toBe(true);
});

it('passes over packages that are not there', () => {
  rmSync(at('node-rdkafka'), { recursive: true });
  rmSync(at('uWebSockets.js'), { recursive: true });
  expect(prune()).toMatchObject({ status: 0 });
});
