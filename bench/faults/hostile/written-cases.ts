/**
 * The written hostile cases: JSON files by category, each case with exactly one allowed result, run against an ingest over real sockets.
 * After every case a good request on a fresh connection must be answered 202, and where the case leaves its connection open, one on that.
 * Somebody who knows HTTP and not TypeScript adds a case to a file; engine/test/cases/hostile/README.md says how.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bytesOf, goodBody, type Notation } from './case-bytes.js';
import { type RawAnswer, RawSocket } from './raw-socket.js';

/** What a case does between its bytes. */
export type Step =
  | Notation
  | { readonly pause_ms: number }
  | { readonly await_answer: number }
  | { readonly half_close: true }
  | { readonly reset: true };

export interface WrittenCase {
  readonly name: string;
  /** Request line; `POST /bid HTTP/1.1` unless given. */
  readonly line?: string;
  /** Header lines as they stand, all of them. */
  readonly head?: readonly string[];
  /** Header lines added to Host and the Content-Length of the body. */
  readonly with?: readonly string[];
  /** The good body unless given. */
  readonly body?: Notation;
  /** Everything that is sent, instead of line, head, with and body. */
  readonly raw?: readonly Step[];
  /** The status, the statuses in their order, or `close`: the connection is closed without an answer. */
  readonly answer: number | readonly number[] | 'close';
  /** `code` and `field` of the last answer's problem. */
  readonly code?: string;
  readonly field?: string;
  /** Whether ingest closes after the last answer; 413, 415 and what `close` says do. */
  readonly closes?: boolean;
  /** Requests that reach the broker though nobody gets their 202. */
  readonly stored?: number;
  /** What is otherwise with the HTTP library's builds for Node 22 and newer, which have another parser. */
  readonly newer?: Partial<Pick<WrittenCase, 'answer' | 'code' | 'closes' | 'stored'>>;
}

export interface CaseFile {
  readonly category: string;
  readonly about: string;
  readonly cases: readonly WrittenCase[];
}

export interface WrittenCasesOptions {
  readonly port: number;
  readonly files?: readonly CaseFile[];
  /** Cases that run at once; those that wait for a time limit of the HTTP library take 10 s each. */
  readonly concurrency?: number;
}

export interface WrittenCasesResult {
  readonly cases: number;
  /** Cases that went otherwise, each as a sentence that names file and case. */
  readonly failures: readonly string[];
  /** Answers 202, to the cases and to the good requests after them. */
  readonly accepted: number;
  /** Requests that the broker must hold without a 202: their clients left or were cut off. */
  readonly storedUnanswered: number;
  readonly slowestMs: number;
}

/** The module version (ABI) of Node 22: from it on `uwebsockets@3.0.6` has builds of 2026, before it of 2023. */
const NEWER_PARSER_ABI = 127;
const hasNewerParser = Number(process.versions.modules) >= NEWER_PARSER_ABI;

const folder = fileURLToPath(new URL('../../../../engine/test/cases/hostile/', import.meta.url));
/** The HTTP library closes what says nothing more after 8 to 12 s. */
const ANSWER_LIMIT_MS = 15_000;

/** The case files of engine/test/cases/hostile, with the results that hold for this Node's build of the HTTP library. */
export function readCaseFiles(): CaseFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(folder + name, 'utf8')) as CaseFile)
    .map((file) => ({ ...file, cases: hasNewerParser ? file.cases.map((each) => ({ ...each, ...each.newer })) : file.cases }));
}

/** Runs all cases; resolves with what failed. */
export async function runWrittenCases(options: WrittenCasesOptions): Promise<WrittenCasesResult> {
  const work = (options.files ?? readCaseFiles()).flatMap((file) => file.cases.map((written) => ({ category: file.category, written })));
  const total = { cases: work.length, failures: [] as string[], accepted: 0, storedUnanswered: 0, slowestMs: 0 };
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = work[next++]; item !== undefined; item = work[next++]) {
      const startedMonoMs = performance.now();
      const outcome = await runCase(options.port, item.written);
      total.slowestMs = Math.max(total.slowestMs, performance.now() - startedMonoMs);
      total.accepted += outcome.accepted;
      total.storedUnanswered += item.written.stored ?? 0;
      if (outcome.why !== null) total.failures.push(`${item.category}: ${item.written.name}: ${outcome.why}`);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 64 }, worker));
  return total;
}

interface CaseOutcome {
  /** What went otherwise than written, or null. */
  readonly why: string | null;
  readonly accepted: number;
}

