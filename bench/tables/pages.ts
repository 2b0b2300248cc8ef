import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from '@helios/scripts/generated-files';
import { readResult } from '../result-file.js';
import { apiTable, pageTable } from './api.js';
import { gateTrialsTable } from './gate.js';
import { headlineTable } from './headline.js';
import { scrapeTable } from './scrape.js';
import { profilesTable, stagesTable } from './stages.js';
import { type ReadResult, withTables } from './table.js';
import { capacityTable, endToEndCpuTable, endToEndTable, peersTable, scalingLoadTable, scalingStagesTable } from './whole.js';

/** Which tables stand on which page, all made from the committed result files: no figure of them is typed by hand. */

const root = fileURLToPath(new URL('../../..', import.meta.url));

const HELP = `Usage: npm run bench -- --table [--check]

Writes the tables of docs/performance.md and README.md from bench/results/*.json; what has no result file yet says so.

  --check   write nothing; exit 1 when a page is not what would be written
`;

type Table = (read: ReadResult) => string;

/** By page and by the name in its marks. */
export const tables: Readonly<Record<string, Readonly<Record<string, Table>>>> = {
  'docs/performance.md': {
    stages: stagesTable,
    profiles: profilesTable,
    scrape: scrapeTable,
    'gate-trials': gateTrialsTable,
    'end-to-end': endToEndTable,
    'end-to-end-cpu': endToEndCpuTable,
    peers: (read) => peersTable(read, 'peers'),
    'peers-embedded': (read) => peersTable(read, 'peers-embedded'),
    'scaling-load': scalingLoadTable,
    'scaling-stages': scalingStagesTable,
    capacity: capacityTable,
    api: apiTable,
    page: pageTable,
  },
  'README.md': { headline: headlineTable },
};

/** A page's text with all of its tables made anew. @throws Error when marks and tables do not fit each other. */
export function withMadeTables(page: string, text: string, read: ReadResult): string {
  const made = Object.entries(tables[page] ?? {}).map(([name, make]) => [name, make(read)] as const);
  return withTables(page, text, Object.fromEntries(made));
}

/** `npm run bench -- --table`. @returns the exit code. */
export function writeTables(args: readonly string[]): Promise<number> {
  return generate(args, 'npm run bench -- --table', HELP, () =>
    Object.fromEntries(Object.keys(tables).map((page) => [page, withMadeTables(page, readFileSync(join(root, page), 'utf8'), readResult)])),
  );
}
