import type { RequestFault } from '@helios/proto/bid-request';

/**
 * The answers that are not 202: problem details of RFC 9457, each with Helios' `code`, and with `field`, a JSON pointer (RFC 6901), where
 * the body is at fault. All but those for invalid bodies are built once.
 */

/** What became of a request; every request counts once. */
export const outcomes = [
  'accepted',
  'invalid',
  'too_large',
  'unsupported_encoding',
  'overloaded',
  'no_broker',
  'ack_timeout',
  'ack_failed',
  'stopping',
  'aborted',
  'not_found',
  'method_not_allowed',
] as const;
export type Outcome = (typeof outcomes)[number];

export interface Problem {
  readonly outcome: Outcome;
  readonly code: string;
  /** JSON pointer to what is at fault in the body, '' for the body as a whole; null when the fault is not in the body. */
  readonly field: string | null;
  readonly detail: string;
  /** The HTTP status line. */
  readonly status: string;
  /** A header that goes with the status: Retry-After, Allow, Accept-Encoding. */
  readonly header: readonly [name: string, value: string] | null;
  /** The connection is closed after the answer. */
  readonly closes: boolean;
  readonly body: string;
}

interface Definition {
  readonly outcome: Outcome;
  readonly code: string;
  readonly field?: string;
  readonly status: number;
  readonly phrase: string;
  readonly title: string;
  readonly detail: string;
  readonly header?: readonly [name: string, value: string];
  readonly closes?: boolean;
}

export const contentTypes = { json: 'application/json', problem: 'application/problem+json' } as const;

const RETRY_AFTER = ['Retry-After', '1'] as const;
const unavailable = { status: 503, phrase: 'Service Unavailable', header: RETRY_AFTER } as const;
const NOT_STORED = 'It was not stored; send it again later.';
const MAYBE_STORED = 'It may still be stored; sending it again with the same id is safe.';

export const problems = {
  tooManyInFlight: problem({
    ...unavailable,
    outcome: 'overloaded',
    code: 'too_many_in_flight',
    title: 'Too many requests in flight',
    detail: `As many bid requests as allowed wait for the acknowledgement of the broker. ${NOT_STORED}`,
  }),
  bodyMemoryFull: problem({
    ...unavailable,
    outcome: 'overloaded',
    code: 'body_memory_full',
    title: 'Too many half-received bodies',
    detail: `Bodies that arrive in pieces take as much memory as allowed. ${NOT_STORED}`,
  }),
  queueFull: problem({
    ...unavailable,
    outcome: 'overloaded',
    code: 'queue_full',
    title: 'Producer queue full',
    detail: `The queue to the broker is full. ${NOT_STORED}`,
  }),
  backlogFull: problem({
    ...unavailable,
    outcome: 'overloaded',
    code: 'backlog_full',
    title: 'Backlog full',
    detail: `The bidders are too far behind. ${NOT_STORED}`,
  }),
  notConnected: problem({
    ...unavailable,
    outcome: 'no_broker',
    code: 'not_connected',
    title: 'No broker',
    detail: `No broker can be reached. ${NOT_STORED}`,
  }),
  ackTimeout: problem({
    ...unavailable,
    outcome: 'ack_timeout',
    code: 'ack_timeout',
    title: 'No acknowledgement in time',
    detail: `The broker did not acknowledge the bid request in time. ${MAYBE_STORED}`,
  }),
  ackFailed: problem({
    ...unavailable,
    outcome: 'ack_failed',
    code: 'ack_failed',
    title: 'Not acknowledged',
    detail: `The broker did not acknowledge the bid request. ${MAYBE_STORED}`,
  }),
  stopping: problem({
    ...unavailable,
    outcome: 'stopping',
    code: 'stopping',
    title: 'Stopping',
    detail: `This process is stopping. ${NOT_STORED}`,
    closes: true,
  }),
  notFound: problem({
    outcome: 'not_found',
    code: 'not_found',
    status: 404,
    phrase: 'Not Found',
    title: 'Not found',
    detail: 'Only POST /bid is served here.',
  }),
  methodNotAllowed: problem({
    outcome: 'method_not_allowed',
    code: 'method_not_allowed',
    status: 405,
    phrase: 'Method Not Allowed',
    title: 'Method not allowed',
    detail: '/bid takes POST only.',
    header: ['Allow', 'POST'],
  }),
  badTransferEncoding: problem({
    outcome: 'invalid',
    code: 'bad_transfer_encoding',
    status: 400,
    phrase: 'Bad Request',
    title: 'Bad transfer encoding',
    detail: 'The Transfer-Encoding of the request is not "chunked" alone, so it is not certain where its body ends.',
    closes: true,
  }),
  unsupportedEncoding: problem({
    outcome: 'unsupported_encoding',
    code: 'unsupported_encoding',
    status: 415,
    phrase: 'Unsupported Media Type',
    title: 'Unsupported content encoding',
    detail: 'The Content-Encoding of the body is none of those taken: gzip, identity.',
    field: '',
    header: ['Accept-Encoding', 'gzip, identity'],
    closes: true,
  }),
} as const;

/** 413: the body, or what it inflates to, is over the limit. */
export function tooLargeProblem(maxBodyBytes: number): Problem {
  return problem({
    outcome: 'too_large',
    code: 'too_large',
    status: 413,
    phrase: 'Content Too Large',
    title: 'Body too large',
    detail: `The body is larger than ${maxBodyBytes} bytes, as sent or inflated.`,
    field: '',
    closes: true,
  });
}

/** 400: the body came gzipped and cannot be inflated. */
export const malformedGzip = invalidProblem({
  field: '',
  code: 'malformed_gzip',
  detail: 'The body is not valid gzip (corrupt, cut short or followed by other bytes), though Content-Encoding says so.',
});

/** 400: the body breaks a rule; the problem names the field. */
export function invalidProblem(fault: Omit<RequestFault, 'code'> & { readonly code: string }): Problem {
  return problem({
    outcome: 'invalid',
    code: fault.code,
    field: fault.field,
    status: 400,
    phrase: 'Bad Request',
    title: 'Invalid bid request',
    detail: fault.detail,
  });
}

function problem(definition: Definition): Problem {
  const { outcome, code, field, status, phrase, title, detail } = definition;
  return {
    outcome,
    code,
    field: field ?? null,
    detail,
    status: `${status} ${phrase}`,
    header: definition.header ?? null,
    closes: definition.closes ?? false,
    // An undefined field is left out by JSON.stringify.
    body: JSON.stringify({ type: `urn:helios:problem:${code}`, title, status, detail, field, code }),
  };
}
