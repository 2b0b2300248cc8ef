/**
 * Checks of single attributes that Helios reads from a bid request: each returns the fault at `field`, or null. Absent
 * and null are fine unless a check says otherwise. Source: spec section 2.2.
 */
import { isObject } from './json-object.js';
import type { JsonObject } from './json-object.js';
import { isMissing, isPresent } from './openrtb-rules.js';
import { faultAt } from './request-fault.js';
import type { RequestFault } from './request-fault.js';
import { ID_MAX_BYTES, INT4_MAX, storableProblem } from './storable.js';

/** The `id` of a request or a slot: required, not empty. */
export function idFault(id: unknown): RequestFault | null {
  if (isMissing(id)) return faultAt('/id', 'missing', 'is missing or empty: OpenRTB 2.6, 3.2 requires it, so send a non-empty string');
  return textFault('/id', id, ID_MAX_BYTES);
}

/** A string that is keyed by or stored; absent, null and empty are fine. */
export function textFault(field: string, value: unknown, maxBytes: number): RequestFault | null {
  if (!isPresent(value) || value === '') return null;
  if (typeof value !== 'string') return notText(field);
  const problem = storableProblem(value, maxBytes);
  if (problem === null) return null;
  if (problem === 'too_long') return faultAt(field, problem, `is too long: send at most ${maxBytes} bytes of UTF-8`);
  return faultAt(field, problem, 'holds a NUL or half of a surrogate pair, which cannot be stored: send it without');
}

/** A number that Helios reads: finite (`1e400` is valid JSON) and at least `min`; absent and null are fine. */
export function numberFault(field: string, value: unknown, min: number): RequestFault | null {
  if (!isPresent(value)) return null;
  if (typeof value !== 'number') return faultAt(field, 'wrong_type', 'is not a number: send it as a JSON number');
  if (!Number.isFinite(value)) return faultAt(field, 'out_of_range', 'is not finite: send a number that a 64-bit float can hold');
  return value >= min ? null : faultAt(field, 'out_of_range', `is less than ${min}: send ${min} or more`);
}

/** An object, where Helios looks inside. */
export function objectFault(field: string, value: unknown): RequestFault | null {
  return !isPresent(value) || isObject(value) ? null : faultAt(field, 'wrong_type', 'is not an object: send an object or leave it out');
}

export function notText(field: string): RequestFault {
  return faultAt(field, 'wrong_type', 'is not a string: send it as a JSON string');
}

/** `w` and `h` of an object: whole pixels that fit int4. */
export function sizeFault(object: JsonObject): RequestFault | null {
  return pixelsFault('/w', object.w) ?? pixelsFault('/h', object.h);
}

function pixelsFault(field: string, value: unknown): RequestFault | null {
  if (!isPresent(value)) return null;
  if (typeof value !== 'number') return faultAt(field, 'wrong_type', 'is not a number: send an integer in pixels');
  if (value >= 0 && value <= INT4_MAX) {
    return Number.isInteger(value) ? null : faultAt(field, 'wrong_type', 'is not an integer: send whole pixels');
  }
  return faultAt(field, 'out_of_range', `is out of range: send an integer from 0 to ${INT4_MAX}`);
}

/** `cur`: an array of strings. */
export function currenciesFault(cur: unknown): RequestFault | null {
  if (!isPresent(cur)) return null;
  if (!Array.isArray(cur)) return faultAt('/cur', 'wrong_type', 'is not an array: send an array of ISO 4217 codes');
  const at = cur.findIndex((code) => typeof code !== 'string');
  return at === -1 ? null : notText(`/cur/${at}`);
}
