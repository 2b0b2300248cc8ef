/** From bytes on the wire to a JSON object: the one decoder of request bodies and of events. */
import { Buffer, isAscii, isUtf8 } from 'node:buffer';

export type JsonObject = Record<string, unknown>;

export const bodyFaultCodes = ['empty_body', 'byte_order_mark', 'not_utf8', 'malformed_json', 'not_an_object'] as const;
export type BodyFaultCode = (typeof bodyFaultCodes)[number];

/** Either the object, or why there is none; `predicate` continues a sentence that begins with "The body". */
export type DecodedObject = { ok: true; object: JsonObject } | { ok: false; code: BodyFaultCode; predicate: string };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Decodes UTF-8 JSON text whose root is an object. Never throws; linear in the number of bytes. Of duplicate keys the
 * last one counts. A byte-order mark is refused, as RFC 8259 section 8.1 has it.
 */
export function decodeObject(bytes: Uint8Array): DecodedObject {
  if (bytes.length === 0) return refused('empty_body', 'is empty: send a JSON object');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return refused('byte_order_mark', 'begins with a byte-order mark: send UTF-8 without it');
  }
  const text = decodeText(bytes);
  if (text === null) return refused('not_utf8', 'is not valid UTF-8: encode the JSON text as UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused('malformed_json', `is not valid JSON${positionOf(error)}: send one JSON object and nothing after it`);
  }
  if (!isObject(value)) return refused('not_an_object', 'is JSON but not an object: send one JSON object');
  return { ok: true, object: value };
}

/**
 * Text of valid UTF-8, or null. Nearly all bid requests are ASCII, and ASCII read as Latin-1 is one memory copy where
 * a UTF-8 decode has to look at every byte.
 */
function decodeText(bytes: Uint8Array): string | null {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isAscii(buffer)) return buffer.toString('latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : null;
}

function refused(code: BodyFaultCode, predicate: string): DecodedObject {
  return { ok: false, code, predicate };
}

/** Where the parser stopped. Its own message quotes the body, which may hold personal data, so only the number is kept. */
function positionOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (message.startsWith('Unexpected end')) return ' (it ends too early)';
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? '' : ` (at character ${position})`;
}
