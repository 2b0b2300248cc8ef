import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { DatabaseState } from '../database-state.js';
import { databaseFault } from '../fault-class.js';
import { isProblemStatus, type ProblemCode, type ProblemStatus, problemTable } from './problem-table.js';

/** Every fault of the API as RFC 9457 problem+json. Texts are ours: nothing of PostgreSQL's reaches a client. */

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const RETRY_AFTER_S = 1;
/** SQLSTATE of a statement that ran longer than its limit. */
const QUERY_CANCELED = '57014';

export interface Problem {
  readonly status: ProblemStatus;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly { readonly parameter: string; readonly detail: string }[];
  /** Which of the faults with this status, where a program must tell them apart. */
  readonly code?: ProblemCode;
  readonly headers?: Readonly<Record<string, string>>;
}

export function problem(status: ProblemStatus, detail: string, more: Pick<Problem, 'errors' | 'headers' | 'code'> = {}): Problem {
  return { status, title: problemTable[status].title, detail, ...more };
}

/** The body of a problem. `type` is `about:blank`: the status says what kind of problem it is. */
export function problemBody(fault: Problem, requestId: string, path: string): string {
  return JSON.stringify({
    type: 'about:blank',
    title: fault.title,
    status: fault.status,
    detail: fault.detail,
    instance: path,
    request_id: requestId,
    ...(fault.code === undefined ? {} : { code: fault.code }),
    ...(fault.errors === undefined ? {} : { errors: fault.errors }),
  });
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, fault: Problem): FastifyReply {
  const [path = ''] = request.url.split('?', 1);
  return reply
    .code(fault.status)
    .headers({ 'cache-control': 'no-store', 'x-request-id': request.id, ...fault.headers })
    .type(PROBLEM_TYPE)
    .serializer((body: string) => body)
    .send(problemBody(fault, request.id, path));
}

/** What a thrown error means to the client; `logged` when it is a fault of ours that the log must show. */
export function problemOf(
  error: FastifyError,
  state: DatabaseState,
  knownParameters: readonly string[],
): { fault: Problem; logged: boolean } {
  if (error.validation !== undefined) return { fault: invalid(error.validation, knownParameters), logged: false };
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    const status = isProblemStatus(error.statusCode) ? error.statusCode : 400;
    return { fault: problem(status, `${error.message.replace(/\.$/, '')}.`), logged: false };
  }
  const fault = databaseFault(error);
  if (fault.sqlstate === QUERY_CANCELED) {
    return { fault: unavailable('The query took too long. Narrow it with since and until, or try again.'), logged: false };
  }
  // A role that may not log in (28), a database (3D) or a table (42P01) that is not there yet: nothing the client could do.
  const notReady = fault.sqlstate !== null && (/^(28|3D)/.test(fault.sqlstate) || fault.sqlstate === '42P01');
  if (fault.faultClass === 'outage' || notReady) {
    state.failed(fault);
    return { fault: unavailable('The database does not answer.'), logged: false };
  }
  return { fault: problem(500, 'The request failed for a reason that is not in it. The log has it under the request id.'), logged: true };
}

/** 503 with Retry-After. */
export function unavailable(detail: string): Problem {
  return problem(503, detail, { headers: { 'retry-after': String(RETRY_AFTER_S) } });
}

type Validation = NonNullable<FastifyError['validation']>;

function invalid(validation: Validation, knownParameters: readonly string[]): Problem {
  const errors = validation.map(({ keyword, instancePath, params, message }) => {
    if (keyword === 'additionalProperties') {
      const parameter = String(params['additionalProperty']);
      return { parameter, detail: `is not a parameter here. Known: ${knownParameters.join(', ')}.` };
    }
    if (keyword === 'required') return { parameter: String(params['missingProperty']), detail: 'is required.' };
    const allowed = keyword === 'enum' && Array.isArray(params['allowedValues']) ? `: ${params['allowedValues'].join(', ')}` : '';
    return {
      parameter: instancePath.slice(1).replaceAll('~1', '/').replaceAll('~0', '~'),
      detail: `${message ?? 'is invalid'}${allowed}.`,
    };
  });
  return problem(400, errors.map(({ parameter, detail }) => `${parameter.slice(0, 80)} ${detail}`).join(' '), { errors });
}

/** A fault found by a handler, thrown to leave it. */
export class RequestProblem extends Error {
  readonly fault: Problem;

  constructor(fault: Problem) {
    super(fault.detail);
    this.name = 'RequestProblem';
    this.fault = fault;
  }
}
