import { merged, valueMs } from './latency-histogram.js';
import type { LoadResult, Slice } from './load-run.js';

/** A load's result for people: figures first, then the distribution as bars. Pure. */

const rows = [50, 75, 90, 95, 99, 99.9, 99.99, 100] as const;
const BAR_MAX = 50;
/** A bar's length is the logarithm of its time, from here on. */
const FLOOR_MS = 0.1;

/** Several lines of text, without the last line's end. */
export function loadText(result: LoadResult, slices: readonly Slice[]): string {
  const { latency, service, schedule } = result;
  const late = (share: number): string => `${(share * 100).toFixed(2)} %`;
  const answers = Object.entries(result.answers).map(([name, count]) => `${count} x ${name}`);
  return [
    `latency from the intended send, N ${latency.n}: p50 ${latency.p50Ms} ms, p95 ${latency.p95Ms} ms, p99 ${latency.p99Ms} ms, p99.9 ${latency.p999Ms} ms, max ${latency.maxMs} ms`,
    `service time from the actual send, N ${service.n}: p50 ${service.p50Ms} ms, p99 ${service.p99Ms} ms, max ${service.maxMs} ms`,
    `answers: ${answers.join(', ') || 'none'}; ${result.wrong === 0 ? 'every 202 was the right one' : `${result.wrong} WRONG, the first: ${result.firstWrong}`}`,
    `schedule: ${schedule.kept ? 'kept' : `NOT KEPT: ${schedule.reason}`}; ${schedule.achievedPerSecond} of ${schedule.intendedPerSecond} requests a second, ` +
      `${late(schedule.lateOver1MsShare)} sent more than 1 ms late, ${late(schedule.lateOver5MsShare)} more than 5 ms, the worst ${schedule.latenessMaxMs} ms` +
      `; ${result.waitedForConnection} waited for a connection`,
    '',
    ...picture(slices),
  ].join('\n');
}

/** One bar a percentile, its length by the logarithm of the time. */
function picture(slices: readonly Slice[]): string[] {
  const histogram = merged(slices.flatMap(({ shares }) => shares.map((share) => share.latency)));
  const times = rows.map((percentile) => valueMs(histogram, percentile));
  const lengthOf = (ms: number): number => Math.log(Math.max(1, ms / FLOOR_MS));
  const longest = Math.max(1e-9, lengthOf(times.at(-1) ?? 0));
  return rows.map((percentile, index) => {
    const ms = times[index] ?? 0;
    const name = percentile === 100 ? 'max' : `p${percentile}`;
    return `${name.padStart(7)} ${ms.toFixed(2).padStart(10)} ms ${'#'.repeat(Math.round((lengthOf(ms) / longest) * BAR_MAX))}`.trimEnd();
  });
}
