/** What all tables that are made from result files have in common. Pure. */

/** Reads a result file by its name; null: it is not there. */
export type ReadResult = (name: string) => unknown;

export const NOT_MEASURED = 'not measured yet';
const COMMAND = 'npm run bench -- --table';

/** A table of markdown. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(row)].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** `[ingest.json](../bench/results/ingest.json)`; `from`: the way from the page to the repository. */
export function fileLink(name: string, from = '../'): string {
  return `[${name}.json](${from}bench/results/${name}.json)`;
}

/** 26,149 or 0.44: thousands apart, and no more places than say something. */
export function figure(value: number, digits = value >= 100 ? 0 : value >= 10 ? 1 : 2): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** 12.3 MB, 4.5 TB: decimal units. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
  let power = 0;
  while (value >= 1000 && power < units.length - 1) {
    value /= 1000;
    power++;
  }
  return `${power === 0 ? Math.round(value) : figure(value)} ${units[power] ?? ''}`;
}

/** Whether a goal was reached, in a word. */
export function verdict(reached: boolean): string {
  return reached ? 'reached' : '**missed**';
}

/**
 * Puts tables into a page, each between its marks.
 * @throws Error when the page has lost the marks of a table, or has marks of one that is not there.
 */
export function withTables(page: string, text: string, tables: Readonly<Record<string, string>>): string {
  for (const [, name = ''] of text.matchAll(/<!-- table ([a-z-]+): /g))
    if (!(name in tables)) throw new Error(`${page} has marks of a table ${name}, which nothing makes`);
  return Object.entries(tables).reduce((all, [name, table]) => {
    const [begin, end] = [`<!-- table ${name}: ${COMMAND} -->`, `<!-- end of table ${name} -->`];
    const [from, to] = [all.indexOf(begin), all.indexOf(end)];
    if (from === -1 || to < from) throw new Error(`${page} has lost the marks ${begin} and ${end}`);
    return `${all.slice(0, from + begin.length)}\n\n${table}\n\n${all.slice(to)}`;
  }, text);
}
