/**
 * What PostgreSQL can keep in a text column: UTF-8 without NUL. JSON can carry both a NUL and a lone surrogate in
 * escaped form, so strings that are keyed by or stored are checked where they enter, not where they would fail.
 */

/** Request, slot, user and creative ids. Source: spec section 2.2. */
export const ID_MAX_BYTES = 256;

/** Site domain, app bundle and dooh id. Source: spec section 2.2. */
export const DOMAIN_MAX_BYTES = 255;

/** The largest `integer` (int4) of PostgreSQL: the bound of every size in pixels. */
export const INT4_MAX = 2_147_483_647;

export type StorableProblem = 'too_long' | 'not_storable';

/** Says why `text` cannot be stored in `maxBytes` bytes of UTF-8, or null when it can. Linear in `maxBytes` at most. */
export function storableProblem(text: string, maxBytes: number): StorableProblem | null {
  const units = text.length;
  // A UTF-16 code unit takes at least one byte, so no string that is too long is walked to its end.
  if (units > maxBytes) return 'too_long';
  let bytes = units;
  for (let i = 0; i < units; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      if (unit === 0) return 'not_storable';
    } else if (unit < 0x800) {
      bytes += 1;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      bytes += 2;
    } else {
      const next = unit < 0xdc00 ? text.charCodeAt(i + 1) : 0;
      if (!(next >= 0xdc00 && next <= 0xdfff)) return 'not_storable';
      // A pair is two code units and four bytes.
      bytes += 2;
      i += 1;
    }
  }
  return bytes > maxBytes ? 'too_long' : null;
}
