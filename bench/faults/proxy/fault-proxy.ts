import { Worker } from 'node:worker_threads';
import type { Fault } from './fault.js';
import type { ProxyStats } from './proxy.js';
import type { ProxyAnswer, ProxyCommand, ProxyRequest, ProxyValue } from './proxy-messages.js';

export type { Direction, Fault } from './fault.js';
export type { ProxyStats } from './proxy.js';

interface Waiting {
  resolve(value: ProxyValue): void;
  reject(error: Error): void;
}

/**
 * TCP proxies with faults on request, between clients and real servers; all of them in one worker thread, so that their traffic and the
 * caller's event loop do not disturb each other. Every call rejects when the proxy is not open, and when the thread has ended.
 */
export class FaultProxies {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #lastNumber = 0;
  #closing = false;
  /** Why no call can be answered any more. */
  #over: Error | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: ProxyAnswer) => this.#answered(answer));
    worker.on('error', (error: Error) => this.#fail(new Error("the proxies' thread failed", { cause: error })));
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#fail(new Error('the proxies are closed'));
        resolve();
      });
    });
  }

  static start(): Promise<FaultProxies> {
    const worker = new Worker(new URL('./proxy-thread.js', import.meta.url), { execArgv: [], name: 'fault-proxies' });
    const proxies = new FaultProxies(worker);
    return new Promise((resolve, reject) => {
      worker.once('online', () => resolve(proxies));
      worker.once('error', reject);
    });
  }

  /**
   * Opens a healthy proxy on 127.0.0.1 to a server's port there (which need not listen yet) and returns the port it listens on; 0 takes a
   * free one. Rejects when the name or the port is taken. A port below the ephemeral range cannot be lent out during `refuse`.
   */
  async open(name: string, upstreamPort: number, listenPort = 0): Promise<number> {
    return (await this.#ask({ command: 'open', name, upstreamPort, listenPort })) as number;
  }

  /**
   * Puts a fault in the place of health or of another fault; in force for existing and new connections when it resolves. What the fault
   * before held back goes on under the new one. Rejects with the field's name when a number of it is out of bounds.
   */
  async set(name: string, fault: Fault): Promise<void> {
    await this.#ask({ command: 'set', name, fault });
  }

  /** Ends the fault: what it held back is delivered, or its connections are reset (see `onHeal`). A healthy proxy stays as it is. */
  async heal(name: string): Promise<void> {
    await this.#ask({ command: 'heal', name });
  }

  /** The server moved: new connections go to this port. */
  async upstream(name: string, port: number): Promise<void> {
    await this.#ask({ command: 'upstream', name, port });
  }

  async stats(name: string): Promise<ProxyStats> {
    return (await this.#ask({ command: 'stats', name })) as ProxyStats;
  }

  /** Resets what is open, closes every proxy and ends the thread. A second call waits for the first. */
  async close(): Promise<void> {
    if (this.#over === null && !this.#closing) {
      this.#closing = true;
      await this.#ask({ command: 'close' });
    }
    await this.#ended;
  }

  #ask(what: ProxyCommand): Promise<ProxyValue> {
    if (this.#over !== null) return Promise.reject(this.#over);
    const request: ProxyRequest = { number: ++this.#lastNumber, what };
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.number, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a window's rule: a worker thread has no origin
      this.#worker.postMessage(request);
    });
  }

  #answered(answer: ProxyAnswer): void {
    const waiting = this.#waiting.get(answer.number);
    this.#waiting.delete(answer.number);
    if ('failed' in answer) waiting?.reject(Object.assign(new Error(answer.failed), { code: answer.code }));
    else waiting?.resolve(answer.value);
  }

  #fail(reason: Error): void {
    this.#over ??= reason;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#over);
    this.#waiting.clear();
  }
}
