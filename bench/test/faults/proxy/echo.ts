import { createHash } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A plain TCP server that sends back what it gets and ends when its client does, and clients that remember what happened to them. */

const LIMIT_MS = 15_000;

export class EchoServer {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  accepted = 0;
  receivedBytes = 0;
  /** Connections that ended by a reset. */
  resets = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket) => this.#echo(socket));
  }

  static start(): Promise<EchoServer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(new EchoServer(server, (server.address() as { port: number }).port)));
    });
  }

  /** Says something on every connection, unasked. */
  say(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  get open(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #echo(socket: Socket): void {
    this.accepted++;
    this.#sockets.add(socket);
    socket.on('data', (bytes) => (this.receivedBytes += bytes.length));
    socket.on('error', () => this.resets++);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.pipe(socket);
  }
}

export class Client {
  readonly socket: Socket;
  readonly #digest = createHash('sha256');
  readonly #keep: boolean;
  readonly #chunks: Buffer[] = [];
  connected = false;
  receivedBytes = 0;
  ended = false;
  closed = false;
  /** Code of the error that ended the connection. */
  failure: string | null = null;

  /** Connects at once; `keep` false: only counts and digests what it gets. */
  constructor(port: number, options: { keep?: boolean } = {}) {
    this.#keep = options.keep ?? true;
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket.on('connect', () => (this.connected = true));
    this.socket.on('data', (bytes) => {
      this.receivedBytes += bytes.length;
      this.#digest.update(bytes);
      if (this.#keep) this.#chunks.push(bytes);
    });
    this.socket.on('end', () => (this.ended = true));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.failure = error.code ?? error.message));
    this.socket.on('close', () => (this.closed = true));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get sha256(): string {
    return this.#digest.copy().digest('hex');
  }
}

/** Waits for something that other sockets or threads bring about; the limit only turns a hang into a failure. */
export async function until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
  const limitMonoMs = performance.now() + LIMIT_MS;
  while (!(await reached())) {
    if (performance.now() > limitMonoMs) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}
