import type { Expected } from './page.js';

/**
 * Whether a command printed what its page shows. In what is shown `<id>`, `<time>` and `<number>` stand for any such value, `<...>` for any
 * text of a line, and a line of `...` alone for any lines; in JSON a string `"<id>"` and so on stands for a whole value, a field `"..."` for
 * further fields, an item `"..."` at the end of a list for further items. Pure.
 */

const placeholders = {
  id: '[\\w.:%-]+',
  time: '(?:\\d{4}-\\d\\d-\\d\\d[T ][\\d:.]+(?:Z|[+-]\\d\\d:?\\d\\d)?|(?:\\d+[dhms])+)',
  number: '-?\\d+(?:\\.\\d+)?',
  '...': '[^\\n]*',
} as const;
const PLACEHOLDER = /<(id|time|number|\.\.\.)>/;
const GAP = '(?:[^\\n]*\\n)*?';
const REST = '...';

/** What is wrong with all that was printed, in words; null when it is as shown. */
export function outputProblem(expected: Expected, printed: string): string | null {
  const text = tidy(printed);
  if (expected.form === 'json') return jsonProblem(expected, text);
  const shown = shownLines(expected);
  if (linesPattern(shown, '^', '$').test(varied(expected, text))) return null;
  let fitting = 0;
  while (fitting < shown.length && linesPattern(shown.slice(0, fitting + 1), '^', '').test(varied(expected, text))) fitting++;
  const where = fitting === shown.length ? 'more was printed than the page shows' : `no line fits ${JSON.stringify(shown[fitting])}`;
  return `${where}; printed:\n${text.trimEnd()}`;
}

/** Whether what is shown stands somewhere in a longer output, as whole lines in a row. */
export function isPrinted(expected: Expected, printed: string): boolean {
  return linesPattern(shownLines(expected), `^${GAP}`, '').test(varied(expected, tidy(printed)));
}

function shownLines(expected: Expected): string[] {
  return varied(expected, expected.text).trimEnd().split('\n');
}

/** Whole lines without colours, blanks at their ends, or blank lines at the end. */
function tidy(text: string): string {
  // oxlint-disable-next-line no-control-regex -- colours begin with a control character
  const plain = text.replaceAll('\r\n', '\n').replaceAll(/\u001B\[[\d;]*[A-Za-z]/g, '');
  return `${plain.replaceAll(/[ \t]+$/gm, '').trimEnd()}\n`;
}

function varied({ numbersVary }: Expected, text: string): string {
  return numbersVary ? text.replaceAll(/\d+(?:\.\d+)?/g, (number) => (Number(number) === 0 ? number : '#')) : text;
}

function linesPattern(lines: readonly string[], before: string, after: string): RegExp {
  const parts = lines.map((line) => (line.trim() === REST ? GAP : `${valuePattern(line.trimEnd())}\\n`));
  return new RegExp(`${before}${parts.join('')}${after}`);
}

function valuePattern(shown: string): string {
  return shown
    .split(PLACEHOLDER)
    .map((part, index) =>
      index % 2 === 1 ? placeholders[part as keyof typeof placeholders] : part.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'),
    )
    .join('');
}

function jsonProblem(expected: Expected, text: string): string | null {
  let printed: unknown;
  try {
    printed = JSON.parse(text);
  } catch {
    return `one JSON value was to be printed, and this was:\n${text.trimEnd()}`;
  }
  let shown: unknown;
  try {
    shown = JSON.parse(expected.text);
  } catch (error) {
    return `what the page shows is no JSON: ${String(error)}`;
  }
  const problem = valueProblem(shown, printed, '');
  return problem === null ? null : `${problem}; printed:\n${text.trimEnd()}`;
}

function valueProblem(shown: unknown, printed: unknown, at: string): string | null {
  if (shown === '<...>') return null;
  if (typeof shown === 'string' && (typeof printed === 'string' || typeof printed === 'number'))
    return new RegExp(`^${valuePattern(shown)}$`).test(String(printed)) && (typeof printed === 'string' || PLACEHOLDER.test(shown))
      ? null
      : unlike(shown, printed, at);
  if (Array.isArray(shown) && Array.isArray(printed)) return listProblem(shown, printed, at);
  if (isObject(shown) && isObject(printed)) return objectProblem(shown, printed, at);
  return Object.is(shown, printed) ? null : unlike(shown, printed, at);
}

function listProblem(shown: readonly unknown[], printed: readonly unknown[], at: string): string | null {
  const open = shown.at(-1) === REST;
  const items = open ? shown.slice(0, -1) : shown;
  if (open ? printed.length < items.length : printed.length !== items.length)
    return `${at || 'the list'} has ${printed.length} items where the page has ${items.length}${open ? ' or more' : ''}`;
  return firstOf(items.map((item, index) => () => valueProblem(item, printed[index], `${at}/${index}`)));
}

function objectProblem(shown: Readonly<Record<string, unknown>>, printed: Readonly<Record<string, unknown>>, at: string): string | null {
  const names = Object.keys(shown).filter((name) => name !== REST);
  const more = Object.keys(printed).find((name) => !names.includes(name));
  if (more !== undefined && !(REST in shown)) return `${at}/${more} is not on the page`;
  return firstOf(
    names.map((name) => () => (name in printed ? valueProblem(shown[name], printed[name], `${at}/${name}`) : `${at}/${name} is absent`)),
  );
}

function firstOf(checks: readonly (() => string | null)[]): string | null {
  for (const check of checks) {
    const problem = check();
    if (problem !== null) return problem;
  }
  return null;
}

const unlike = (shown: unknown, printed: unknown, at: string): string =>
  `${at || 'the value'} is ${JSON.stringify(printed)} where the page has ${JSON.stringify(shown)}`;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
