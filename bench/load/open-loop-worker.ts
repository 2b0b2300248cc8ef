import { serveOrders } from '../kept-process.js';
import type { LoadRun, ShareResult } from './load-run.js';
import { sendShare } from './open-loop-share.js';

/** A process of the open-loop sender. */

/** What the sender asks for. `startSharedMs` is on the clock that the processes of a machine share. */
export interface ShareOrder {
  readonly run: LoadRun;
  readonly share: number;
  readonly shareCount: number;
  readonly startSharedMs: number;
}

serveOrders(({ run, share, shareCount, startSharedMs }: ShareOrder): Promise<ShareResult> => {
  const startMonoMs = startSharedMs - sharedClockMs() + performance.now();
  return sendShare(run, { share, shareCount, startMonoMs });
});

/** Milliseconds of the monotonic clock, which unlike `performance.now()` starts at the same moment in every process. */
function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
