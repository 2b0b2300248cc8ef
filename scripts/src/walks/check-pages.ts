import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDockerfile } from '../images/dockerfile.js';
import { type DeploymentFacts, deploymentFaults } from './cluster-commands.js';
import { COVER_PAGE, coverageFaults, coverRows, listedCommands } from './coverage.js';
import { readCompose, readManifests } from './manifests.js';
import { type Block, type Fault, readPage, type WalkPage } from './page.js';
import { isVerification, sections } from './pages.js';

/** Everything that can be said about the pages without running them. */

type Read = (path: string) => string | null;

/** Reads the pages, and says what is wrong with their marks. */
export function readPages(
  paths: readonly string[],
  read: Read,
): { readonly pages: readonly WalkPage[]; readonly faults: readonly Fault[] } {
  const all = paths.map((path) => {
    const text = read(path);
    return text === null
      ? { page: { path, blocks: [] }, faults: [{ page: path, line: 1, why: 'there is no such page' }] }
      : readPage(path, text);
  });
  const pages = all.map(({ page }) => page);
  return { pages, faults: [...all.flatMap(({ faults }) => faults), ...pages.flatMap(sectionFaults)] };
}

/**
 * What the pages name that does not exist, and the commands that nothing runs.
 * @param root the project's folder.
 */
export function pageFaults(pages: readonly WalkPage[], root: string, read: Read): Fault[] {
  const { scripts } = packageOf(root);
  const listed = listedCommands('README.md', read('README.md') ?? '');
  const covered = coverageFaults(pages, listed, coverRows(read(COVER_PAGE) ?? ''), { ciScript: read('.ci/run') ?? '', scripts, read });
  const facts = deploymentFacts(root, read);
  return [...covered, ...pages.flatMap((page) => deploymentFaults(page, facts))];
}

/** On a verification page the headings tell the reader what is run and what is checked. */
function sectionFaults({ path, blocks }: WalkPage): Fault[] {
  if (!isVerification(path)) return [];
  return blocks.flatMap((block) => {
    const section = sectionOf(block);
    if (section === null || section === block.section) return [];
    return [{ page: path, line: block.line, why: `a ${block.kind} block belongs under "${section}", not under "${block.section}"` }];
  });
}

function sectionOf({ kind }: Block): string | null {
  if (kind === 'cluster') return sections.cluster;
  return kind === 'local' || kind === 'start' || kind === 'stop' ? sections.local : null;
}

function deploymentFacts(root: string, read: Read): DeploymentFacts {
  const { scripts, version } = packageOf(root);
  return {
    manifests: readManifests(root),
    compose: readCompose(join(root, 'compose.yaml')),
    imageTargets: new Set(readDockerfile(read('Dockerfile') ?? '').keys()),
    version,
    scripts: new Set(Object.keys(scripts)),
    read,
  };
}

function packageOf(root: string): { readonly scripts: Readonly<Record<string, string>>; readonly version: string } {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string>; version: string };
}
