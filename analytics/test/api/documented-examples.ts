/**
 * The examples of docs/api.md: a fence ```` ```sh run ```` with a command, and right behind it a fence with ` output` in its first line, which
 * says what the command prints. Three dots (…) stand for what may differ.
 */

export interface Example {
  /** Line of the page, from 1. */
  readonly line: number;
  readonly command: string;
  /** `json`, `http` (head, and JSON below) or `csv` and any other: lines of text. */
  readonly form: string;
  readonly output: string;
}

const FENCE = /^```(.*)$/;

/** @throws when a command has no output, or an output no command. */
export function examplesOf(page: string): Example[] {
  const lines = page.split('\n');
  const examples: Example[] = [];
  let command: { line: number; text: string } | null = null;
  for (let at = 0; at < lines.length; at++) {
    const info = FENCE.exec(lines[at] ?? '')?.[1];
    if (info === undefined) {
      if (command !== null && lines[at] !== '') throw new Error(`line ${command.line}: the example says not what comes out`);
      continue;
    }
    const end = lines.indexOf('```', at + 1);
    if (end === -1) throw new Error(`line ${at + 1}: the fence does not end`);
    const text = lines.slice(at + 1, end).join('\n');
    const [form = '', mark] = info.split(' ');
    if (command !== null) {
      if (mark !== 'output') throw new Error(`line ${command.line}: the example says not what comes out`);
      examples.push({ line: command.line, command: command.text, form, output: text });
      command = null;
    } else if (mark === 'output') throw new Error(`line ${at + 1}: no example prints this`);
    else if (form === 'sh') {
      if (mark !== 'run') throw new Error(`line ${at + 1}: a command that no test runs`);
      command = { line: at + 1, text };
    }
    at = end;
  }
  if (command !== null) throw new Error(`line ${command.line}: the example says not what comes out`);
  return examples;
}

const DOTS = '…';

/** What `printed` has otherwise than `shown` says, as sentences; none when it is as shown. */
export function differences(form: string, shown: string, printed: string): string[] {
  if (form === 'json') return jsonDifferences(parsed(shown), parsed(printed), '');
  const text = printed.replaceAll('\r\n', '\n').trimEnd();
  if (form !== 'http') return lineDifferences(shown.split('\n'), text.split('\n'));
  const [shownHead = '', shownBody] = halves(shown);
  const [head = '', body = ''] = halves(text);
  const lines = head.split('\n');
  const missing = shownHead.split('\n').filter((line) => !lines.some((printedLine) => fits(line, printedLine)));
  return [
    ...missing.map((line) => `no line "${line}" in ${JSON.stringify(head)}`),
    ...(shownBody === undefined ? [] : jsonDifferences(parsed(shownBody), parsed(body), '')),
  ];
}

function jsonDifferences(shown: unknown, printed: unknown, at: string): string[] {
  if (shown === DOTS) return [];
  if (typeof shown === 'string' && typeof printed === 'string') return fits(shown, printed) ? [] : [unlike(shown, printed, at)];
  if (Array.isArray(shown) && Array.isArray(printed)) {
    const open = shown.at(-1) === DOTS;
    const items = open ? shown.slice(0, -1) : shown;
    if (open ? printed.length < items.length : printed.length !== items.length) return [`${at}: ${printed.length} items`];
    return items.flatMap((item, index) => jsonDifferences(item, printed[index], `${at}/${index}`));
  }
  if (isObject(shown) && isObject(printed)) {
    const names = Object.keys(shown).filter((name) => name !== DOTS);
    const more = DOTS in shown ? [] : Object.keys(printed).filter((name) => !names.includes(name));
    return [
      ...more.map((name) => `${at}/${name}: is not on the page: ${JSON.stringify(printed[name])}`),
      ...names.flatMap((name) =>
        name in printed ? jsonDifferences(shown[name], printed[name], `${at}/${name}`) : [`${at}/${name}: is absent`],
      ),
    ];
  }
  return Object.is(shown, printed) ? [] : [unlike(shown, printed, at)];
}

/** The last shown line may be three dots alone: more follows. */
function lineDifferences(shown: readonly string[], printed: readonly string[]): string[] {
  const open = shown.at(-1) === DOTS;
  const lines = open ? shown.slice(0, -1) : shown;
  if (!open && printed.length !== lines.length) return [`${printed.length} lines: ${JSON.stringify(printed)}`];
  return lines.flatMap((line, index) => {
    const other = printed[index] ?? '';
    return fits(line, other) ? [] : [unlike(line, other, `line ${index + 1}`)];
  });
}

function fits(shown: string, printed: string): boolean {
  const [first = '', ...others] = shown.split(DOTS);
  const last = others.pop();
  if (last === undefined) return shown === printed;
  if (!printed.startsWith(first) || !printed.endsWith(last)) return false;
  let at = first.length;
  for (const part of others) {
    const found = printed.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= printed.length - last.length;
}

function halves(text: string): string[] {
  const [head = '', ...body] = text.split('\n\n');
  return body.length === 0 ? [head] : [head, body.join('\n\n')];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`no JSON: ${text.slice(0, 200)}`);
  }
}

const unlike = (shown: unknown, printed: unknown, at: string): string =>
  `${at}: ${JSON.stringify(printed)} where the page has ${JSON.stringify(shown)}`;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
