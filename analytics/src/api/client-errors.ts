import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { problem, type Problem, PROBLEM_TYPE, problemBody } from './problem.js';

/** What never becomes a request, or never reaches a route. */

/** What is not HTTP, comes too slowly, or has too large a head: Fastify has no request to answer, so the socket is written to. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const fault = clientProblem(error.code);
  const requestId = randomUUID();
  const body = problemBody(fault, requestId, '');
  socket.end(
    `HTTP/1.1 ${fault.status} ${fault.title}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function clientProblem(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return problem(431, 'The head of the request is too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem(408, 'The request did not arrive in time.');
  return problem(400, 'This is not a valid HTTP request.');
}

/** A path that cannot be read never reaches a route. An id longer than any bid_id is not there; the rest is no valid percent-encoding. */
export function pathProblem(code: string): Problem {
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return problem(404, 'There is no outcome with this bid_id.');
  return problem(400, 'The path is not valid percent-encoded text.');
}
