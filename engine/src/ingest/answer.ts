import { contentTypes, type Problem } from './problem.js';

/** How answers are written to uWebSockets.js. */

/** What an exchange needs of uWebSockets.js' response. */
export interface HttpResponse {
  onAborted(handler: () => void): unknown;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): unknown;
  cork(write: () => void): unknown;
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  end(body?: string | Uint8Array, closeConnection?: boolean): unknown;
  tryEnd(body: string | Uint8Array, totalBytes: number): [ok: boolean, done: boolean];
  close(): unknown;
}

/** Writes a whole 202, inside a cork. Returns false when the client does not read its answers: the connection is to be closed. */
export function writeAccepted(response: HttpResponse, body: string, closes: boolean): boolean {
  response.writeStatus('202 Accepted');
  response.writeHeader('Content-Type', contentTypes.json);
  return endIfRead(response, body, closes);
}

/** Writes a whole problem answer, inside a cork. Returns false when the client does not read its answers: the connection is to be closed. */
export function writeProblem(response: HttpResponse, problem: Problem, bodiless: boolean): boolean {
  response.writeStatus(problem.status);
  response.writeHeader('Content-Type', contentTypes.problem);
  if (problem.header !== null) response.writeHeader(problem.header[0], problem.header[1]);
  // An empty end also serves HEAD: this uWebSockets.js takes an `endWithoutBody` that keeps the connection for no answer at all. It closes,
  // because an answer without a body cannot tell whether the ones before it were read.
  return bodiless ? endIfRead(response, '', true) : endIfRead(response, problem.body, problem.closes);
}

/**
 * Ends an answer, unless earlier ones still wait for a client that does not read. uWebSockets.js keeps what a client does not read without
 * a bound: 40 connections that sent invalid requests and read nothing took 270 MB in 15 s.
 */
function endIfRead(response: HttpResponse, body: string, closes: boolean): boolean {
  const length = Buffer.byteLength(body);
  // uWebSockets.js' builds for Node 22 and newer write a string of Latin-1 characters in Latin-1: what is not ASCII goes as bytes.
  const content = length === body.length ? body : Buffer.from(body);
  if (closes) {
    response.end(content, true);
    return true;
  }
  const [ok, done] = response.tryEnd(content, length);
  return ok || done;
}
