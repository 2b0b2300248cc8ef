import { connect, type Socket } from 'node:net';
import type { PostedRequest } from '@helios/scripts/accounting/identity';
import { SeededRandom } from '@helios/scripts/random';
import { FuzzBodies, type FuzzedBody } from './fuzz-bodies.js';
import { type VitalsReport, VitalsWatch } from './service-vitals.js';

/**
 * The mutation fuzzer: posts a number of bodies made from a seed over kept-alive connections, each as soon as the answer before it is there,
 * and compares every answer with the one that the body must get.
 */

export interface FuzzOptions {
  readonly port: number;
  readonly adminPort: number;
  /** The same seed and count make the same bodies. */
  readonly seed: number;
  /** Bodies. */
  readonly count: number;
  /** Of the ids of all bodies that are accepted; fresh per run. */
  readonly prefix: string;
  readonly connections?: number;
  /** Told of every body that was answered 202, and of every valid one that got no answer or a 5xx: what an account needs. */
  readonly posted?: (request: PostedRequest) => void;
}

export interface FuzzResult extends VitalsReport {
  readonly bodies: number;
  readonly seconds: number;
  readonly bodiesPerSecond: number;
  /** By status; `none` counts connections that closed before an answer. */
  readonly answers: Readonly<Record<string, number>>;
  /** Answers that are not the one expected, resets and hangs: how many, and the first ones with their bodies in base64. */
  readonly wrong: number;
  readonly examples: readonly string[];
  readonly slowestAnswerMs: number;
}

/** An answer later than this is a hang: the ack timeout is 2 s. */
const HANG_MS = 10_000;
const EXAMPLES_MAX = 20;
/** Bodies before memory is first read: pools and the heap are at their size then. */
const WARM_UP_MAX = 20_000;
const HEAD_END = Buffer.from('\r\n\r\n');

/** Runs it; resolves when every body has its answer. */
export function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  return new Fuzzer(options).run();
}

interface Line {
  socket: Socket;
  waiting: FuzzedBody | null;
  sentMonoMs: number;
  received: Buffer | null;
  number: number;
}

