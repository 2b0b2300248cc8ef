import type { HttpResponse } from '../../src/ingest/answer.js';
import type { HttpRequest } from '../../src/ingest/exchange.js';

/** One request as uWebSockets.js shows it to ingest, whose connection the test plays. */
export class FakeResponse implements HttpResponse {
  /** Statuses written, in their order. */
  readonly statuses: string[] = [];
  /** Answers that were given up because the client does not read. */
  closed = false;
  /** What the connection still holds of earlier answers makes the next one fail. */
  unread = false;
  #aborted: () => void = () => undefined;
  #data: (chunk: ArrayBuffer, isLast: boolean) => void = () => undefined;

  onAborted(handler: () => void): void {
    this.#aborted = handler;
  }

  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): void {
    this.#data = handler;
  }

  cork(write: () => void): void {
    write();
  }

  writeStatus(status: string): void {
    this.statuses.push(status);
  }

  writeHeader(): void {}

  end(): void {}

  tryEnd(): [boolean, boolean] {
    return this.unread ? [false, false] : [true, true];
  }

  /** As uWebSockets.js does, it tells the abort handler. */
  close(): void {
    this.closed = true;
    this.#aborted();
  }

  /** The client sends its body in one piece. */
  sends(body: string): void {
    const bytes = new TextEncoder().encode(body);
    this.#data(bytes.buffer, true);
  }

  /** The client leaves. */
  leaves(): void {
    this.#aborted();
  }
}

/** A head with these lines; names in lower case. */
export function fakeRequest(lines: readonly (readonly [name: string, value: string])[] = []): HttpRequest {
  return {
    getHeader: (name) => lines.find(([candidate]) => candidate === name)?.[1] ?? '',
    forEach: (look) => lines.forEach(([name, value]) => look(name, value)),
  };
}
