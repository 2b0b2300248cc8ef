/**
 * Why a bid request is refused, as a value. A check that finds a fault names the place relative to the object it
 * looks at; each caller above adds its own part of the path, so that a valid request builds no path at all.
 */

/**
 * The closed list of reasons: `missing` also stands for null, an empty string and an empty array where a value is
 * required, `too_long` for too many bytes and too many items, `not_storable` for a NUL or a lone surrogate.
 */
export const requestFaultCodes = [
  'empty_body',
  'byte_order_mark',
  'not_utf8',
  'malformed_json',
  'not_an_object',
  'missing',
  'wrong_type',
  'out_of_range',
  'too_long',
  'duplicate',
  'conflict',
  'not_storable',
] as const;
export type RequestFaultCode = (typeof requestFaultCodes)[number];

export interface RequestFault {
  /** JSON pointer (RFC 6901) to the attribute at fault; '' stands for the whole body. */
  field: string;
  code: RequestFaultCode;
  /** One sentence: what is wrong, where, and how to mend it. */
  detail: string;
}

/** A fault at `field`, relative to the object being checked. `predicate` continues a sentence that begins with the place. */
export function faultAt(field: string, code: RequestFaultCode, predicate: string): RequestFault {
  return { field, code, detail: predicate };
}

/** The same fault seen from one object higher: `prefix` is the path from there, such as `/imp/0`. */
export function under(prefix: string, fault: RequestFault): RequestFault {
  fault.field = prefix + fault.field;
  return fault;
}

/** The fault with its sentence made whole, once the path is complete. */
export function withSentence(fault: RequestFault): RequestFault {
  fault.detail = `${fault.field === '' ? 'The body' : fault.field} ${fault.detail}.`;
  return fault;
}
