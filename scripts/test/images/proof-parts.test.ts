import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { confinementFaults, residentMib } from '../../src/images/confinement.js';
import { ServiceProcess } from '../../src/images/container.js';
import { argvIn, targetOfProgram } from '../../src/images/image-commands.js';
import { bytesIn, sizeOf } from '../../src/images/image-sizes.js';
import { type ImagesResult, withTable } from '../../src/images/images-page.js';
import { commandInside } from '../../src/images/mounts.js';
import { imageEnv } from '../../src/images/prove.js';
import { startOf } from '../../src/images/stage-builder.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helios-proof-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a build that was cut short', () => {
  it('goes on behind the steps that are done and the same', () => {
    expect(startOf({ done: [], begun: null }, ['a', 'b'])).toBe(0);
    expect(startOf({ done: ['a'], begun: null }, ['a', 'b'])).toBe(1);
    expect(startOf({ done: ['a', 'b'], begun: null }, ['a', 'b'])).toBe(2);
  });

  it('begins anew where a step was half done, is another one, or is there no longer', () => {
    expect(startOf({ done: ['a'], begun: 'b' }, ['a', 'b'])).toBe(0);
    expect(startOf({ done: ['a'], begun: null }, ['x', 'b'])).toBe(0);
    expect(startOf({ done: ['a', 'b'], begun: null }, ['a'])).toBe(0);
  });
});

describe('confinement', () => {
  const status = `Name:\tnode
Uid:\t65532\t65532\t65532\t65532
Gid:\t65532\t65532\t65532\t65532
Groups:\t
VmRSS:\t  102400 kB
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
NoNewPrivs:\t1
`;

  it('holds for a process of the image’s user without groups, capabilities or new privileges', () => {
    expect(confinementFaults(status, '65532:65532')).toEqual([]);
    expect(residentMib(status)).toBe(100);
  });

  it.each([
    ['Uid:\t65532\t65532', 'Uid:\t65532\t0', 'Uid is "65532 0 65532 65532"'],
    ['Groups:\t', 'Groups:\t0 27', 'Groups is "0 27"'],
    ['CapEff:\t0000000000000000', 'CapEff:\t00000000a80425fb', 'CapEff is "00000000a80425fb"'],
    ['NoNewPrivs:\t1', 'NoNewPrivs:\t0', 'NoNewPrivs is "0"'],
    ['NoNewPrivs:\t1\n', '', 'NoNewPrivs is not told'],
  ])('%j in place of %j is a fault', (from, to, fault) => {
    expect(confinementFaults(status.replace(from, to), '65532:65532')).toEqual([expect.stringContaining(fault)]);
  });
});

it('a container has the environment of its image and of the service, and nothing of this machine', () => {
  expect(imageEnv({ PATH: '/x', HOME: '/root', JAVA_HOME: '/j', HELIOS_EXIT_WITH_PARENT: '1', INGEST_PORT: '1' })).toEqual({
    INGEST_PORT: '1',
  });
  const [command, args] = commandInside('/root', { user: '1:2', workdir: '/helios', env: { A: 'b c' } }, ['node', 'x']);
  expect([command, ...args].join(' ')).toBe(
    'setpriv --no-new-privs chroot --userspec=1:2 --groups= /root /usr/bin/env -i --chdir=/helios A=b c node x',
  );
});

it('an image starts its own program by its entry point, and another one in its place', () => {
  const config = {
    env: {},
    workdir: '/',
    user: '1:1',
    entrypoint: ['node', '--option', 'engine/dist/main.js'],
    cmd: ['ingest'],
    labels: {},
    ports: [],
  };
  expect(argvIn(config, ['engine/dist/main.js', 'bidder'])).toEqual(['node', '--option', 'engine/dist/main.js', 'bidder']);
  expect(argvIn(config, ['engine/dist/other.js', '--x'])).toEqual(['node', 'engine/dist/other.js', '--x']);
  expect(targetOfProgram(['engine/dist/main.js'])).toBe('engine');
  expect(() => targetOfProgram(['bench/dist/main.js'])).toThrow('no image has bench/dist/main.js');
});

it('the size of an image is that of its files, each once, links aside', () => {
  const layers = ['own', 'base', 'debian'].map((name) => join(folder, name));
  for (const [index, layer] of layers.entries()) {
    mkdirSync(join(layer, 'inner'), { recursive: true });
    writeFileSync(join(layer, 'inner/file'), 'x'.repeat(10 ** index));
  }
  linkSync(join(layers[0] ?? '', 'inner/file'), join(layers[0] ?? '', 'again'));
  symlinkSync('file', join(layers[0] ?? '', 'link'));
  expect(sizeOf(layers)).toEqual({ own: 1, base: 10, debian: 100, total: 111 });
  expect(bytesIn(folder)).toBe(111);
  expect(() => sizeOf(layers.slice(1))).toThrow('2 layers, not 3');
});

describe('a service under proof', () => {
  const start = (program: string) => new ServiceProcess('tried', process.execPath, ['-e', program], {}, folder);

  it('is told apart by how it ends: asked, by itself, or killed because it did not', async () => {
    const good = start("process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('up')");
    await expect.poll(() => readFileSync(good.log.path, 'utf8')).toContain('up');
    expect(await good.stop(5000)).toMatchObject({ end: 'exit code 0' });
    const broken = start('process.exit(3)');
    expect(await broken.ended).toBe('exit code 3');
    expect(broken.end).toBe('exit code 3');
    const deaf = start("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('deaf')");
    await expect.poll(() => readFileSync(deaf.log.path, 'utf8')).toContain('deaf');
    expect(await deaf.stop(100)).toMatchObject({ end: 'SIGKILL' });
  });
});

it('the table of docs/images.md is made from the result file', () => {
  const page = readFileSync(join(root, 'docs/images.md'), 'utf8');
  let result: ImagesResult | null = null;
  try {
    result = JSON.parse(readFileSync(join(root, 'bench/results/images.json'), 'utf8')) as ImagesResult;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  expect(withTable(page, result)).toBe(page);
  expect(withTable(page, null) === page).toBe(result === null);
  expect(() => withTable('# Images', result)).toThrow('has no <!-- table');
});
