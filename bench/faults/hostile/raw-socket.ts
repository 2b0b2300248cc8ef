import { connect, type Socket } from 'node:net';

/** One HTTP answer as it came. `body` of an answer that closes is all that came before the close. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** How a wait for the next thing on a connection ended. */
export type Next = { readonly kind: 'answer'; readonly answer: RawAnswer } | { readonly kind: 'closed' } | { readonly kind: 'silent' };

/** One TCP connection to loopback that sends bytes as they stand and takes HTTP answers apart, one after the other. */
export class RawSocket {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => undefined;

  /** Connects. @throws the system's error when nobody listens. */
  static open(port: number): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawSocket(socket));
      });
    });
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data) => {
      this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
      this.#wake();
    });
    const closed = () => {
      this.#closed = true;
      this.#wake();
    };
    socket.on('end', closed);
    socket.on('close', closed);
    // A reset shows as a close; what had been received before it counts.
    socket.on('error', closed);
  }

  /** Bytes that came and belong to no answer taken so far. */
  get rest(): string {
    return this.#received.toString('latin1');
  }

  /** Sends, and resolves when the kernel has taken it or the connection is gone. */
  send(bytes: Buffer): Promise<void> {
    if (this.#closed || this.socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** The next whole answer, the close, or `silent` after `limitMs`. */
  async next(limitMs: number): Promise<Next> {
    const deadlineMonoMs = performance.now() + limitMs;
    for (;;) {
      const answer = this.#take();
      if (answer !== null) return { kind: 'answer', answer };
      if (this.#closed) return { kind: 'closed' };
      const leftMs = deadlineMonoMs - performance.now();
      if (leftMs <= 0) return { kind: 'silent' };
      await this.#change(leftMs);
    }
  }

  /** Whether the server closes within `limitMs`. */
  async closes(limitMs: number): Promise<boolean> {
    const deadlineMonoMs = performance.now() + limitMs;
    while (!this.#closed && performance.now() < deadlineMonoMs) await this.#change(deadlineMonoMs - performance.now());
    return this.#closed;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #change(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #take(): RawAnswer | null {
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return null;
    const [statusLine = '', ...lines] = this.#received.toString('latin1', 0, headEnd).split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
    const length = headers.get('content-length');
    // Answers of the HTTP library itself say no length: they last until the close. 100 Continue has no body.
    if (length === undefined && status !== 100 && !this.#closed) return null;
    const bodyEnd = status === 100 ? headEnd + 4 : length === undefined ? this.#received.length : headEnd + 4 + Number(length);
    if (this.#received.length < bodyEnd) return null;
    const body = this.#received.toString('utf8', headEnd + 4, bodyEnd);
    this.#received = this.#received.subarray(bodyEnd);
    return { status, headers, body };
  }
}
