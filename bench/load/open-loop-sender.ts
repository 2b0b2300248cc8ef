import { fileURLToPath } from 'node:url';
import { KeptProcess } from '../kept-process.js';
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

type Worker = KeptProcess<ShareOrder, ShareResult>;

export class OpenLoopSender {
  readonly #workers: readonly Worker[];

  /** Starts the processes. @param workers from 1. */
  static async start(workers: number): Promise<OpenLoopSender> {
    const starting = Array.from({ length: workers }, () => KeptProcess.start<ShareOrder, ShareResult>(WORKER, GRACE_MS));
    try {
      return new OpenLoopSender(await Promise.all(starting));
    } catch (error) {
      for (const each of await Promise.allSettled(starting)) if (each.status === 'fulfilled') each.value.stop();
      throw error;
    }
  }

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  /** One run, to its end. One at a time. @throws Error when a process fails; the run's figures are then not known. */
  async run(run: LoadRun): Promise<Slice> {
    const limitMs = (run.warmupSeconds + run.seconds) * 1000 + run.answerTimeoutMs + GRACE_MS;
    const startSharedMs = Number(process.hrtime.bigint()) / 1e6 + LEAD_MS;
    const shareCount = this.#workers.length;
    const shares = await Promise.all(this.#workers.map((worker, share) => worker.do({ run, share, shareCount, startSharedMs }, limitMs)));
    return { run, shares };
  }

  /** Ends the processes. */
  stop(): void {
    for (const worker of this.#workers) worker.stop();
  }
}
