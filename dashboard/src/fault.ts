/** What went wrong between the page and the API, as the page tells it. */
export interface Fault {
  readonly title: string;
  readonly detail: string;
  /** Of the answer; 0 when there was none. */
  readonly status: number;
  /** The API's name for a fault that the page answers in its own way; null for any other. */
  readonly code: string | null;
  /** By which the API's log is searched; null when there was no answer. */
  readonly requestId: string | null;
}

/** What the page needs of an HTTP response. */
export interface FeedResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  json(): Promise<unknown>;
}

/** Rows are read for 6 hours at most; this filter or interval needs them. Source: the API's table of faults. */
export const RANGE_NEEDS_ROWS = 'RANGE_NEEDS_ROWS';

export const noAnswer: Fault = {
  title: 'The analytics API does not answer',
  detail: 'No connection, or no answer in time.',
  status: 0,
  code: null,
  requestId: null,
};

/** Whether the API refused the question itself, so that asking again is of no use. */
export function isRefused({ status }: Fault): boolean {
  return status === 400 || status === 404;
}

/** The problem that the API reports, or what can be said without one. */
export async function faultOf(response: FeedResponse): Promise<Fault> {
  const requestId = response.headers.get('x-request-id');
  try {
    const problem = (await response.json()) as Readonly<Record<string, unknown>>;
    return {
      title: textOf(problem['title']) ?? `Status ${response.status}`,
      detail: textOf(problem['detail']) ?? '',
      status: response.status,
      code: textOf(problem['code']),
      requestId: textOf(problem['request_id']) ?? requestId,
    };
  } catch {
    return {
      title: `Status ${response.status}`,
      detail: 'The answer is not from the analytics API.',
      status: response.status,
      code: null,
      requestId,
    };
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
