import { matches } from './letter.js';
import { groupJson, LetterGroups, groupTable, letterJson, letterLine } from './letter-groups.js';
import type { Letters } from './letters.js';
import type { ListOptions } from './options.js';

/** `list`: prints letters by group, or one by one as they are read. `print` resolves when it may be called again. */
export async function listLetters(
  letters: Letters,
  options: ListOptions,
  print: (text: string) => Promise<void>,
  nowUnixMs: number,
): Promise<void> {
  const { index } = letters;
  const groups = new LetterGroups();
  let shown = 0;
  for await (const letter of letters.walk()) {
    if (!matches(letter, options.filter)) continue;
    const isOpen = !index.isReplayed(letter.source);
    if (options.openOnly && !isOpen) continue;
    shown++;
    const copies = index.copies(letter.source);
    if (!options.each) groups.add(letter, copies, isOpen);
    else await print(options.json ? letterJson(letter, copies, isOpen) : letterLine(letter, copies, isOpen, nowUnixMs));
  }
  if (options.json) {
    for (const group of groups.groups()) await print(groupJson(group));
    return;
  }
  if (shown > 0 && !options.each) await print(groupTable(groups.groups()));
  await print(`${count(shown, 'letter')}${options.openOnly ? ' not replayed' : ''} in ${letters.topic}.\n`);
  if (index.foreign > 0)
    await print(`${count(index.foreign, 'record')} of it ${index.foreign === 1 ? 'is' : 'are'} no letter of Helios.\n`);
  const inDoubt = index.openChunks().reduce((sum, chunk) => sum + chunk.note.letters.length, 0);
  if (inDoubt > 0)
    await print(`A replay of ${count(inDoubt, 'letter')} is running or was interrupted; the next replay finds out which arrived.\n`);
}

/** `1 letter`, `2 letters`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
