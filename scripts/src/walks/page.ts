import { type Attributes, attributesOf, kinds, type MarkerKind } from './markers.js';

/**
 * A page's fenced blocks and what is to be done with each, read from its Markdown. A comment in the line above a block says it; the kinds
 * stand in markers.ts, for people in docs/testing/README.md. Pure.
 */

/** Something that a page has wrong, or that did not happen as it says. */
export interface Fault {
  readonly page: string;
  /** From 1. */
  readonly line: number;
  readonly why: string;
}

/** What a command prints, as the page shows it. */
export interface Expected {
  readonly line: number;
  /** `json`: one JSON value; `lines`: text, line by line. */
  readonly form: 'json' | 'lines';
  readonly text: string;
  /** Shown numbers are examples: any other number fits, but for 0, which stays 0. */
  readonly numbersVary: boolean;
}

interface Placed {
  /** Of the block's first line; of the marker where there is no block. */
  readonly line: number;
  /** The heading of the second level that it stands under. */
  readonly section: string;
}

interface Command extends Placed {
  readonly command: string;
  readonly expected: Expected | null;
  /** A command in front, joined by `&&`, that another step of CI has run before; it is not run again. */
  readonly doneBefore: string | null;
}

/** Run in the page's shell. */
export interface LocalBlock extends Command {
  readonly kind: 'local';
  /** Run again until it ends well and prints what is shown, at most for this long; null: once. */
  readonly withinMs: number | null;
}

/** Started as in a terminal of its own, and left running until the block that stops it. */
export interface StartBlock extends Command {
  readonly kind: 'start';
  readonly name: string;
}

/** Ctrl-C in the terminal of that name. */
export interface StopBlock extends Placed {
  readonly kind: 'stop';
  readonly name: string;
  /** How its output ends. */
  readonly expected: Expected | null;
}

/** Not run here: checked against the manifests or the compose file, or run by another step of CI. */
export interface UnrunBlock extends Command {
  readonly kind: 'cluster' | 'compose' | 'covered';
}

/** No command. */
export interface ShownBlock extends Placed {
  readonly kind: 'shown';
}

export type Block = LocalBlock | StartBlock | StopBlock | UnrunBlock | ShownBlock;
export type CommandBlock = LocalBlock | StartBlock | UnrunBlock;

export interface WalkPage {
  /** Path from the project's folder. */
  readonly path: string;
  readonly blocks: readonly Block[];
}

/** A block with a command, not one that stops or shows. */
export function isCommand(block: Block): block is CommandBlock {
  return block.kind !== 'stop' && block.kind !== 'shown';
}

interface Marker {
  readonly kind: MarkerKind;
  readonly attributes: Attributes;
  readonly line: number;
}

/** Reads a page. What it has wrong comes beside it: such a page is not to be run. */
export function readPage(path: string, text: string): { readonly page: WalkPage; readonly faults: readonly Fault[] } {
  const reader = new PageReader(path);
  reader.read(text.split('\n'));
  return { page: { path, blocks: reader.blocks }, faults: reader.faults };
}

class PageReader {
  readonly blocks: Block[] = [];
  readonly faults: Fault[] = [];
  readonly #path: string;
  #section = '';

  constructor(path: string) {
    this.#path = path;
  }

