import { checkInstant, parameterProblem } from './parameters.js';
import { problem, RequestProblem } from './problem.js';
import type { ZoneClock } from './zone-clock.js';

/**
 * From what a request for statistics asks to what is summed: the range aligned to the grain of what can answer it, and the bins of a time
 * series. Without a filter there are minutes; with one filter, hours of its dimension; everything else needs the rows themselves, and
 * those are read over a few hours only. Pure.
 */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
export const RANGE_MAX_DAYS = 400;
export const ROWS_MAX_HOURS = 6;
export const POINTS_MAX = 2000;

/** What is summed. */
export type Grain = 'minute' | 'hour' | 'row';
/** The range [sinceUnixMs, untilUnixMs). */
export interface TimeRange {
  readonly sinceUnixMs: number;
  readonly untilUnixMs: number;
}

export const intervals = ['1m', '5m', '1h', '1d'] as const;
export type Interval = (typeof intervals)[number];
const widthMs: Readonly<Record<Interval, number>> = { '1m': MINUTE_MS, '5m': 5 * MINUTE_MS, '1h': HOUR_MS, '1d': DAY_MS };

const YEAR_MIN = 1970;
/** Days of every zone and the previous period still have four digits in their year. */
const YEAR_MAX = 9900;

/**
 * Reads the bounds of a range; `until` is rounded up to the millisecond.
 * @throws RequestProblem when one is no instant, or they make no range of at most `RANGE_MAX_DAYS`.
 */
export function readRange(since: string, until: string): TimeRange {
  const range = { sinceUnixMs: instantOf('since', since), untilUnixMs: instantOf('until', until) + (finerThanMs(until) ? 1 : 0) };
  if (range.sinceUnixMs >= range.untilUnixMs) throw parameterProblem('since', 'must be before until.');
  if (range.untilUnixMs - range.sinceUnixMs > RANGE_MAX_DAYS * DAY_MS)
    throw parameterProblem('since', `must be at most ${RANGE_MAX_DAYS} days before until.`);
  return range;
}

/** The range widened to full units of `unitMs`, counted in UTC. */
export function aligned(range: TimeRange, unitMs: number): TimeRange {
  return {
    sinceUnixMs: Math.floor(range.sinceUnixMs / unitMs) * unitMs,
    untilUnixMs: Math.ceil(range.untilUnixMs / unitMs) * unitMs,
  };
}

/** The period of the same length just before. */
export function previous(range: TimeRange): TimeRange {
  return { sinceUnixMs: range.sinceUnixMs - (range.untilUnixMs - range.sinceUnixMs), untilUnixMs: range.sinceUnixMs };
}

export interface RangePlan {
  readonly grain: Grain;
  /** Aligned to the grain; rows take it as it is. */
  readonly range: TimeRange;
}

/**
 * What a summary sums.
 * @throws RequestProblem when it would read rows of too long a range.
 */
export function planSummary(range: TimeRange, filters: number): RangePlan {
  if (filters === 0) return { grain: 'minute', range: aligned(range, MINUTE_MS) };
  if (filters === 1) return { grain: 'hour', range: aligned(range, HOUR_MS) };
  return rowsPlan(range, 'Two or more filters need the outcomes themselves', 'use one filter');
}

/**
 * What a breakdown sums; `others` counts the filters by another dimension than the one it breaks down by.
 * @throws RequestProblem when it would read rows of too long a range.
 */
export function planBreakdown(range: TimeRange, others: number): RangePlan {
  if (others === 0) return { grain: 'hour', range: aligned(range, HOUR_MS) };
  return rowsPlan(range, 'A breakdown with a filter by another dimension needs the outcomes themselves', 'leave out the filter');
}

export interface SeriesPlan extends RangePlan {
  readonly interval: Interval;
  /** Where each bin begins, Unix milliseconds, ascending; the last ends at the end of the range. */
  readonly starts: readonly number[];
}

/**
 * What a time series sums, and its bins. Hours and days are those of the zone; with a filter hours are those of UTC, which differ only
 * in zones whose offset is not whole hours.
 * @throws RequestProblem when there would be too many points, or it would read rows of too long a range.
 */
export function planSeries(range: TimeRange, asked: Interval | 'auto', filters: number, clock: ZoneClock): SeriesPlan {
  const wholeHours = clock.hasWholeHours(range.sinceUnixMs - DAY_MS, range.untilUnixMs + DAY_MS);
  const interval = asked === 'auto' ? autoInterval(range, filters, wholeHours) : asked;
  const grain = seriesGrain(range, interval, filters, wholeHours);
  const lengthMs = range.untilUnixMs - range.sinceUnixMs;
  if (lengthMs / widthMs[interval] > POINTS_MAX) throw tooManyPoints(range, interval);
  const localHours = interval === '1h' && !wholeHours && grain !== 'hour';
  const bins = interval === '1d' ? dayBins(range, clock) : localHours ? hourBins(range, clock) : evenBins(range, widthMs[interval]);
  const first = bins[0];
  const end = bins.pop();
  if (first === undefined || end === undefined) throw new RangeError('a range has at least one bin');
  if (bins.length > POINTS_MAX) throw tooManyPoints(range, interval);
  return { grain, interval, range: { sinceUnixMs: first, untilUnixMs: end }, starts: bins };
}

