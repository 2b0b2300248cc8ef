/** Bytes that anybody may have sent, made fit for a terminal. Pure. */

/**
 * Control characters (C0, DEL, C1), what reorders or hides text (bidirectional marks, zero width, separators), and halves of a surrogate pair:
 * on a terminal they could move the cursor, rewrite lines or show something else than what is there.
 */
const UNSAFE =
  /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|\p{Cs}|[\u{E0000}-\u{E007F}]/gu; // oxlint-disable-line eslint/no-control-regex -- these are what it looks for

/** The text with every unsafe character as `\uXXXX`, at most `maxChars` of it. */
export function printable(text: string, maxChars = Number.POSITIVE_INFINITY): string {
  const cut = text.length > maxChars;
  return `${(cut ? text.slice(0, maxChars) : text).replace(UNSAFE, escaped)}${cut ? '…' : ''}`;
}

/** A key for people: its text, `(none)` without one, `\xXX` for each byte beyond ASCII where it is no UTF-8. */
export function printableKey(key: Buffer | null, maxChars = Number.POSITIVE_INFINITY): string {
  if (key === null) return '(none)';
  if (key.length === 0) return '(empty)';
  const text = utf8Of(key);
  if (text !== null) return printable(text, maxChars);
  const cut = key.length > maxChars;
  const bytes = [...(cut ? key.subarray(0, maxChars) : key)];
  return `${bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hex(byte, 2)}`)).join('')}${cut ? '…' : ''}`;
}

/** The bytes as text, or null when they are no UTF-8. A byte-order mark stays. */
export function utf8Of(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null; // that is the answer
  }
}

/** Lines of 16 bytes: offset, the bytes, and what of them is printable ASCII. */
export function* hexDump(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length; start += 16) {
    const row = [...bytes.subarray(start, start + 16)];
    const left = row.slice(0, 8).map((byte) => hex(byte, 2));
    const right = row.slice(8).map((byte) => hex(byte, 2));
    const shown = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    yield `${hex(start, 8)}  ${left.join(' ').padEnd(23)}  ${right.join(' ').padEnd(23)}  |${shown}|`;
  }
}

/** Deeper than this nothing is indented further: a megabyte of brackets must not become terabytes of spaces. */
const INDENT_MAX_DEPTH = 40;
const JSON_TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/**
 * The JSON text with one member or element a line, or null when it is no JSON. Tokens stay as they were written: parsing and printing again
 * would hide the number that overflows and the key that stands twice, which may be why the letter is here.
 */
export function prettyJson(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null; // that is the answer
  }
  const out: string[] = [];
  let depth = 0;
  let previous = '';
  const line = () => `\n${'  '.repeat(Math.min(depth, INDENT_MAX_DEPTH))}`;
  for (const [token] of text.matchAll(JSON_TOKENS)) {
    if (token === '}' || token === ']') {
      depth--;
      out.push(previous === '{' || previous === '[' ? '' : line(), token);
    } else {
      out.push(previous === '{' || previous === '[' ? line() : '', printable(token));
      if (token === '{' || token === '[') depth++;
      else if (token === ',') out.push(line());
      else if (token === ':') out.push(' ');
    }
    previous = token;
  }
  return out.join('');
}

function escaped(character: string): string {
  return [...Array(character.length).keys()].map((index) => `\\u${hex(character.charCodeAt(index), 4)}`).join('');
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}
