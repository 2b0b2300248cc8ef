import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** One TCP connection that sends bytes as they stand and reads HTTP answers with a Content-Length, one after the other. */
export class RawConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => undefined;

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#wake();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
    // A reset shows as a close; what had been received before it counts.
    socket.on('error', () => undefined);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes received that no answer has taken yet. */
  get pendingBytes(): number {
    return this.#received.length;
  }

  send(data: string | Buffer): void {
    this.#socket.write(data);
  }

  /** Resolves when the kernel took all that was sent, or the connection is gone. */
  async flushed(): Promise<void> {
    if (this.#socket.writableLength > 0) await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')]);
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  end(): void {
    this.#socket.destroy();
  }

  async answer(): Promise<RawAnswer> {
    for (;;) {
      const answer = this.#take();
      if (answer !== null) return answer;
      if (this.#closed) throw new Error(`the connection closed before an answer; received ${JSON.stringify(this.#received.toString())}`);
      await this.#change();
    }
  }

  async whenClosed(): Promise<void> {
    while (!this.#closed) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #take(): RawAnswer | null {
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return null;
    const [statusLine = '', ...lines] = this.#received.subarray(0, headEnd).toString('latin1').split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const bodyEnd = headEnd + 4 + Number(headers.get('content-length') ?? 0);
    if (this.#received.length < bodyEnd) return null;
    const body = this.#received.subarray(headEnd + 4, bodyEnd).toString();
    this.#received = this.#received.subarray(bodyEnd);
    return { status: Number(statusLine.split(' ')[1]), headers, body };
  }
}

/** The bytes of a request; a Content-Length is added unless `headers` says how long the body is. */
export function rawRequest(
  body: string | Buffer,
  options: { method?: string; path?: string; headers?: Record<string, string> } = {},
): Buffer {
  const headers: Record<string, string> = { Host: 'ingest', 'Content-Length': String(Buffer.byteLength(body)), ...options.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${options.method ?? 'POST'} ${options.path ?? '/bid'} HTTP/1.1\r\n${lines.join('')}\r\n`),
    Buffer.from(body),
  ]);
}