function autoInterval(range: TimeRange, filters: number, wholeHours: boolean): Interval {
  const lengthMs = range.untilUnixMs - range.sinceUnixMs;
  if (lengthMs <= 6 * HOUR_MS) return '1m';
  if (filters === 0 && lengthMs <= 48 * HOUR_MS) return '5m';
  if (lengthMs <= 31 * DAY_MS) return '1h';
  // Days that begin within an hour of UTC cannot be had with a filter.
  return filters > 0 && !wholeHours && lengthMs < (POINTS_MAX - 1) * HOUR_MS ? '1h' : '1d';
}

function seriesGrain(range: TimeRange, interval: Interval, filters: number, wholeHours: boolean): Grain {
  const fine = interval === '1m' || interval === '5m';
  if (filters === 0) return fine || !wholeHours ? 'minute' : 'hour';
  if (filters > 1) {
    if (interval === '1d') throw needsRows('Two or more filters need the outcomes themselves', `use an interval of at most 1h`);
    return rowsPlan(range, 'Two or more filters need the outcomes themselves', 'use one filter').grain;
  }
  if (fine) return rowsPlan(range, `interval=${interval} with a filter needs the outcomes themselves`, 'use interval=1h').grain;
  if (interval === '1d' && !wholeHours)
    throw needsRows(
      'Days of a zone whose offset is not whole hours need, with a filter, the outcomes themselves',
      'use interval=1h or zone=UTC',
    );
  return 'hour';
}

function rowsPlan(range: TimeRange, why: string, wayOut: string): RangePlan {
  if (range.untilUnixMs - range.sinceUnixMs > ROWS_MAX_HOURS * HOUR_MS)
    throw needsRows(why, `${wayOut}, or ask for at most ${ROWS_MAX_HOURS} hours`);
  return { grain: 'row', range };
}

/** The 400 for a range that only rows could answer; its `code` lets a page say so in its own words. */
function needsRows(why: string, wayOut: string): RequestProblem {
  const detail = `${why}, and those are read over at most ${ROWS_MAX_HOURS} hours: ${wayOut}.`;
  return new RequestProblem(problem(400, detail, { errors: [{ parameter: 'since', detail }], code: 'RANGE_NEEDS_ROWS' }));
}

function tooManyPoints(range: TimeRange, interval: Interval): RequestProblem {
  const lengthMs = range.untilUnixMs - range.sinceUnixMs;
  const coarser = intervals.find((each) => widthMs[each] > widthMs[interval] && lengthMs / widthMs[each] < POINTS_MAX - 1) ?? '1d';
  return parameterProblem(
    'interval',
    `${interval} makes more than ${POINTS_MAX} points of this range: use interval=${coarser}, or a shorter range.`,
  );
}

/** Starts of all bins that the range touches, and the end of the last. */
function evenBins(range: TimeRange, binMs: number): number[] {
  const { sinceUnixMs, untilUnixMs } = aligned(range, binMs);
  return Array.from({ length: (untilUnixMs - sinceUnixMs) / binMs + 1 }, (_, index) => sinceUnixMs + index * binMs);
}

function dayBins(range: TimeRange, clock: ZoneClock): number[] {
  const bins = [clock.startOfDay(range.sinceUnixMs)];
  for (let at = bins[0] ?? 0; at < range.untilUnixMs; bins.push(at)) at = clock.nextDay(at);
  return bins;
}

/** Where the offset changes by half an hour, an hour of the zone is longer or shorter than others. */
function hourBins(range: TimeRange, clock: ZoneClock): number[] {
  const bins = [clock.startOfHour(range.sinceUnixMs)];
  for (let at = bins[0] ?? 0; at < range.untilUnixMs; bins.push(at)) at = clock.startOfHour(at + HOUR_MS);
  return bins;
}

function instantOf(parameter: string, text: string): number {
  checkInstant(parameter, text);
  const unixMs = Date.parse(text);
  const year = new Date(unixMs).getUTCFullYear();
  if (year < YEAR_MIN || year > YEAR_MAX) throw parameterProblem(parameter, `must be in the years ${YEAR_MIN} to ${YEAR_MAX}.`);
  return unixMs;
}

/** Whether the instant has a fraction of a millisecond, which `Date.parse` leaves out. */
function finerThanMs(text: string): boolean {
  return /\.\d{3}\d*[1-9]/.test(text);
}
