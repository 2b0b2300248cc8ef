import { readFileSync } from 'node:fs';

/** The strings of test/cases/hostile-values.json: written to do harm in a query, a page, a spreadsheet or a log. */
export interface HostileValue {
  readonly category: string;
  readonly value: string;
}

export const hostileValues: readonly HostileValue[] = (
  JSON.parse(readFileSync(new URL('../cases/hostile-values.json', import.meta.url), 'utf8')) as { category: string; values: string[] }[]
).flatMap(({ category, values }) => values.map((value) => ({ category, value })));

/** Every byte percent-encoded; a lone surrogate as the three bytes that UTF-8 forbids. */
export function percentEncoded(text: string): string {
  return Array.from(text, (character) => Array.from(bytesOf(character), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')).join(
    '',
  );
}

/** The ways to send a value in a URL: encoded, and as it stands where that is a URL already (`%00`, `..%2f`). */
export function spellings(value: string): string[] {
  return /^[\w.~%/:@!$'()*,;-]*%[\w.~%/:@!$'()*,;-]*$/.test(value) ? [percentEncoded(value), value] : [percentEncoded(value)];
}

function bytesOf(character: string): Uint8Array {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff) return Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  return Buffer.from(character);
}
