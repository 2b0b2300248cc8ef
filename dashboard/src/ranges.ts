/** Time ranges, half-open [since, until), in Unix milliseconds. Pure: the time and the zone are parameters. */

export interface TimeRange {
  readonly sinceUnixMs: number;
  readonly untilUnixMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How far back each preset reaches. */
export const presets = {
  '15m': 15 * MINUTE_MS,
  '1h': HOUR_MS,
  '6h': 6 * HOUR_MS,
  '24h': DAY_MS,
  '7d': 7 * DAY_MS,
  '30d': 30 * DAY_MS,
} as const;
export type Preset = keyof typeof presets;
export const presetNames = Object.keys(presets) as Preset[];

/** A range that moves along with the time, or one that stands. */
export type RangeChoice = { readonly kind: 'preset'; readonly preset: Preset } | ({ readonly kind: 'absolute' } & TimeRange);

/** The API's longest range. */
export const RANGE_MAX_MS = 400 * DAY_MS;

/** `until` of a preset is the next full minute: within a minute the question stays the same, and so does the answer's ETag. */
export function rangeAt(choice: RangeChoice, nowUnixMs: number): TimeRange {
  if (choice.kind === 'absolute') return { sinceUnixMs: choice.sinceUnixMs, untilUnixMs: choice.untilUnixMs };
  const untilUnixMs = Math.ceil(nowUnixMs / MINUTE_MS) * MINUTE_MS;
  return { sinceUnixMs: untilUnixMs - presets[choice.preset], untilUnixMs };
}

/** What is wrong with an absolute range, or null. */
export function rangeProblem({ sinceUnixMs, untilUnixMs }: TimeRange): string | null {
  if (!Number.isFinite(sinceUnixMs) || !Number.isFinite(untilUnixMs)) return 'Give both a start and an end.';
  if (sinceUnixMs >= untilUnixMs) return 'The start must be before the end.';
  return untilUnixMs - sinceUnixMs > RANGE_MAX_MS ? 'A range has 400 days at most.' : null;
}

const intervalsMs: Readonly<Record<string, number>> = { '1m': MINUTE_MS, '5m': 5 * MINUTE_MS, '1h': HOUR_MS, '1d': DAY_MS };

/** The width of the API's bins, in milliseconds; days of 23 or 25 hours count as 24. */
export function intervalMs(interval: string): number {
  return intervalsMs[interval] ?? MINUTE_MS;
}

/** The bins that are over: the one that still fills would look like a fall at the end of every chart. In the order of `points`. */
export function overAt<Point extends { readonly time: string }>(points: readonly Point[], binMs: number, nowUnixMs: number): Point[] {
  return points.filter(({ time }) => Date.parse(time) + binMs <= nowUnixMs);
}

/** RFC 3339 in UTC without needless milliseconds. */
export function instantText(unixMs: number): string {
  return new Date(unixMs).toISOString().replace('.000Z', 'Z');
}

/** RFC 3339 to Unix milliseconds, or NaN: a date alone or a time without a zone means different instants to different readers. */
export function instantOf(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
}

/** `2026-01-31T23:59` in the zone of this process, as `<input type="datetime-local">` takes it. */
export function localInputText(unixMs: number): string {
  const date = new Date(unixMs);
  const offsetMs = date.getTimezoneOffset() * MINUTE_MS;
  return new Date(unixMs - offsetMs).toISOString().slice(0, 16);
}

/** The same way back; NaN for an empty or impossible text. */
export function localInputUnixMs(text: string): number {
  return text === '' ? Number.NaN : new Date(text).getTime();
}
