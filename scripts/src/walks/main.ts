/**
 * `npm run walks`: runs the local commands of the pages from the pages themselves and compares what they print; checks the others. Nothing is
 * run while any page has a fault. Source: docs/testing/README.md.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlags, runProgram, UsageError } from '../cli.js';
import { pageFaults, readPages } from './check-pages.js';
import type { Fault, WalkPage } from './page.js';
import { walkPages } from './pages.js';
import { runPage, walkLimits } from './run-page.js';
import { chooseWalkPorts } from './walk-ports.js';

const HELP = `Usage: npm run walks [-- PAGE... | --check | --list]

Runs the commands of the documents that need no cluster, from the pages themselves, and compares what they print with what the pages show; ids,
times and what the pages mark otherwise may differ. Commands that need a cluster or a container engine are checked against the manifests. The
services run on free ports; their data is that of npm start and npm run stack (.helios). docs/testing/README.md explains the marks in the pages.

  PAGE      only this page is walked, such as docs/testing/phase-1-verification.md; all are checked
  --check   only checks, runs nothing
  --list    the pages, and how many blocks of each kind they have

Ends with 0, or with 1 at the first thing that is not as a page says.
`;

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** A cold start on a busy machine would show a 503, or a bid without its profile, where the pages show what is usual. */
const patience = { INGEST_ACK_TIMEOUT_MS: '6000', PROFILE_TIMEOUT_MS: '1000' } as const;

await runProgram('walks', async (args) => {
  const { values, positionals } = readFlags(args, {
    check: { type: 'boolean' },
    list: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = positionals.find((path) => !walkPages.some((page) => page === path));
  if (unknown !== undefined) throw new UsageError(`${unknown} is not a page that is walked; these are: ${walkPages.join(', ')}.`);
  const read = (path: string): string | null => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null);
  const { pages, faults: broken } = readPages(walkPages, read);
  const faults = [...broken, ...pageFaults(pages, root, read)];
  if (values.list === true) for (const page of pages) say(`${page.path}: ${countsOf(page)}`);
  for (const fault of faults) tell(fault);
  if (faults.length > 0) return 1;
  if (values.check === true || values.list === true) return 0;
  return walk(pages.filter((page) => positionals.length === 0 || positionals.includes(page.path)));
});

async function walk(pages: readonly WalkPage[]): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const ports = await chooseWalkPorts();
  const env = surroundings(ports.env);
  let run = 0;
  let failed = 0;
  for (const page of pages) {
    const startedMonoMs = performance.now();
    const result = await runPage(page, { root, env, ports, limits: walkLimits, signal: stop.signal, say });
    run += result.run;
    if (result.fault !== null) failed++;
    if (result.fault !== null) tell(result.fault);
    const verdict = result.fault === null ? 'as it says' : 'FAILED';
    if (verdict === 'FAILED' || result.run > 0)
      say(`${page.path}: ${verdict} in ${((performance.now() - startedMonoMs) / 1000).toFixed(0)} s`);
    if (stop.signal.aborted) break;
  }
  const checked = pages.flatMap((page) => page.blocks).filter(({ kind }) => kind === 'cluster' || kind === 'compose').length;
  say(`walks: ${run} blocks run, ${checked} checked, ${failed} failed`);
  return failed === 0 && !stop.signal.aborted ? 0 : 1;
}

/** As in a fresh terminal: nothing of what npm sets for the program that it runs, and no server of somebody else's. */
function surroundings(ports: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const foreign = /^(npm_|NODE_OPTIONS$|INIT_CWD$|KAFKA_|REDIS_|DB_|HELIOS_)/i;
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))), ...patience, ...ports };
}

function countsOf({ blocks }: WalkPage): string {
  const counts = new Map<string, number>();
  for (const { kind } of blocks) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'no block';
}

function tell({ page, line, why }: Fault): void {
  process.stderr.write(`${page}:${line}: ${why}\n`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
