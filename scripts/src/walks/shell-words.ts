/** The commands of a script as words, for checks that do not run it. Knows what the pages use of the shell's grammar, no more. Pure. */

export interface ShellCommand {
  /** Within the script, from 0. */
  readonly line: number;
  /** Variables set for this command, or by it. */
  readonly variables: readonly string[];
  /** Without quotes and redirections; `$(...)` stands as it is written. Never empty. */
  readonly words: readonly string[];
}

/** Every command of the script, those inside `$(...)` behind the one that they stand in. */
export function commandsOf(script: string): ShellCommand[] {
  return new WordReader(script).read();
}

/** What a redirection writes to or reads from is no word of the command. */
const REDIRECTION = /^(?:>>|>|<<<|<<|<)&?/;
const ASSIGNMENT = /^([A-Za-z_]\w*)=/;

class WordReader {
  readonly #text: string;
  readonly #commands: ShellCommand[] = [];
  #at = 0;
  #line = 0;
  #words: string[] = [];
  #startLine = 0;
  #word: string | null = null;
  #inner: ShellCommand[] = [];
  /** Ends of here-documents whose text begins with the next line. */
  readonly #pendingEnds: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): ShellCommand[] {
    while (this.#at < this.#text.length) this.#step(this.#text[this.#at] ?? '');
    this.#endCommand();
    return this.#commands;
  }

  #step(character: string): void {
    const rest = this.#text.slice(this.#at);
    if (rest.startsWith('\\\n')) return this.#skip(2, 1);
    const redirection = this.#word === null || /^\d$/.test(this.#word) ? REDIRECTION.exec(rest)?.[0] : undefined;
    if (redirection !== undefined) return this.#redirection(redirection);
    if (rest.startsWith('$(')) return this.#substitution(rest);
    switch (character) {
      case '\n':
        this.#endCommand();
        this.#skip(1, 1);
        return this.#hereDocuments();
      case '|':
      case ';':
      case '&':
      case '(':
      case ')':
        this.#endCommand();
        return this.#skip(1);
      case ' ':
      case '\t':
        this.#endWord();
        return this.#skip(1);
      case '#':
        if (this.#word !== null) break;
        return this.#skip(rest.indexOf('\n') === -1 ? rest.length : rest.indexOf('\n'));
      case "'":
      case '"':
        return this.#quoted(character, rest);
      case '\\':
        this.#append(rest[1] ?? '');
        return this.#skip(2);
      default:
    }
    this.#append(character);
    this.#skip(1);
  }

  #quoted(quote: string, rest: string): void {
    let end = 1;
    while (end < rest.length && rest[end] !== quote) {
      if (quote === '"' && rest.startsWith('$(', end)) {
        const close = substitutionEnd(rest, end);
        this.#addInner(rest.slice(end + 2, close));
        end = close + 1;
      } else end += quote === '"' && rest[end] === '\\' ? 2 : 1;
    }
    const inside = rest.slice(1, end);
    this.#append(quote === '"' ? inside.replaceAll(/\\(["\\$`])/g, '$1') : inside);
    this.#skip(end + 1, inside.split('\n').length - 1);
  }

  #substitution(rest: string): void {
    const end = substitutionEnd(rest, 0);
    const inside = rest.slice(2, end);
    this.#addInner(inside);
    this.#append(`$(${inside})`);
    this.#skip(end + 1, inside.split('\n').length - 1);
  }

  #addInner(script: string): void {
    this.#inner.push(...commandsOf(script).map((command) => ({ ...command, line: command.line + this.#line })));
  }

  #redirection(operator: string): void {
    this.#word = null; // a number in front is the stream's
    this.#skip(operator.length);
    const target = /^\s*('[^']*'|"[^"]*"|[^\s;|&]+)/.exec(this.#text.slice(this.#at));
    if (operator === '<<' && target !== null) this.#pendingEnds.push((target[1] ?? '').replaceAll(/['"]/g, ''));
    this.#skip(target?.[0].length ?? 0);
  }

  #hereDocuments(): void {
    for (const end of this.#pendingEnds.splice(0)) {
      const lines = this.#text.slice(this.#at).split('\n');
      const count = lines.indexOf(end) + 1 || lines.length;
      this.#skip(lines.slice(0, count).join('\n').length + 1, count);
    }
  }

  #append(text: string): void {
    if (this.#word === null && this.#words.length === 0) this.#startLine = this.#line;
    this.#word = (this.#word ?? '') + text;
  }

  #endWord(): void {
    if (this.#word !== null) this.#words.push(this.#word);
    this.#word = null;
  }

  #endCommand(): void {
    this.#endWord();
    const words = this.#words.splice(0);
    const variables: string[] = [];
    while (words.length > 0 && ASSIGNMENT.test(words[0] ?? '')) variables.push(ASSIGNMENT.exec(words.shift() ?? '')?.[1] ?? '');
    if (words.length > 0) this.#commands.push({ line: this.#startLine, variables, words });
    this.#commands.push(...this.#inner.splice(0));
  }

  #skip(count: number, lines = 0): void {
    this.#at += count;
    this.#line += lines;
  }
}

/** Where the `$(` that begins at `start` is closed. */
function substitutionEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at;
  }
  return text.length;
}
