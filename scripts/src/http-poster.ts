import { Agent, request } from 'node:http';

/** What came back for one posted body; `status` null: no answer, and `problem` says why. */
export interface Answer {
  readonly status: number | null;
  readonly text: string;
  readonly problem: string | null;
}

/** Ingest closes idle connections after 10 s; ours go first, so that no request meets a connection that is being closed. */
const IDLE_LIMIT_MS = 4000;
const ANSWER_MAX_BYTES = 65_536;

/** Posts bodies over at most `maxConnections` kept-alive connections. */
export class HttpPoster {
  readonly #agent: Agent;
  readonly #url: URL;
  readonly #timeoutMs: number;

  constructor(url: string, maxConnections: number, timeoutMs = 15_000) {
    this.#url = new URL(url);
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: maxConnections,
      maxFreeSockets: maxConnections,
      timeout: IDLE_LIMIT_MS,
      scheduling: 'lifo',
    });
  }

  /** Posts one body; never rejects. A connection that closed before it took the request is tried again: posting an id twice is safe. */
  async post(body: string): Promise<Answer> {
    const first = await this.#once(body);
    return first.stale ? this.#once(body) : first;
  }

  close(): void {
    this.#agent.destroy();
  }

  #once(body: string): Promise<Answer & { stale: boolean }> {
    return new Promise((resolve) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (text.length < ANSWER_MAX_BYTES) text += chunk;
        });
        response.on('end', () => done({ status: response.statusCode ?? null, text, problem: null, stale: false }));
        response.on('error', (error) => done({ status: null, text: '', problem: error.message, stale: false }));
      });
      const limit = setTimeout(() => sent.destroy(new Error(`no answer within ${this.#timeoutMs / 1000} s`)), this.#timeoutMs);
      const done = (answer: Answer & { stale: boolean }) => {
        clearTimeout(limit);
        resolve(answer);
      };
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const stale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        done({ status: null, text: '', problem: error.code ?? error.message, stale });
      });
      sent.end(body);
    });
  }
}