class Fuzzer {
  readonly #options: FuzzOptions;
  readonly #bodies: FuzzBodies;
  readonly #lines = new Set<Line>();
  readonly #answers: Record<string, number> = {};
  readonly #examples: string[] = [];
  #sent = 0;
  #target = 0;
  #wrong = 0;
  #slowestMs = 0;
  #idle: () => void = () => undefined;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#bodies = new FuzzBodies(new SeededRandom(options.seed), options.prefix);
  }

  async run(): Promise<FuzzResult> {
    const { count, adminPort } = this.#options;
    const hangs = setInterval(() => this.#dropHangs(), 1000);
    const startedMonoMs = performance.now();
    await this.#until(Math.min(WARM_UP_MAX, Math.floor(count / 5)));
    const watch = await VitalsWatch.start(adminPort);
    await this.#until(count);
    const seconds = (performance.now() - startedMonoMs) / 1000;
    clearInterval(hangs);
    for (const line of this.#lines) line.socket.destroy();
    const vitals = await watch.end();
    return {
      ...vitals,
      bodies: this.#sent,
      seconds,
      bodiesPerSecond: Math.round(this.#sent / seconds),
      answers: this.#answers,
      wrong: this.#wrong,
      examples: this.#examples,
      slowestAnswerMs: this.#slowestMs,
    };
  }

  /** Sends until `target` bodies are sent and answered. */
  #until(target: number): Promise<void> {
    this.#target = target;
    return new Promise((resolve) => {
      this.#idle = resolve;
      while (this.#lines.size < (this.#options.connections ?? 64)) this.#connect();
      for (const line of this.#lines) if (line.waiting === null && !line.socket.connecting) this.#send(line);
      this.#checkIdle();
    });
  }

  #connect(): void {
    const socket = connect({ host: '127.0.0.1', port: this.#options.port, noDelay: true });
    const line: Line = { socket, waiting: null, sentMonoMs: 0, received: null, number: 0 };
    this.#lines.add(line);
    socket.on('connect', () => this.#send(line));
    socket.on('data', (data) => this.#receive(line, data));
    // A reset is told of by the close that follows it.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed(line));
  }

  #send(line: Line): void {
    if (this.#sent >= this.#target) return this.#checkIdle();
    this.#sent++;
    const body = this.#bodies.next();
    line.waiting = body;
    line.sentMonoMs = performance.now();
    const bytes = requestBytes(body);
    if (body.framing !== 'pieces') {
      line.socket.write(bytes);
      return;
    }
    const cut = bytes.length - (body.bytes.length >> 1);
    line.socket.write(bytes.subarray(0, cut));
    setImmediate(() => line.socket.write(bytes.subarray(cut)));
  }

  #receive(line: Line, data: Buffer): void {
    const received = line.received === null ? data : Buffer.concat([line.received, data]);
    const headEnd = received.indexOf(HEAD_END);
    const head = headEnd === -1 ? '' : received.toString('latin1', 0, headEnd);
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    // An answer without a length lasts until the close, where it is looked at.
    const end = length === undefined ? Number.POSITIVE_INFINITY : headEnd + 4 + Number(length);
    line.received = received.length < end ? received : null;
    if (line.received !== null) return;
    this.#answered(line, Number(head.slice(9, 12)), received.toString('utf8', headEnd + 4, end));
    if (/connection: close/i.test(head)) line.socket.end();
    else this.#send(line);
  }

  #answered(line: Line, status: number, text: string): void {
    const body = line.waiting;
    if (body === null) return this.#note(`an answer ${status} that nobody asked for`);
    line.waiting = null;
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - line.sentMonoMs);
    this.#answers[status] = (this.#answers[status] ?? 0) + 1;
    if (status === 202 || (status >= 500 && body.expected === 202)) this.#posted(body, status);
    if (status !== body.expected) this.#note(`${status} where ${body.expected} was due: ${text.slice(0, 200)}`, body);
    else if (status === 202 && text !== `{"status":"accepted","id":${JSON.stringify(body.id)}}`)
      this.#note(`a 202 for something else: ${text}`, body);
  }

  #closed(line: Line): void {
    this.#lines.delete(line);
    const body = line.waiting;
    if (body !== null) {
      const received = line.received?.toString('latin1') ?? '';
      this.#answers['none'] = (this.#answers['none'] ?? 0) + 1;
      if (body.expected === 202) this.#posted(body, null);
      this.#note(`closed without an answer after ${Math.round(performance.now() - line.sentMonoMs)} ms: ${received.slice(0, 100)}`, body);
    }
    if (this.#sent < this.#target) this.#connect();
    else this.#checkIdle();
  }

  #posted(body: FuzzedBody, status: number | null): void {
    this.#options.posted?.({ id: body.id, status, slots: body.slots });
  }

  #note(why: string, body?: FuzzedBody): void {
    this.#wrong++;
    if (this.#examples.length >= EXAMPLES_MAX) return;
    const sent = body === undefined ? '' : `; ${body.encoding} ${body.framing} ${body.bytes.subarray(0, 2000).toString('base64')}`;
    this.#examples.push(why + sent);
  }

  #dropHangs(): void {
    const nowMonoMs = performance.now();
    for (const line of this.#lines) if (line.waiting !== null && nowMonoMs - line.sentMonoMs > HANG_MS) line.socket.destroy();
  }

  #checkIdle(): void {
    if (this.#sent < this.#target) return;
    for (const line of this.#lines) if (line.waiting !== null) return;
    this.#idle();
  }
}

/** The whole request. */
export function requestBytes({ bytes, encoding, framing }: FuzzedBody): Buffer {
  const coding = encoding === 'none' ? '' : `Content-Encoding: ${encoding}\r\n`;
  if (framing !== 'chunked') {
    return Buffer.concat([Buffer.from(`POST /bid HTTP/1.1\r\nHost: ingest\r\n${coding}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
  }
  const half = bytes.length >> 1;
  const chunks = [bytes.subarray(0, half), bytes.subarray(half)].filter((chunk) => chunk.length > 0);
  const parts = chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
  return Buffer.concat([
    Buffer.from(`POST /bid HTTP/1.1\r\nHost: ingest\r\n${coding}Transfer-Encoding: chunked\r\n\r\n`),
    ...parts,
    Buffer.from('0\r\n\r\n'),
  ]);
}
