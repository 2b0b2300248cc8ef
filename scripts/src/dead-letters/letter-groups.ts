/** What `list` and the plan of `replay` print: letters by stage, source topic and reason, or one by one. Pure. */
import { type Letter, placeText, valueBytes } from './letter.js';
import { printable, printableKey, utf8Of } from './printable.js';

export interface LetterGroup {
  readonly stage: string;
  readonly topic: string;
  readonly reason: string;
  /** Letters, of them not yet replayed, and records that they stand in: a letter repeated after a crash stands there more than once. */
  letters: number;
  open: number;
  copies: number;
  firstAtUnixMs: number | null;
  lastAtUnixMs: number | null;
  readonly exampleId: string;
  readonly exampleKey: Buffer | null;
}

/** Reasons are a closed list, but anybody may write to the topic: beyond this many groups the rest is counted as one. */
const GROUPS_MAX = 1000;
const KEY_MAX_CHARS = 60;
const NAME_MAX_CHARS = 40;

/** Gathers letters into groups. Memory: at most a thousand groups. */
export class LetterGroups {
  readonly #groups = new Map<string, LetterGroup>();
  /** Letters in all groups. */
  letters = 0;

  add(letter: Letter, copies: number, isOpen: boolean): void {
    const group = this.#groupOf(letter);
    const at = letter.writtenAtUnixMs;
    this.letters++;
    group.letters++;
    group.open += Number(isOpen);
    group.copies += copies;
    if (at === null) return;
    group.firstAtUnixMs = Math.min(group.firstAtUnixMs ?? at, at);
    group.lastAtUnixMs = Math.max(group.lastAtUnixMs ?? at, at);
  }

  /** The groups, the largest first. */
  groups(): LetterGroup[] {
    return [...this.#groups.values()].toSorted((a, b) => b.letters - a.letters);
  }

  #groupOf(letter: Letter): LetterGroup {
    const isOverflow = this.#groups.size >= GROUPS_MAX;
    const exact = JSON.stringify([letter.stage, letter.source.topic, letter.reason]);
    const known = this.#groups.get(exact) ?? (isOverflow ? this.#groups.get('') : undefined);
    if (known !== undefined) return known;
    const group: LetterGroup = {
      stage: isOverflow ? '(others)' : letter.stage,
      topic: isOverflow ? '(others)' : letter.source.topic,
      reason: isOverflow ? '(others)' : letter.reason,
      letters: 0,
      open: 0,
      copies: 0,
      firstAtUnixMs: null,
      lastAtUnixMs: null,
      exampleId: letter.id,
      exampleKey: letter.record.key,
    };
    this.#groups.set(isOverflow ? '' : exact, group);
    return group;
  }
}

/** The groups as a table for people. */
export function groupTable(groups: readonly LetterGroup[]): string {
  const head = ['stage', 'topic', 'reason', 'letters', 'open', 'copies', 'first', 'last', 'example', 'its key'];
  const rows = groups.map((group) => [
    printable(group.stage, NAME_MAX_CHARS),
    printable(group.topic, NAME_MAX_CHARS),
    printable(group.reason, NAME_MAX_CHARS),
    String(group.letters),
    String(group.open),
    String(group.copies),
    timeText(group.firstAtUnixMs),
    timeText(group.lastAtUnixMs),
    group.exampleId,
    printableKey(group.exampleKey, KEY_MAX_CHARS),
  ]);
  const widths = head.map((title, column) => rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), title.length));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => (column >= 3 && column <= 5 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** A group as one line of JSON. */
export function groupJson(group: LetterGroup): string {
  const { firstAtUnixMs, lastAtUnixMs, exampleKey, ...rest } = group;
  return jsonLine({ ...rest, ...keyFields(exampleKey), first: isoOf(firstAtUnixMs), last: isoOf(lastAtUnixMs) });
}

/** A letter as one line for people. */
export function letterLine(letter: Letter, copies: number, isOpen: boolean, nowUnixMs: number): string {
  const facts = [
    letter.id.padEnd(10),
    isOpen ? 'open    ' : 'replayed',
    printable(letter.stage, NAME_MAX_CHARS).padEnd(8),
    printable(letter.reason, NAME_MAX_CHARS).padEnd(16),
    ageText(letter.writtenAtUnixMs, nowUnixMs).padStart(5),
    `${valueBytes(letter)} B`.padStart(10),
    placeText(letter.source).padEnd(28),
    printableKey(letter.record.key, KEY_MAX_CHARS),
  ];
  if (copies > 1) facts.push(`(${copies} copies)`);
  if (letter.omittedBytes !== null) facts.push('(value left out)');
  if (letter.replayedFrom !== null) facts.push(`(failed again: a replay of ${printable(letter.replayedFrom, NAME_MAX_CHARS)})`);
  return `${facts.join('  ')}\n`;
}

/** A letter as one line of JSON, without its value. */
export function letterJson(letter: Letter, copies: number, isOpen: boolean): string {
  const { id, stage, reason, errorText, record, source, writtenAtUnixMs, acceptedAtUnixMs, omittedBytes, replayedFrom } = letter;
  return jsonLine({
    id,
    source: placeText(source),
    ...keyFields(record.key),
    stage,
    reason,
    errorText,
    state: isOpen ? 'open' : 'replayed',
    copies,
    bytes: valueBytes(letter),
    omittedBytes,
    replayedFrom,
    writtenAt: isoOf(writtenAtUnixMs),
    acceptedAt: isoOf(acceptedAtUnixMs),
  });
}

/** A time to the second, `-` without one. */
export function timeText(unixMs: number | null): string {
  return isoOf(unixMs)?.replace(/\.\d+Z$/, 'Z') ?? '-';
}

/** How long ago, in the largest unit that fits. */
export function ageText(unixMs: number | null, nowUnixMs: number): string {
  if (unixMs === null) return '-';
  const seconds = Math.max(0, Math.floor((nowUnixMs - unixMs) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** A key that is no UTF-8 stands in base64 beside `key: null`: JSON could not carry it. */
function keyFields(key: Buffer | null): { key: string | null; keyBase64?: string } {
  const text = key === null ? null : utf8Of(key);
  return text === null && key !== null ? { key: null, keyBase64: key.toString('base64') } : { key: text };
}

/** JSON leaves characters as they are that a terminal must not see; as `\uXXXX` they say the same. */
function jsonLine(facts: Record<string, unknown>): string {
  return `${printable(JSON.stringify(facts))}\n`;
}

function isoOf(unixMs: number | null): string | null {
  // Beyond this a Date has no text; headers may say anything.
  return unixMs === null || unixMs > 8.64e15 ? null : new Date(unixMs).toISOString();
}
