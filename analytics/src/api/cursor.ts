import { createHash } from 'node:crypto';
import { eventLimits } from '@helios/proto/events';
import { isInstant } from '@helios/proto/instant';
import { storableProblem } from '@helios/proto/storable';

/**
 * The cursor of keyset paging: where a page ended, which way to go on, and for which filters. Opaque to clients, base64url of JSON.
 * A checksum over all of it and the filters refuses a cursor that was changed or is used with other filters. It guards against
 * mistakes, not against attackers: a forged cursor could only ask for rows that anyone may read.
 */

export type Direction = 'older' | 'newer';

export interface Position {
  /** ISO 8601 with up to six decimal places: milliseconds would lose rows between them. */
  readonly timestamp: string;
  /** May be empty: before every bid of that timestamp. */
  readonly bidId: string;
}

export interface Cursor extends Position {
  readonly direction: Direction;
}

/** A cursor of the longest bid id is about 1.5 KB; anything longer is not ours. */
export const CURSOR_MAX_LENGTH = 8192;
const VERSION = 1;

/** Writes a cursor for `filters`, the canonical text of the filters of the request. */
export function encodeCursor(cursor: Cursor, filters: string): string {
  const { direction, timestamp, bidId } = cursor;
  return Buffer.from(JSON.stringify([VERSION, direction, timestamp, bidId, checksum(cursor, filters)])).toString('base64url');
}

/** Reads a cursor, or returns null when `text` is none, was changed, or belongs to other filters. Never throws. */
export function decodeCursor(text: string, filters: string): Cursor | null {
  if (text.length > CURSOR_MAX_LENGTH || !/^[A-Za-z0-9_-]+$/.test(text)) return null;
  const fields = parse(Buffer.from(text, 'base64url').toString('utf8'));
  if (!Array.isArray(fields) || fields.length !== 5 || fields[0] !== VERSION) return null;
  const [, direction, timestamp, bidId, sum] = fields as unknown[];
  if (direction !== 'older' && direction !== 'newer') return null;
  if (typeof timestamp !== 'string' || !isInstant(timestamp)) return null;
  if (typeof bidId !== 'string' || storableProblem(bidId, eventLimits.bidIdMaxBytes) !== null) return null;
  const cursor: Cursor = { direction, timestamp, bidId };
  // base64 has several spellings of one value: only the one that we write is ours.
  return sum === checksum(cursor, filters) && encodeCursor(cursor, filters) === text ? cursor : null;
}

function checksum(cursor: Cursor, filters: string): string {
  const { direction, timestamp, bidId } = cursor;
  return createHash('sha256')
    .update(JSON.stringify([VERSION, direction, timestamp, bidId, filters]))
    .digest('base64url')
    .slice(0, 16);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
