/** Reads a Dockerfile's text: lines into instructions, and the words of an instruction. What they mean stands in dockerfile.ts. Pure. */

/** A Dockerfile that cannot be followed; the message names the line. */
export class DockerfileError extends Error {
  constructor(line: number, problem: string) {
    super(`Dockerfile line ${line}: ${problem}`);
  }
}

export interface InstructionText {
  /** Where it begins, from 1. */
  readonly line: number;
  /** In capitals. */
  readonly keyword: string;
  /** Options such as `--from=build`, in the order written. */
  readonly flags: readonly { readonly name: string; readonly value: string }[];
  readonly rest: string;
}

export type Variables = Readonly<Record<string, string>>;

/** Splits the text into instructions: continuation lines joined, comments and empty lines left out. @throws DockerfileError */
export function instructionTexts(text: string): InstructionText[] {
  const found: InstructionText[] = [];
  let joined = '';
  let start = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(raw)) continue;
    if (joined === '') start = index + 1;
    const continued = /\\\s*$/.test(raw);
    joined += continued ? raw.replace(/\\\s*$/, '') : raw;
    if (continued) continue;
    found.push(instructionText(joined.trim(), start));
    joined = '';
  }
  if (joined !== '') throw new DockerfileError(start, 'the last line ends with a backslash');
  return found;
}

function instructionText(text: string, line: number): InstructionText {
  const [, keyword = '', after = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  const flags: { name: string; value: string }[] = [];
  let rest = after;
  for (let match = flagAt(rest); match !== null; match = flagAt(rest)) {
    flags.push({ name: match[1] ?? '', value: match[2] ?? '' });
    rest = rest.slice(match[0].length);
  }
  if (rest.includes('<<')) throw new DockerfileError(line, 'here-documents are not followed');
  return { line, keyword: keyword.toUpperCase(), flags, rest };
}

const flagAt = (text: string): RegExpExecArray | null => /^--([a-z-]+)(?:=(\S*))?(?:\s+|$)/.exec(text);

/** The words of an instruction as a shell splits them, with `$NAME` and `${NAME}` replaced outside single quotes. @throws DockerfileError */
export function words({ line, rest }: InstructionText, variables: Variables): string[] {
  const found: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let at = 0; at < rest.length; at++) {
    const character = rest.charAt(at);
    if (quote === '' && /\s/.test(character)) {
      if (word !== null) found.push(word);
      word = null;
    } else if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === '\\' && quote !== "'") word = (word ?? '') + rest.charAt(++at);
    else if (character === '$' && quote !== "'") {
      const reference = /^\$(?:\{(\w+)\}|(\w+))/.exec(rest.slice(at));
      if (reference === null) throw new DockerfileError(line, `${rest.slice(at, at + 20)} is no variable that is followed`);
      word = (word ?? '') + valueOf(reference[1] ?? reference[2] ?? '', variables, line);
      at += reference[0].length - 1;
    } else word = (word ?? '') + character;
  }
  if (quote !== '') throw new DockerfileError(line, `a ${quote} is not closed`);
  if (word !== null) found.push(word);
  return found;
}

/** `NAME=value` words as a record. @throws DockerfileError on a word without `=`. */
export function assignments(instruction: InstructionText, variables: Variables): Record<string, string> {
  const pairs = words(instruction, variables).map((word): [string, string] => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined) throw new DockerfileError(instruction.line, `${word} is not NAME=value`);
    return [name, value];
  });
  if (pairs.length === 0) throw new DockerfileError(instruction.line, `${instruction.keyword} sets nothing`);
  return Object.fromEntries(pairs);
}

/** The arguments of the exec form, `["a", "b"]`. @throws DockerfileError on the shell form. */
export function execForm({ line, keyword, rest }: InstructionText): string[] {
  let value: unknown;
  try {
    value = JSON.parse(rest);
  } catch {
    value = null;
  }
  if (!Array.isArray(value) || value.length === 0 || !value.every((part) => typeof part === 'string'))
    throw new DockerfileError(line, `${keyword} is not in the exec form (["program", "argument"]): a shell would not pass SIGTERM on`);
  return value;
}

function valueOf(name: string, variables: Variables, line: number): string {
  const value = variables[name];
  // Docker takes an unknown variable for empty text; here it is a misspelling.
  if (value === undefined) throw new DockerfileError(line, `there is no variable ${name}`);
  return value;
}