  read(lines: readonly string[]): void {
    let marker: Marker | 'broken' | null = null;
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at] ?? '';
      const fence = /^(\s*)```(\S*)/.exec(line);
      if (fence === null) {
        this.#withoutBlock(marker);
        marker = /<!--\s*walk/.test(line) ? this.#marker(line, at + 1) : null;
        this.#section = /^## (.+)$/.exec(line)?.[1] ?? this.#section;
        continue;
      }
      const end = lines.findIndex((candidate, index) => index > at && candidate.trim() === '```');
      if (end === -1) return this.#fault(at + 1, 'the fenced block does not end');
      const body = lines.slice(at + 1, end).join('\n');
      if (fence[1] !== '') this.#fault(at + 1, 'the fenced block is indented: begin it at the start of the line');
      else if (marker === null)
        this.#fault(at + 1, 'the fenced block has no marker: say above it whether it is run (docs/testing/README.md)');
      else if (marker !== 'broken') this.#block(marker, fence[2] ?? '', body, at + 1);
      marker = null;
      at = end;
    }
    this.#withoutBlock(marker);
    this.#checkServices();
  }

  /** A broken marker is one fault: the block behind it is not blamed for having none. */
  #marker(line: string, at: number): Marker | 'broken' {
    const read = attributesOf(line);
    if (typeof read !== 'string') return { ...read, line: at };
    this.#fault(at, read);
    return 'broken';
  }

  /** Only a stop can do without a block. */
  #withoutBlock(marker: Marker | 'broken' | null): void {
    if (marker === null || marker === 'broken') return;
    const { kind, attributes, line } = marker;
    if (kind === 'stop') this.blocks.push({ kind, name: attributes.name ?? '', expected: null, line, section: this.#section });
    else this.#fault(line, 'the marker has no fenced block in the next line');
  }

  #block({ kind, attributes }: Marker, language: string, body: string, line: number): void {
    const isShell = language === 'sh' || language === 'bash';
    if (kinds[kind].takesCommands !== isShell)
      return this.#fault(
        line,
        isShell
          ? `commands cannot be marked ${kind}: they must be run or checked`
          : `a block marked ${kind} holds commands: mark its language, sh`,
      );
    const placed = { line, section: this.#section };
    switch (kind) {
      case 'output':
        return this.#output(expectedOf(attributes, language, body, line), attributes.name);
      case 'shown':
        this.blocks.push({ kind, ...placed });
        return;
      case 'stop':
        this.blocks.push({ kind, name: attributes.name ?? '', expected: expectedOf(attributes, language, body, line), ...placed });
        return;
      default:
        return this.#command(kind, attributes, body, placed);
    }
  }

  #command(kind: CommandBlock['kind'], attributes: Attributes, body: string, placed: Placed): void {
    const doneBefore = attributes.after ?? null;
    if (doneBefore !== null && !body.startsWith(`${doneBefore} && `))
      return this.#fault(placed.line, `the block does not begin with "${doneBefore} && "`);
    const command = doneBefore === null ? body : body.slice(`${doneBefore} && `.length);
    const common = { command, expected: null, doneBefore, ...placed };
    if (kind === 'local')
      this.blocks.push({
        kind,
        withinMs: attributes.within === undefined ? null : Number.parseInt(attributes.within, 10) * 1000,
        ...common,
      });
    else if (kind === 'start') this.blocks.push({ kind, name: attributes.name ?? '', ...common });
    else this.blocks.push({ kind, ...common });
  }

  #output(expected: Expected, name: string | undefined): void {
    const at =
      name === undefined ? this.blocks.length - 1 : this.blocks.findLastIndex((block) => block.kind === 'start' && block.name === name);
    const block = this.blocks[at];
    if (block === undefined || !isCommand(block) || block.kind === 'covered' || block.expected !== null)
      return this.#fault(expected.line, 'no command stands before this output');
    this.blocks[at] = { ...block, expected };
  }

  /** Whatever is started is stopped by the same page, once, and nothing else is. */
  #checkServices(): void {
    const running = new Map<string, number>();
    for (const block of this.blocks) {
      if (block.kind === 'start') {
        if (running.has(block.name)) this.#fault(block.line, `${block.name} is started although it runs`);
        running.set(block.name, block.line);
      } else if (block.kind === 'stop' && !running.delete(block.name))
        this.#fault(block.line, `${block.name} is stopped although it does not run`);
    }
    for (const [name, line] of running) this.#fault(line, `${name} is started and never stopped`);
  }

  #fault(line: number, why: string): void {
    this.faults.push({ page: this.#path, line, why });
  }
}

function expectedOf(attributes: Attributes, language: string, text: string, line: number): Expected {
  return { line, form: language === 'json' ? 'json' : 'lines', text, numbersVary: attributes.numbers === 'vary' };
}
