import { isInstant } from '@helios/proto/instant';
import { storableProblem } from '@helios/proto/storable';
import { problem, RequestProblem } from './problem.js';

/** What the query parameters of every route have in common: the 400 that names the parameter, and checks that a schema cannot express. */

/** The 400 for one parameter; `detail` goes on after the parameter's name, and says what would be right. */
export function parameterProblem(parameter: string, detail: string): RequestProblem {
  return new RequestProblem(problem(400, `${parameter} ${detail}`, { errors: [{ parameter, detail }] }));
}

/** @throws RequestProblem when `value` could not stand in a text column, or is longer than `maxBytes` of UTF-8. */
export function checkText(parameter: string, value: string | undefined, maxBytes: number): void {
  if (value === undefined) return;
  const fault = storableProblem(value, maxBytes);
  if (fault === null) return;
  throw parameterProblem(
    parameter,
    fault === 'too_long' ? `must be at most ${maxBytes} bytes long.` : 'must be text without NUL or lone surrogates.',
  );
}

/** @throws RequestProblem when `value` is not an instant that a timestamp column takes. */
export function checkInstant(parameter: string, value: string | undefined): void {
  if (value === undefined || isInstant(value)) return;
  throw parameterProblem(parameter, 'must be an RFC 3339 instant such as 2026-01-31T23:59:59Z (write + as %2B).');
}
