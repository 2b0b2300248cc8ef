/** Numbers and times as the page writes them. Pure; the zone is a parameter where a test needs it. */

const grouped = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat('en-US', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
const usd = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const usdSmall = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', minimumFractionDigits: 4 });
const usdCompact = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', notation: 'compact', maximumSignificantDigits: 4 });

/** What stands where there is no value; words for it go beside it, unseen. */
export const NONE = '–';
const COMPACT_FROM = 100_000;

/** `12,345`. */
export function exactText(count: number): string {
  return grouped.format(count);
}

/** `12,345`, and from a hundred thousand on `123K`, `1.23M`. */
export function countText(count: number): string {
  return count < COMPACT_FROM ? grouped.format(count) : compact.format(count);
}

/** A rate of 0..1 as `61.2%`. */
export function rateText(rate: number | null): string {
  return rate === null ? NONE : percent.format(rate);
}

/** `$0.0123` below a dollar, `$12.34`, and from a hundred thousand on `$123.4K`. */
export function usdText(amountUsd: number): string {
  if (amountUsd !== 0 && amountUsd < 1) return usdSmall.format(amountUsd);
  return amountUsd < COMPACT_FROM ? usd.format(amountUsd) : usdCompact.format(amountUsd);
}

/** The price of a thousand impressions, to a hundredth of a cent: `$0.0712`. */
export function cpmText(usdCpm: number | null): string {
  return usdCpm === null ? NONE : usdSmall.format(usdCpm);
}

/** `9.4 ms`, `123 ms`, `4.6 s`. */
export function durationText(elapsedMs: number): string {
  if (elapsedMs >= 1000) return `${(elapsedMs / 1000).toFixed(elapsedMs < 10_000 ? 2 : 1)} s`;
  return elapsedMs < 10 ? `${elapsedMs.toFixed(1)} ms` : `${Math.round(elapsedMs)} ms`;
}

/** `12 s`, `3 min`, `2 h`: how long ago, roughly. */
export function agoText(elapsedMs: number): string {
  const seconds = Math.max(0, Math.round(elapsedMs / 1000));
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** `1 min`, `6 h`, `30 days`: the length of a range. */
export function spanText(spanMs: number): string {
  const minutes = Math.round(spanMs / 60_000);
  if (minutes < 120 && minutes % 60 !== 0) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** The time of day, to the millisecond. */
export function timeText(timestamp: string, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZone,
  }).format(new Date(timestamp));
}

/** `25 Nov, 19:54`, with the year when it is not that of `nowUnixMs`. */
export function dayTimeText(unixMs: number, nowUnixMs: number, timeZone?: string): string {
  const year = (instant: number) => new Intl.DateTimeFormat('en-GB', { year: 'numeric', timeZone }).format(instant);
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone,
    ...(year(unixMs) === year(nowUnixMs) ? {} : { year: 'numeric' }),
  }).format(unixMs);
}

/** `25 Nov, 19:54:03.120`, likewise. */
export function momentText(timestamp: string, nowUnixMs: number, timeZone?: string): string {
  const [day] = dayTimeText(Date.parse(timestamp), nowUnixMs, timeZone).split(', ');
  return `${day}, ${timeText(timestamp, timeZone)}`;
}

/** `25 Nov, 18:00 – 19:00`, with the day twice when it changes. */
export function rangeText(sinceUnixMs: number, untilUnixMs: number, nowUnixMs: number, timeZone?: string): string {
  const since = dayTimeText(sinceUnixMs, nowUnixMs, timeZone);
  const until = dayTimeText(untilUnixMs, nowUnixMs, timeZone);
  const [sinceDay] = since.split(', ');
  const [untilDay, untilTime] = until.split(', ');
  return `${since} – ${sinceDay === untilDay ? untilTime : until}`;
}

/** `Europe/Berlin (GMT+1)`. */
export function zoneText(timeZone: string, unixMs: number): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'shortOffset' }).formatToParts(unixMs);
  const offset = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return timeZone === 'UTC' ? timeZone : `${timeZone} (${offset})`;
}
