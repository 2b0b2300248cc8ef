import { setTimeout as sleep } from 'node:timers/promises';

/** Waiting for the outcomes that are still to come, where nobody can say whether there are any. */

const POLL_MS = 1000;

export interface SettledOptions {
  /** How many outcomes there are now. */
  readonly count: () => Promise<number>;
  readonly expected: number;
  readonly quietMs: number;
  readonly limitMs: number;
  readonly progress: (found: number) => void;
  readonly pollMs?: number;
}

/** Polls until `expected` outcomes are there and no more came, or none has come for `quietMs`, at most `limitMs`. */
export async function settled(options: SettledOptions): Promise<void> {
  const startedMonoMs = performance.now();
  let changedMonoMs = startedMonoMs;
  let before = -1;
  for (;;) {
    const found = await options.count();
    options.progress(found);
    const nowMonoMs = performance.now();
    if (found !== before) changedMonoMs = nowMonoMs;
    // One unchanged read after the last arrival: what comes too late or too often should be seen as well.
    const complete = found >= options.expected && found === before;
    before = found;
    if (complete || nowMonoMs - changedMonoMs >= options.quietMs || nowMonoMs - startedMonoMs >= options.limitMs) return;
    await sleep(options.pollMs ?? POLL_MS);
  }
}
