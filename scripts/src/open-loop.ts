import { setTimeout as sleep } from 'node:timers/promises';

export interface OpenLoopOptions<T> {
  readonly items: AsyncIterable<T> | Iterable<T>;
  readonly perSecond: number;
  /** Bound of unanswered items; at the bound the schedule waits. */
  readonly maxInFlight: number;
  /** Handles one item; must not reject. */
  readonly send: (item: T, index: number) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** How much of the schedule was kept. */
export interface OpenLoopResult {
  readonly sent: number;
  readonly elapsedMs: number;
  /** Items that left more than 100 ms after their time, because too many were unanswered or this process was too slow. */
  readonly late: number;
}

const LATE_MS = 100;

/**
 * Sends items on a fixed schedule, item n at n / `perSecond` seconds, whether earlier ones are answered or not, and resolves when all are
 * answered. An abort ends the sending and still waits for what is unanswered.
 */
export async function sendOpenLoop<T>(options: OpenLoopOptions<T>): Promise<OpenLoopResult> {
  const { perSecond, maxInFlight, signal } = options;
  const startedMonoMs = performance.now();
  const inFlight = new Set<Promise<void>>();
  let sent = 0;
  let late = 0;
  for await (const item of options.items) {
    const dueMonoMs = startedMonoMs + (sent * 1000) / perSecond;
    const waitMs = dueMonoMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    else if (sent % 64 === 0) await sleep(0); // behind schedule: answers still need their turn
    if (signal?.aborted === true) break;
    while (inFlight.size >= maxInFlight) await Promise.race(inFlight);
    if (performance.now() - dueMonoMs > LATE_MS) late++;
    const answered: Promise<void> = options.send(item, sent++).finally(() => inFlight.delete(answered));
    inFlight.add(answered);
  }
  await Promise.all(inFlight);
  return { sent, elapsedMs: performance.now() - startedMonoMs, late };
}