/** Runs one case and the good requests after it. */
export async function runCase(port: number, written: WrittenCase): Promise<CaseOutcome> {
  const connection = await RawSocket.open(port);
  const answers: RawAnswer[] = [];
  try {
    let why = await playCase(connection, written, answers);
    if (why === null && !closesAfter(written)) why = await goodRequest(connection, answers, 'on the same connection');
    const fresh = await RawSocket.open(port);
    const harmed = await goodRequest(fresh, answers, 'on a fresh connection');
    fresh.destroy();
    return { why: why ?? harmed, accepted: answers.filter(({ status }) => status === 202).length };
  } finally {
    connection.destroy();
  }
}

async function playCase(connection: RawSocket, written: WrittenCase, answers: RawAnswer[]): Promise<string | null> {
  if (written.raw === undefined) await connection.send(requestOf(written));
  else await playSteps(connection, written.raw, answers);
  const expected = written.answer === 'close' ? [] : [written.answer].flat();
  for (const [index, status] of expected.entries()) {
    if (answers[index] === undefined) await nextAnswer(connection, answers);
    const answer = answers[index];
    if (answer === undefined) return `nothing where ${status} was due; received ${JSON.stringify(connection.rest.slice(0, 200))}`;
    if (answer.status !== status) return `${answer.status} where ${status} was due: ${answer.body.slice(0, 300)}`;
  }
  const problem = wrongProblem(written, answers.at(-1));
  if (problem !== null || !closesAfter(written)) return problem;
  const end = await connection.next(ANSWER_LIMIT_MS);
  if (end.kind === 'answer') return `an answer ${end.answer.status} where the connection was to be closed`;
  return end.kind === 'closed' ? null : 'the connection stays open';
}

/** Whether the connection is closed once the last answer is there. */
function closesAfter(written: WrittenCase): boolean {
  const last = written.answer === 'close' ? 'close' : [written.answer].flat().at(-1);
  return written.closes ?? (last === 'close' || last === 413 || last === 415);
}

function wrongProblem(written: WrittenCase, answer: RawAnswer | undefined): string | null {
  if (written.code === undefined) return null;
  if (answer?.headers.get('content-type') !== 'application/problem+json') return `no problem+json: ${answer?.body.slice(0, 200)}`;
  const problem = JSON.parse(answer.body) as { code?: string; field?: string };
  if (problem.code !== written.code) return `code ${problem.code} instead of ${written.code}`;
  return written.field === undefined || problem.field === written.field ? null : `field ${problem.field} instead of ${written.field}`;
}

/** Takes the next answer, if one comes. */
async function nextAnswer(connection: RawSocket, answers: RawAnswer[]): Promise<void> {
  const next = await connection.next(ANSWER_LIMIT_MS);
  if (next.kind === 'answer') answers.push(next.answer);
}

/** Bytes that stand side by side go out as one piece: what a piece is decides what the HTTP library makes of it. */
async function playSteps(connection: RawSocket, steps: readonly Step[], answers: RawAnswer[]): Promise<void> {
  let piece: Buffer[] = [];
  const flush = async (): Promise<void> => {
    if (piece.length > 0) await connection.send(Buffer.concat(piece));
    piece = [];
  };
  for (const step of steps) {
    if (isStep(step, 'pause_ms')) {
      await flush();
      await new Promise((resolve) => setTimeout(resolve, (step as { pause_ms: number }).pause_ms));
    } else if (isStep(step, 'await_answer')) {
      await flush();
      await nextAnswer(connection, answers);
    } else if (isStep(step, 'half_close')) {
      await flush();
      connection.socket.end();
    } else if (isStep(step, 'reset')) {
      await flush();
      connection.socket.resetAndDestroy();
    } else {
      piece.push(bytesOf(step));
    }
  }
  await flush();
}

function isStep(step: Step, key: 'pause_ms' | 'await_answer' | 'half_close' | 'reset'): boolean {
  return typeof step === 'object' && key in step;
}

/** The bytes of a case that is one request. */
export function requestOf(written: WrittenCase): Buffer {
  const body = bytesOf(written.body ?? goodBody);
  const head = written.head ?? ['Host: ingest', `Content-Length: ${body.length}`, ...(written.with ?? [])];
  return Buffer.concat([Buffer.from(`${[written.line ?? 'POST /bid HTTP/1.1', ...head].join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

const goodBytes = Buffer.from(`POST /bid HTTP/1.1\r\nHost: ingest\r\nContent-Length: ${goodBody.length}\r\n\r\n${goodBody}`);

async function goodRequest(connection: RawSocket, answers: RawAnswer[], where: string): Promise<string | null> {
  await connection.send(goodBytes);
  const next = await connection.next(ANSWER_LIMIT_MS);
  if (next.kind !== 'answer') return `a good request ${where} afterwards: ${next.kind}`;
  answers.push(next.answer);
  return next.answer.status === 202 ? null : `a good request ${where} afterwards: ${next.answer.status} ${next.answer.body.slice(0, 200)}`;
}
