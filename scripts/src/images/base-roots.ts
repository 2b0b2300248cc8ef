import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './mounts.js';

/**
 * What stands in for the two images of elsewhere that the Dockerfile begins with, made from Debian's packages and from npm:
 * `debian:trixie-DATE-slim` is a minimal root by debootstrap, `node:VERSION-trixie-slim` the same with that Node, its headers and an npm in
 * /usr/local. Both are made once and kept.
 */

/** What the root is good for, kept beside it. */
export interface BaseRoot {
  /** Folders, the first on top. */
  readonly layers: readonly string[];
  /** Changes when they are made anew. */
  readonly key: string;
}

export const SUITE = 'trixie';
/** As official images have it: nothing downloaded and no index is kept. */
const APT_CONFIG = `DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
`;
/** What the slim images leave out of every package. */
const DPKG_CONFIG = `path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
`;

/** Node's version in a name such as `node:24.21.0-trixie-slim@sha256:...`; null for `debian:trixie-DATE-slim`. @throws Error on any other image. */
export function nodeVersionOf(image: string): string | null {
  const version = new RegExp(`^node:(\\d+\\.\\d+\\.\\d+)-${SUITE}-slim(@sha256:[0-9a-f]{64})?$`).exec(image)?.[1];
  if (version !== undefined) return version;
  if (new RegExp(`^debian:${SUITE}(-\\d{8})?-slim(@sha256:[0-9a-f]{64})?$`).test(image)) return null;
  throw new Error(
    `${image} is neither node:VERSION-${SUITE}-slim nor debian:${SUITE}-slim: scripts/prove-images has nothing that stands in for it.`,
  );
}

/** The layers of an image of elsewhere, made when they are not there. @param say told what takes time. */
export function baseRoot(image: string, store: string, say: (text: string) => void): BaseRoot {
  const version = nodeVersionOf(image);
  const debian = join(store, SUITE);
  if (!existsSync(debian)) makeDebian(debian, say);
  const id = readFileSync(`${debian}.id`, 'utf8').trim();
  if (version === null) return { layers: [debian], key: id };
  const node = join(store, `node-${version}`);
  if (!existsSync(node)) makeNode(node, version, say);
  return { layers: [node, debian], key: `${id} node ${version}` };
}

function makeDebian(folder: string, say: (text: string) => void): void {
  say(`making a root of Debian ${SUITE} with debootstrap (about a minute)`);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const mirror = debianMirror();
  run('debootstrap', ['--variant=minbase', SUITE, partial, ...(mirror === null ? [] : [mirror])]);
  writeFileSync(join(partial, 'etc/apt/apt.conf.d/docker-clean'), APT_CONFIG);
  writeFileSync(join(partial, 'etc/dpkg/dpkg.cfg.d/docker-slim'), DPKG_CONFIG);
  for (const path of ['var/cache/apt/archives', 'var/lib/apt/lists', 'usr/share/info', 'usr/share/locale', 'usr/share/man', 'var/log'])
    emptyFolder(join(partial, path));
  // Packages such as Java's make links in these while they are installed.
  for (let section = 1; section <= 8; section++) mkdirSync(join(partial, `usr/share/man/man${section}`));
  for (const name of readdirSync(join(partial, 'usr/share/doc'))) {
    const folder = join(partial, 'usr/share/doc', name);
    for (const file of readdirSync(folder)) if (file !== 'copyright') rmSync(join(folder, file), { recursive: true, force: true });
  }
  for (const file of ['etc/resolv.conf', 'etc/hosts']) writeFileSync(join(partial, file), '');
  writeFileSync(`${folder}.id`, `${randomUUID()}\n`);
  renameSync(partial, folder);
}

function emptyFolder(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** The mirror of Debian that apt uses here; null where apt knows none, for debootstrap's own default. */
function debianMirror(): string | null {
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Identifier: Packages'], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').find((uri) => /^https?:.*\/debian\/?$/.test(uri)) ?? null;
}

/** Node and its headers from the npm package that holds them, and the npm that runs here: the package has none. */
function makeNode(folder: string, version: string, say: (text: string) => void): void {
  const name = `node-${process.platform}-${process.arch}@${version}`;
  say(`fetching ${name}`);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const local = join(partial, 'usr/local');
  mkdirSync(local, { recursive: true });
  const scratch = mkdtempSync(join(dirname(folder), 'pack-'));
  try {
    run('npm', ['pack', '--silent', '--pack-destination', scratch, name]);
    const [archive = ''] = readdirSync(scratch);
    run('tar', ['-xzf', join(scratch, archive), '-C', local, '--no-same-owner', '--strip-components=1', 'package/bin', 'package/include']);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const { stdout } = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' });
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true });
  run('cp', ['-a', '--no-preserve=ownership', join(stdout.trim(), 'npm'), join(local, 'lib/node_modules/npm')]);
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  symlinkSync('../lib/node_modules/npm/bin/npx-cli.js', join(local, 'bin/npx'));
  renameSync(partial, folder);
}
