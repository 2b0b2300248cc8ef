import { connect, type Socket } from 'node:net';

/**
 * Raw kept-alive connections for POST requests that are ready as text, one unanswered request on each (the HTTP library of ingest closes
 * pipelined ones), so that a load costs little of what it loads. Bounded: a request that finds every connection taken is not sent, and
 * whoever sends it decides what that means.
 */
export interface PostConnectionsOptions {
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  /** A request without an answer after this long is given up; its connection is closed. */
  readonly answerTimeoutMs: number;
  /** Which idle connection is next: the one used last, so that few stay open, or the one used longest ago, so that all are in use. */
  readonly take: 'newest' | 'oldest';
  /** Called once for every request sent, when its connection can be used again or is gone; status null: there was no answer. */
  readonly answered: (token: number, status: number | null, body: string) => void;
}

interface Connection {
  readonly socket: Socket;
  /** Token of the request that waits here; -1 for none. */
  waiting: number;
  received: string;
  usedMonoMs: number;
}

const NONE = -1;
const HEAD_END = '\r\n\r\n';
/** Ingest closes idle connections after 10 s; ours go first. */
const IDLE_LIMIT_MS = 4000;
const SWEEP_MS = 250;

export class PostConnections {
  /** Can be changed while it runs; connections above a lowered bound stay until they are idle for too long. */
  connectionsMax: number;
  readonly #options: PostConnectionsOptions;
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();
  readonly #sweep: NodeJS.Timeout;
  #unanswered = 0;

  constructor(options: PostConnectionsOptions) {
    this.#options = options;
    this.connectionsMax = options.connectionsMax;
    this.#sweep = setInterval(() => this.#closeStale(), SWEEP_MS);
  }

  /** Requests sent and neither answered nor given up. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Sends one request, head and body. @param token a whole number from 0. @returns false when every connection is taken: nothing was sent. */
  post(token: number, request: string): boolean {
    const connection = (this.#options.take === 'newest' ? this.#idle.pop() : this.#oldest()) ?? this.#connect();
    if (connection === null) return false;
    connection.waiting = token;
    connection.usedMonoMs = performance.now();
    this.#unanswered++;
    connection.socket.write(request);
    return true;
  }

  /** Closes everything; requests that still wait are answered with null. */
  close(): void {
    clearInterval(this.#sweep);
    for (const connection of this.#open) connection.socket.destroy();
  }

  /** With `oldest` connections are opened up to the bound before one is used twice. */
  #oldest(): Connection | undefined {
    return this.#open.size < this.connectionsMax ? undefined : this.#idle.shift();
  }

  #connect(): Connection | null {
    if (this.#open.size >= this.connectionsMax) return null;
    const socket = connect({ host: this.#options.host, port: this.#options.port, noDelay: true });
    const connection: Connection = { socket, waiting: NONE, received: '', usedMonoMs: performance.now() };
    this.#open.add(connection);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#received(connection, text));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#closed(connection));
    return connection;
  }

  #received(connection: Connection, text: string): void {
    connection.received += text;
    const headEnd = connection.received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = connection.received.slice(0, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const bodyStart = headEnd + HEAD_END.length;
    if (connection.received.length < bodyStart + length) return;
    const body = connection.received.slice(bodyStart);
    connection.received = '';
    connection.usedMonoMs = performance.now();
    const token = this.#take(connection);
    if (token === NONE) throw new Error(`an answer to no request: ${head}`);
    if (/connection: close/i.test(head)) connection.socket.end();
    else this.#idle.push(connection);
    this.#options.answered(token, Number(head.slice(9, 12)), body);
  }

  #closed(connection: Connection): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    const token = this.#take(connection);
    if (token !== NONE) this.#options.answered(token, null, '');
  }

  #take(connection: Connection): number {
    const token = connection.waiting;
    if (token === NONE) return NONE;
    connection.waiting = NONE;
    this.#unanswered--;
    return token;
  }

  #closeStale(): void {
    const nowMonoMs = performance.now();
    for (const connection of this.#open) {
      const limitMs = connection.waiting === NONE ? IDLE_LIMIT_MS : this.#options.answerTimeoutMs;
      if (nowMonoMs - connection.usedMonoMs > limitMs) connection.socket.destroy();
    }
    // Destroyed ones must not be handed out before their 'close' arrives.
    for (let index = this.#idle.length - 1; index >= 0; index--) if (this.#idle[index]?.socket.destroyed) this.#idle.splice(index, 1);
  }
}
