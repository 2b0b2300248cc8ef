import { headerNames } from '@helios/proto/topics';
import type { KafkaHeader } from '@helios/runtime/kafka/client';
import { type Letter, placeText, type TopicRecord, valueBytes } from './letter.js';
import { ageText, timeText } from './letter-groups.js';
import type { Letters } from './letters.js';
import type { ShowOptions } from './options.js';
import { hexDump, prettyJson, printable, printableKey, utf8Of } from './printable.js';

const HEADER_MAX_CHARS = 2000;
const LINES_AT_ONCE = 1000;

/** The original record, or why it cannot be had: the letter left its value out, and the source topic does not hold it any more. */
export type Original = TopicRecord | 'gone';

/**
 * `show`: prints a letter for people, or its original bytes and nothing else. `print` resolves when it may be called again.
 * @throws Error with a sentence when there is no such letter, or its bytes are asked for and gone.
 */
export async function showLetter(
  letters: Letters,
  options: ShowOptions,
  print: (text: string | Buffer) => Promise<void>,
  nowUnixMs: number,
): Promise<void> {
  const letter = await findLetter(letters, options.target);
  const original = await originalOf(letters, letter);
  if (options.raw) {
    if (original === 'gone') throw new Error(goneText(letter));
    await print(original.value ?? Buffer.alloc(0));
    return;
  }
  for (const line of describe(letter, letters, nowUnixMs)) await print(`${line}\n`);
  await print('\n');
  if (original === 'gone') await print(`${goneText(letter)}\n`);
  else for (const text of valueText(original.value)) await print(text);
}

/** The message that was given up: the letter itself, or for one without its value the record at its place in the source topic. */
export async function originalOf(letters: Letters, letter: Letter): Promise<Original> {
  if (letter.omittedBytes === null) return letter.record;
  const { topic, partition, offset } = letter.source;
  const record = await letters.aside.recordAt(topic, partition, offset);
  // A topic that was deleted and made anew holds something else there.
  return record === null || (record.value?.length ?? 0) !== letter.omittedBytes ? 'gone' : record;
}

async function findLetter(letters: Letters, target: ShowOptions['target']): Promise<Letter> {
  if ('topic' in target) {
    const place = placeText(target);
    for await (const letter of letters.walk()) if (placeText(letter.source) === place) return letter;
    throw new Error(`There is no letter of ${place}.`);
  }
  return letters.letterAt(target.partition, target.offset);
}

function describe(letter: Letter, letters: Letters, nowUnixMs: number): string[] {
  const { record, source } = letter;
  const copies = letters.index.copies(source);
  const lines = [
    ['letter', `${letter.id}${copies > 1 ? `, one of ${copies} copies` : ''}`],
    ['state', letters.index.isReplayed(source) ? 'replayed' : 'open'],
    ['source', placeText(source)],
    ['stage', printable(letter.stage, HEADER_MAX_CHARS)],
    ['reason', printable(letter.reason, HEADER_MAX_CHARS)],
    ['error', printable(letter.errorText, HEADER_MAX_CHARS)],
    ['key', printableKey(record.key)],
    ['given up', `${timeText(letter.writtenAtUnixMs)} (${ageText(letter.writtenAtUnixMs, nowUnixMs)} ago)`],
    ['accepted', timeText(letter.acceptedAtUnixMs)],
  ];
  if (letter.replayedFrom !== null) lines.push(['failed again', `it was a replay of ${printable(letter.replayedFrom, HEADER_MAX_CHARS)}`]);
  const left = letter.omittedBytes === null ? '' : ', left out of the letter because they did not fit; read from the source';
  lines.push(['value', record.value === null && letter.omittedBytes === null ? 'null' : `${valueBytes(letter)} bytes${left}`]);
  return [...lines.map(([name, text]) => `${name?.padEnd(14)}${text}`), 'headers', ...headerLines(record.headers ?? [])];
}

function headerLines(headers: readonly KafkaHeader[]): string[] {
  return headers.flatMap((header) =>
    Object.entries(header).map(
      ([name, value]) => `  ${printable(name, HEADER_MAX_CHARS)}: ${printable(value.toString(), HEADER_MAX_CHARS)}`,
    ),
  );
}

/** The value in pieces: JSON with a member a line, other bytes as a hex dump. */
function* valueText(value: Buffer | null): Generator<string> {
  const text = value === null ? null : utf8Of(value);
  const json = text === null ? null : prettyJson(text);
  if (value === null || value.length === 0 || json !== null) {
    yield `${value === null ? '(null)' : (json ?? '(empty)')}\n`;
    return;
  }
  let lines: string[] = [];
  for (const line of hexDump(value)) {
    lines.push(line);
    if (lines.length < LINES_AT_ONCE) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

function goneText(letter: Letter): string {
  return (
    `The letter leaves out its value of ${valueBytes(letter)} bytes (${headerNames.omittedBytes}), which did not fit, ` +
    `and ${placeText(letter.source)} is not held by the broker any more.`
  );
}
