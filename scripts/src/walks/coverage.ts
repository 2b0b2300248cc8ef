import { type Block, type Fault, isCommand, type LocalBlock, type StartBlock, type WalkPage } from './page.js';
import { commandsOf, type ShellCommand } from './shell-words.js';

/**
 * Commands that no page runs: those of blocks marked `covered`, those in front of a block (`after=...`), and those of the table of commands in
 * README.md. Each must be run by a page after all, or stand in the table of docs/testing/README.md with the step of CI that runs it. Pure.
 */

/** A row of that table. */
export interface CoverRow {
  readonly line: number;
  readonly command: string;
  /** Name of a step of .ci/run, or the word `none`. */
  readonly step: string;
  /** File that runs it within that step; '' where the step is the command itself; behind `none` the reason. */
  readonly by: string;
}

export const COVER_PAGE = 'docs/testing/README.md';

/** What the rows are checked against. */
export interface CoverFacts {
  /** Text of .ci/run. */
  readonly ciScript: string;
  /** Scripts of package.json. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Text of a file of the project; null when there is none. */
  readonly read: (path: string) => string | null;
}

/** Reads the table: rows of `| \`command\` | step | file or reason |` under the heading that names other steps. */
export function coverRows(text: string): CoverRow[] {
  const lines = text.split('\n');
  const heading = lines.findIndex((line) => /^## .*\bother steps\b/i.test(line));
  return lines.flatMap((line, index) => {
    const match = index > heading && heading !== -1 ? /^\| `([^`]+)` \| ([^|]+) \|([^|]*)\|$/.exec(line) : null;
    if (match === null) return [];
    const [, command = '', step = '', by = ''] = match;
    return [{ line: index + 1, command, step: bare(step), by: bare(by) }];
  });
}

/** Commands of the table under `## Commands`: what stands as code in its first column. */
export function listedCommands(page: string, text: string): PlacedCommand[] {
  let section = '';
  return text.split('\n').flatMap((line, index) => {
    section = /^## (.+)$/.exec(line)?.[1] ?? section;
    const first = section === 'Commands' ? /^\| (`[^|]+`) \|/.exec(line)?.[1] : undefined;
    return [...(first ?? '').matchAll(/`([^`]+)`/g)].map(([, command = '']) => ({ page, line: index + 1, command }));
  });
}

/** A command in its place. */
export interface PlacedCommand {
  readonly page: string;
  readonly line: number;
  readonly command: string;
}

/** What is wrong with the rows, and which command is neither run nor in a row. */
export function coverageFaults(
  pages: readonly WalkPage[],
  listed: readonly PlacedCommand[],
  rows: readonly CoverRow[],
  facts: CoverFacts,
): Fault[] {
  const run = pages.flatMap((page) => page.blocks.flatMap((block) => (isRun(block) ? commandsOf(block.command) : [])));
  const needed = [...pages.flatMap(notRun), ...listed].flatMap(({ page, line, command }) =>
    commandsOf(command).map((one) => ({ page, line, one })),
  );
  const inRows = rows.map((row) => firstOf(row.command));
  const missing = needed.filter(({ one }) => ![...run, ...inRows].some((other) => isCovered(one, other)));
  const idle = rows.filter((_, index) => !needed.some(({ one }) => isCovered(one, inRows[index] ?? one)));
  return [
    ...missing.map(({ page, line, one }) => ({
      page,
      line,
      why: `no page runs "${one.words.join(' ')}" with these flags and variables, and ${COVER_PAGE} names no step of CI that does`,
    })),
    ...idle.map((row) => ({ page: COVER_PAGE, line: row.line, why: `no page needs the row of "${row.command}"` })),
    ...rows.flatMap((row) => {
      const why = rowProblem(row, facts);
      return why === null ? [] : [{ page: COVER_PAGE, line: row.line, why }];
    }),
  ];
}

function isRun(block: Block): block is LocalBlock | StartBlock {
  return block.kind === 'local' || block.kind === 'start';
}

function notRun({ path, blocks }: WalkPage): PlacedCommand[] {
  return blocks
    .filter(isCommand)
    .flatMap(({ kind, command, doneBefore, line }) => [
      ...(doneBefore === null ? [] : [{ page: path, line, command: doneBefore }]),
      ...(kind === 'covered' ? [{ page: path, line, command }] : []),
    ]);
}

/** Values, more flags and more variables do not matter: the same program does the same work, of another size. */
function isCovered(needed: ShellCommand, other: ShellCommand): boolean {
  const flags = flagsOf(other.words);
  return (
    workOf(needed.words) === workOf(other.words) &&
    flagsOf(needed.words).every((flag) => flags.includes(flag)) &&
    needed.variables.every((variable) => other.variables.includes(variable))
  );
}

function rowProblem(row: CoverRow, facts: CoverFacts): string | null {
  const steps = ciSteps(facts.ciScript);
  const { words, variables } = firstOf(row.command);
  if (row.step === 'none') {
    const step = [...steps].find(([, command]) => shapeOf(command) === shapeOf(words));
    if (step !== undefined && variables.length === 0) return `CI runs "${row.command}" in its step "${step[0]}" now: name it`;
    return row.by === '' ? `"${row.command}" is run by no step, and the reason is missing` : null;
  }
  const step = steps.get(row.step);
  if (step === undefined) return `.ci/run has no step "${row.step}"`;
  if (row.by === '')
    return shapeOf(step) === shapeOf(words) ? null : `the step "${row.step}" runs "${step.join(' ')}", not "${row.command}"`;
  const text = facts.read(row.by);
  if (text === null) return `there is no file ${row.by}`;
  if (!runsFile(step, row.by, facts.scripts)) return `the step "${row.step}" does not run ${row.by}`;
  const absent = [...variables, ...tellingWords(words, facts.scripts)].filter((word) => !text.includes(word));
  return absent.length === 0 ? null : `${row.by} does not hold ${absent.map((word) => `"${word}"`).join(', ')} of "${row.command}"`;
}

/** Whether the step's program is this file, or runs the tests of its name's ending. */
function runsFile(step: readonly string[], path: string, scripts: CoverFacts['scripts']): boolean {
  const script = programOf(step);
  if ((scripts[script] ?? '').includes(path)) return true;
  const ending = /\.(long|browser|live)\.test\.ts$/.exec(path)?.[1];
  if (ending !== undefined) return script === `test:${ending}`;
  return script === 'test' && path.endsWith('.test.ts');
}

/** The program and the flags of a command, by the names that the code has for them. */
function tellingWords(words: readonly string[], scripts: CoverFacts['scripts']): string[] {
  const script = programOf(words);
  const program = /scripts\/run\.mjs (\S+)$/.exec(scripts[script] ?? '')?.[1] ?? script;
  return [program, ...flagsOf(words)];
}

/** `npm run X` and `npm X` are the script X; anything else is its first word. */
function programOf(words: readonly string[]): string {
  const [first = '', ...rest] = words;
  if (first !== 'npm') return first;
  const named = rest.filter((word) => word !== 'run' && !word.startsWith('-'));
  return named[0] ?? '';
}

function flagsOf(words: readonly string[]): string[] {
  const own = words.indexOf('--');
  const flags = words.slice(words[0] === 'npm' ? (own === -1 ? words.length : own + 1) : 1);
  return flags.filter((word) => word.startsWith('-')).map((flag) => flag.split('=', 1)[0] ?? flag);
}

/** A command but for its values. */
function shapeOf(words: readonly string[]): string {
  return [workOf(words), ...flagsOf(words).toSorted()].join(' ');
}

/** The program, and the stage or command of it that is named first: what it does, whatever its flags. */
function workOf(words: readonly string[]): string {
  const own = words.indexOf('--');
  const named = own === -1 ? '' : (words[own + 1] ?? '');
  const isScript = words[0] === 'npm' && words.includes('run');
  return [isScript ? 'run' : (words[0] ?? ''), programOf(words), /^[a-z][a-z-]*$/.test(named) ? named : ''].join(' ');
}

function ciSteps(script: string): Map<string, readonly string[]> {
  return new Map([...script.matchAll(/^ *step "([^"]+)" (.+)$/gm)].map(([, name = '', command = '']) => [name, firstOf(command).words]));
}

function firstOf(command: string): ShellCommand {
  return commandsOf(command)[0] ?? { line: 0, variables: [], words: [] };
}

function bare(cell: string): string {
  return cell.trim().replaceAll('`', '');
}
