import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadRun, ShareResult, Slice } from './load-run.js';
import type { ShareOrder } from './open-loop-worker.js';

/**
 * An open-loop load: a fixed schedule of requests, spread over processes of its own so that one slow turn of one event loop makes no more
 * than its share late. The processes stay between runs: warm code is part of keeping a schedule.
 */
const WORKER = fileURLToPath(new URL('open-loop-worker.js', import.meta.url));
/** Between the order and the first request: every process has it by then and has made its bodies. */
const LEAD_MS = 300;
/** What a run may take beyond its own time: answers that time out, and a busy machine. */
const GRACE_MS = 30_000;

export class OpenLoopSender {
  readonly #workers: readonly ChildProcess[];

  /** Starts the processes. @param workers from 1. */
  static async start(workers: number): Promise<OpenLoopSender> {
    const children = Array.from({ length: workers }, () => fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    const sender = new OpenLoopSender(children);
    try {
      await Promise.all(children.map((child) => messageOf(child, GRACE_MS)));
    } catch (error) {
      sender.stop();
      throw error;
    }
    return sender;
  }

  private constructor(workers: readonly ChildProcess[]) {
    this.#workers = workers;
  }

  /** One run, to its end. One at a time. @throws Error when a process fails; the run's figures are then not known. */
  async run(run: LoadRun): Promise<Slice> {
    const limitMs = (run.warmupSeconds + run.seconds) * 1000 + run.answerTimeoutMs + GRACE_MS;
    const startSharedMs = Number(process.hrtime.bigint()) / 1e6 + LEAD_MS;
    const shares = await Promise.all(
      this.#workers.map(async (worker, share) => {
        const answered = messageOf(worker, limitMs);
        const order: ShareOrder = { run, share, shareCount: this.#workers.length, startSharedMs };
        worker.send(order);
        const message = await answered;
        if (message.result === undefined) throw new Error(`a process of the load failed: ${message.failed}`);
        return message.result;
      }),
    );
    return { run, shares };
  }

  /** Ends the processes. */
  stop(): void {
    for (const worker of this.#workers) if (worker.connected) worker.disconnect();
  }
}

interface WorkerMessage {
  readonly result?: ShareResult;
  readonly failed?: string;
}

/** The next message of a process. @throws Error when it ends first, or says nothing for `limitMs`. */
function messageOf(child: ChildProcess, limitMs: number): Promise<WorkerMessage> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void): void => {
      clearTimeout(limit);
      child.off('message', said);
      child.off('exit', ended);
      settle();
    };
    const said = (message: unknown): void => done(() => resolve(message as WorkerMessage));
    const ended = (code: number | null): void => done(() => reject(new Error(`a process of the load ended with exit code ${code}`)));
    const limit = setTimeout(() => done(() => reject(new Error(`a process of the load said nothing for ${limitMs / 1000} s`))), limitMs);
    child.on('message', said);
    child.on('exit', ended);
  });
}
