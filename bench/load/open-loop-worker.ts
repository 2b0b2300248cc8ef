import type { LoadRun } from './load-run.js';
import { sendShare } from './open-loop-share.js';

/** A process of the open-loop sender: does runs as the sender asks for them, one after the other, and ends with it. */

/** What the sender asks for. `startSharedMs` is on the clock that the processes of a machine share. */
export interface ShareOrder {
  readonly run: LoadRun;
  readonly share: number;
  readonly shareCount: number;
  readonly startSharedMs: number;
}

process.on('message', (order: ShareOrder) => void answer(order));
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });

async function answer({ run, share, shareCount, startSharedMs }: ShareOrder): Promise<void> {
  const startMonoMs = startSharedMs - sharedClockMs() + performance.now();
  try {
    process.send?.({ result: await sendShare(run, { share, shareCount, startMonoMs }) });
  } catch (error) {
    process.send?.({ failed: error instanceof Error ? error.message : String(error) });
  }
}

/** Milliseconds of the monotonic clock, which unlike `performance.now()` starts at the same moment in every process. */
function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
