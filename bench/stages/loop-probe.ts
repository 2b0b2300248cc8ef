import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded into a process under measurement (`node --import`): notes every turn of its event loop that took long, and writes them to
 * `BENCH_LOOP_PROBE_FILE` at its end. It keeps the loop turning, so that a turn's length is the work of others in it; the process takes a
 * whole core while it is probed, and figures of CPU mean nothing.
 */

/** Turns shorter than this are nobody's trouble. */
const NOTED_MIN_MS = 0.1;
const NOTED_MAX = 2_000_000;

const file = process.env['BENCH_LOOP_PROBE_FILE'];
if (isMainThread && file !== undefined) probe(file);

function probe(path: string): void {
  // Start and end of each: the system's monotonic clock, which all processes share.
  const turns = new Float64Array(2 * NOTED_MAX);
  let noted = 0;
  let lastMs = monotonicMs();
  let ending = false;
  process.once('SIGTERM', () => {
    ending = true;
  });
  const turn = (): void => {
    const nowMs = monotonicMs();
    if (nowMs - lastMs >= NOTED_MIN_MS && noted < NOTED_MAX) {
      turns[2 * noted] = lastMs;
      turns[2 * noted + 1] = nowMs;
      noted++;
    }
    lastMs = nowMs;
    const next = setImmediate(turn);
    // One that the loop need not wait for lets it sleep until the next timer, and the sleep would pass for a turn.
    if (ending) next.unref();
  };
  turn();
  process.once('exit', () => writeFileSync(path, new Uint8Array(turns.buffer, 0, noted * 2 * Float64Array.BYTES_PER_ELEMENT)));
}

/** Milliseconds of the system's monotonic clock. */
function monotonicMs(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e3 + nanos / 1e6;
}
