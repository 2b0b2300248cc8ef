import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { committedFolder, readRow, type RowResult } from './results.js';
import type { Row } from './row.js';
import { rowsByNumber } from './rows/index.js';

/** The table of docs/reliability.md, made from the committed result files; a test checks that it is up to date. */

const page = join(fileURLToPath(new URL('../../..', import.meta.url)), 'docs', 'reliability.md');
const BEGIN = '<!-- table: npm run faults -- --table -->';
const END = '<!-- end of table -->';

/** Puts the table into the page. @returns the page's path. */
export function writeReliabilityTable(): string {
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), committedTable()));
  return page;
}

/** The page's text with the given table between its marks. @throws Error when the marks are gone. */
export function withTable(text: string, table: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`docs/reliability.md has lost its marks ${BEGIN} and ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`;
}

/** The table of what is committed, by number. */
export function committedTable(): string {
  return reliabilityTable(rowsByNumber.map((row) => ({ row, result: readRow(committedFolder, row.number) })));
}

/** One line a row; a row without a result file says so. Pure. */
export function reliabilityTable(entries: readonly { row: Row; result: RowResult | null }[]): string {
  const head = [
    '| row | fault | promise | injected (goal) | runs | bid requests | lost | stored twice | repeated per hop | recovery, median / worst | result file |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
  ];
  return [...head, ...entries.map(({ row, result }) => line(row, result))].join('\n');
}

function line(row: Row, result: RowResult | null): string {
  const file = `row-${String(row.number).padStart(2, '0')}.json`;
  const goal = `${row.target.full.toLocaleString('en')} ${row.unit}`;
  const cells =
    result === null
      ? [`none (${goal})`, '0', '-', '-', '-', '-', '-', 'not run yet']
      : [
          `${result.totals.faults.toLocaleString('en')} (${goal})`,
          `${result.totals.runs}${result.totals.failedRuns > 0 ? `, ${result.totals.failedRuns} failed` : ''}`,
          result.totals.ids.toLocaleString('en'),
          String(result.totals.lost),
          String(result.totals.duplicated),
          Object.values(result.totals.duplicatesPerHop).join(' / ') || '-',
          recovery(result),
          `[${file}](../bench/results/faults/${file})`,
        ];
  return `| ${[row.number, row.title, row.promise, ...cells].join(' | ')} |`;
}

function recovery({ totals }: RowResult): string {
  if (totals.medianRecoveryMs === null || totals.worstRecoveryMs === null) return '-';
  return `${(totals.medianRecoveryMs / 1000).toFixed(1)} s / ${(totals.worstRecoveryMs / 1000).toFixed(1)} s`;
}
