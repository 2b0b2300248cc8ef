import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pageFaults, readPages } from '../../src/walks/check-pages.js';
import { isVerification, walkPages } from '../../src/walks/pages.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null);
const text = (path: string) => read(path) ?? '';

describe('the pages whose commands are run or checked', () => {
  const { pages, faults } = readPages(walkPages, read);

  it('have a mark on every block, name nothing that does not exist, and leave no command to nobody', () => {
    expect([...faults, ...pageFaults(pages, root, read)]).toEqual([]);
  });

  it('are all verification pages, each with a walk in a cluster and the same without one', () => {
    const files = readdirSync(join(root, 'docs/testing')).filter((name) => name !== 'README.md');
    expect(files.map((name) => `docs/testing/${name}`).toSorted()).toEqual(walkPages.filter(isVerification).toSorted());
    for (const page of pages.filter(({ path }) => isVerification(path))) {
      const kinds = new Set(page.blocks.map(({ kind }) => kind));
      expect([...kinds], page.path).toEqual(expect.arrayContaining(['cluster', 'start', 'local', 'stop']));
    }
  });

  it('name the version of package.json wherever they name an image', () => {
    const { version } = JSON.parse(text('package.json')) as { version: string };
    for (const path of walkPages)
      for (const [named, other] of text(path).matchAll(/(?:\bhelios-[a-z-]+:|images of version )(\d+\.\d+\.\d+)/g))
        expect(other, `${path}: ${named}`).toBe(version);
  });

  it('say what every cluster command prints, but for a port that is forwarded once more', () => {
    const silent = /^kubectl -n helios port-forward/;
    for (const page of pages.filter(({ path }) => isVerification(path))) {
      for (const block of page.blocks) {
        if (block.kind !== 'cluster' || silent.test(block.command)) continue;
        expect(block.expected, `${page.path}:${block.line}`).not.toBeNull();
      }
    }
  });
});

it('a block under the heading of the other kind is a fault', () => {
  const page =
    '## In a cluster\n\n<!-- walk: local -->\n```sh\ntrue\n```\n\n## Without a cluster\n\n<!-- walk: cluster -->\n```sh\nkubectl get pods\n```\n';
  const { faults } = readPages(['docs/testing/x-verification.md'], () => page);
  expect(faults.map(({ line, why }) => `${line}: ${why}`)).toEqual([
    '4: a local block belongs under "Without a cluster", not under "In a cluster"',
    '11: a cluster block belongs under "In a cluster", not under "Without a cluster"',
  ]);
});

it('docs/phases/01-core-pipeline.md says in its own words what the contract asks for', () => {
  const page = text('docs/phases/01-core-pipeline.md').replaceAll(/\s+/g, ' ');
  for (const part of [
    'The goal of Phase 1 was to build a reliable, asynchronous data pipeline that can ingest a message at a web endpoint and have it be processed by a downstream service.',
    'the high-performance front door',
    'the first consumer',
    'the central nervous system that decouples the services',
    'a box with all that a service needs',
    'the orchestrator that keeps the boxes healthy and connected',
    'a shared settings file',
    '../testing/phase-1-verification.md',
  ])
    expect(page).toContain(part);
});

describe('links', () => {
  const folders = ['.', 'docs', 'docs/adr', 'docs/phases', 'docs/testing', 'bench/faults/defects', 'engine/test/cases/hostile'];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  );

  it.each(files)('of %s lead to files and headings that exist', (file) => {
    const page = text(file).replaceAll(/^```[^]*?^```$/gm, '');
    const broken = [...page.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const whole = path === '' ? file : join(dirname(file), path);
        if (!existsSync(join(root, whole))) return true;
        return anchor !== undefined && !anchorsOf(text(whole)).has(anchor);
      });
    expect(broken).toEqual([]);
  });
});

/** As GitHub makes them: small letters, no punctuation, dashes for blanks. */
function anchorsOf(page: string): Set<string> {
  const headings = [...page.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
