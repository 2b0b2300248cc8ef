import { type ChildProcess, fork } from 'node:child_process';

/**
 * A process of the load that stays between runs, for warm code is part of a fair load: it does one order after the other and ends with
 * whoever started it.
 */
export class KeptProcess<Order, Result> {
  readonly #child: ChildProcess;

  /** @param file a program that calls `serveOrders`. @throws Error when it does not get ready. */
  static async start<Order, Result>(file: string, limitMs: number): Promise<KeptProcess<Order, Result>> {
    const started = new KeptProcess<Order, Result>(fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    try {
      await started.#message(limitMs);
    } catch (error) {
      started.stop();
      throw error;
    }
    return started;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** One order at a time. @throws Error when it fails, when the process ends first, or when there is no answer for `limitMs`. */
  async do(order: Order, limitMs: number): Promise<Result> {
    const answered = this.#message(limitMs);
    this.#child.send(order as object);
    const { result, failed } = await answered;
    if (result === undefined) throw new Error(`a process of the load failed: ${failed}`);
    return result;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #message(limitMs: number): Promise<Answer<Result>> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(limit);
        child.off('message', said);
        child.off('exit', ended);
        settle();
      };
      const said = (message: unknown): void => done(() => resolve(message as Answer<Result>));
      const ended = (code: number | null): void => done(() => reject(new Error(`a process of the load ended with exit code ${code}`)));
      const limit = setTimeout(() => done(() => reject(new Error(`a process of the load said nothing for ${limitMs / 1000} s`))), limitMs);
      child.on('message', said);
      child.on('exit', ended);
    });
  }
}

interface Answer<Result> {
  readonly result?: Result;
  readonly failed?: string;
}

/** The side of the process: answers each order with what `handle` makes of it, or with why that failed. Its type of orders is the starter's. */
export function serveOrders(handle: (order: never) => Promise<object>): void {
  const answer = async (order: unknown): Promise<void> => {
    try {
      process.send?.({ result: await handle(order as never) });
    } catch (error) {
      process.send?.({ failed: error instanceof Error ? error.message : String(error) });
    }
  };
  process.on('message', (order) => void answer(order));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
}
