import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

/**
 * How a written case says which bytes it sends, so that a megabyte takes one line and every byte can be named: a text (UTF-8), an array of
 * parts one after the other, or an object with one of the keys of `notations`. Pure.
 */
export type Notation = string | readonly Notation[] | { readonly [key: string]: unknown };

/** The least valid bid request: 34 bytes. What a case sends when it is not about the body. */
export const goodBody = '{"id":"r","ad_slots":[{"id":"1"}]}';

type Pair = readonly [Notation, number];

/** What each key means. */
const notations: Record<string, (value: unknown) => Buffer> = {
  /** The good body with these attributes put in, over or, as null, in null's place. */
  good: (value) => Buffer.from(JSON.stringify({ ...(JSON.parse(goodBody) as object), ...(value as object) })),
  json: (value) => Buffer.from(JSON.stringify(value)),
  hex: (value) => hexBytes(value as string),
  latin1: (value) => Buffer.from(value as string, 'latin1'),
  utf16le: (value) => Buffer.from(value as string, 'utf16le'),
  utf16be: (value) => Buffer.from(value as string, 'utf16le').swap16(),
  gzip: (value) => gzipSync(bytesOf(value as Notation)),
  zlib: (value) => deflateSync(bytesOf(value as Notation)),
  deflate: (value) => deflateRawSync(bytesOf(value as Notation)),
  /** [bytes, times] */
  repeat: (value) => repeated(bytesOf((value as Pair)[0]), (value as Pair)[1]),
  /** [bytes, length]: filled up with spaces. */
  pad: (value) => padded(bytesOf((value as Pair)[0]), (value as Pair)[1]),
  /** [bytes, length]: the first `length` bytes, or all but the last `-length`. */
  cut: (value) => bytesOf((value as Pair)[0]).subarray(0, (value as Pair)[1]),
  /** [bytes, position, hex]: overwritten there; a negative position counts from the end. */
  patch: (value) => patched(value as readonly [Notation, number, string]),
  /** [text, count, separator]: the text `count` times, with the number from 0 on in the place of #. */
  numbered: (value) => numbered(value as readonly [string, number, string]),
  /** Chunks of chunked coding and the last one; the head is the case's own. */
  chunked: (value) => chunked((value as readonly Notation[]).map(bytesOf)),
  /** [bytes, length]: in chunks of that length. */
  chunked_by: (value) => chunked(pieces(bytesOf((value as Pair)[0]), (value as Pair)[1])),
};

/** The bytes that a notation stands for. @throws Error when it is none. */
export function bytesOf(notation: Notation): Buffer {
  if (typeof notation === 'string') return Buffer.from(notation);
  if (isList(notation)) return Buffer.concat(notation.map(bytesOf));
  const [key = '', ...more] = Object.keys(notation);
  const make = notations[key];
  if (make === undefined || more.length > 0) {
    throw new Error(`${JSON.stringify(notation).slice(0, 100)} says no bytes: it takes one of ${Object.keys(notations).join(', ')}`);
  }
  return make(notation[key]);
}

function isList(notation: Notation): notation is readonly Notation[] {
  return Array.isArray(notation);
}

function hexBytes(hex: string): Buffer {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  if (bytes.length * 2 !== hex.replaceAll(' ', '').length) throw new Error(`${hex} is not hexadecimal`);
  return bytes;
}

function repeated(unit: Buffer, times: number): Buffer {
  return Buffer.alloc(unit.length * times, unit);
}

function padded(bytes: Buffer, length: number): Buffer {
  if (bytes.length > length) throw new Error(`${bytes.length} bytes cannot be padded to ${length}`);
  return Buffer.concat([bytes, Buffer.alloc(length - bytes.length, ' ')]);
}

function patched([notation, position, hex]: readonly [Notation, number, string]): Buffer {
  const bytes = Buffer.from(bytesOf(notation));
  const patch = hexBytes(hex);
  const at = position < 0 ? bytes.length + position : position;
  if (at < 0 || at + patch.length > bytes.length) throw new Error(`a patch at ${position} leaves the ${bytes.length} bytes`);
  patch.copy(bytes, at);
  return bytes;
}

function numbered([text, count, separator]: readonly [string, number, string]): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, number) => text.replaceAll('#', String(number))).join(separator));
}

function pieces(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) => bytes.subarray(index * length, (index + 1) * length));
}

function chunked(chunks: readonly Buffer[]): Buffer {
  const parts = chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}
