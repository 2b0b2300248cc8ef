/**
 * Every status of a fault that the API can answer: what it is called, when it comes, how to solve it. OpenAPI and the table of docs/api.md
 * are made from it or checked against it.
 */

export interface ProblemKind {
  readonly title: string;
  readonly when: string;
  readonly mend: string;
}

export const problemTable = {
  400: {
    title: 'Invalid request',
    when: 'A parameter is unknown, given twice, malformed or out of bounds; a cursor belongs to other filters; the path is no valid percent-encoding; the bytes are no HTTP.',
    mend: '`errors` names each parameter and says what would be right. Write `+` as `%2B`; take cursors unchanged from a link.',
  },
  404: {
    title: 'Not found',
    when: 'There is no outcome with this `bid_id`, or nothing is served under this path.',
    mend: 'Percent-encode the `bid_id` once more in the path (`%` is `%25`). An outcome appears when its auction is decided and leaves after the retention.',
  },
  405: {
    title: 'Method not allowed',
    when: 'The method is not GET, HEAD or OPTIONS.',
    mend: 'The API is read-only; bids enter at `POST /bid` of ingest.',
  },
  408: {
    title: 'Request timeout',
    when: 'The head of the request did not arrive within 10 s.',
    mend: 'Send it again, whole.',
  },
  429: {
    title: 'Too many requests',
    when: 'This address asked more often than the limit of a second allows.',
    mend: 'Wait for `Retry-After` seconds; poll with `If-None-Match`, once a second at most.',
  },
  431: {
    title: 'Request header fields too large',
    when: 'Request line and headers together are over 16 KiB.',
    mend: 'Shorten the address or the headers (cookies).',
  },
  500: {
    title: 'Internal error',
    when: 'A fault of the API itself.',
    mend: 'Report it with its `request_id`: the log has the reason under it.',
  },
  503: {
    title: 'Service unavailable',
    when: 'The database is away, a query ran longer than its limit, or as many exports run as may.',
    mend: 'Try again after `Retry-After` seconds; where the detail says that the query took too long, narrow it with `since` and `until`.',
  },
} as const satisfies Record<number, ProblemKind>;

/** The faults that a program must tell from others of their status: `code` in the body. */
export const problemCodes = {
  RANGE_NEEDS_ROWS: {
    status: 400,
    when: 'Statistics with this filter or interval come from single outcomes, and the range is longer than these may be.',
    mend: 'Take a shorter range, or fewer filters, or a coarser interval: the detail says which helps.',
  },
} as const satisfies Record<string, { status: keyof typeof problemTable; when: string; mend: string }>;

export type ProblemCode = keyof typeof problemCodes;
export type ProblemStatus = keyof typeof problemTable;

export function isProblemStatus(status: number): status is ProblemStatus {
  return Object.hasOwn(problemTable, status);
}
