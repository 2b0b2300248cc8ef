/** How the charts write numbers and times. Counts and money as in the United States, times of day with 24 hours. */

const LOCALE = 'en-US';
export const DAY_MS = 86_400_000;

const share = new Intl.NumberFormat(LOCALE, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
const wholeShare = new Intl.NumberFormat(LOCALE, { style: 'percent', maximumFractionDigits: 0 });
const count = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const shortCount = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumFractionDigits: 1 });
const usd = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: 'USD' });
/** A minute's spend is often a fraction of a cent. */
const smallUsd = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: 'USD', maximumSignificantDigits: 2 });
const shortUsd = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: 'USD', notation: 'compact', maximumSignificantDigits: 3 });
const price = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: 'USD', minimumFractionDigits: 4, maximumFractionDigits: 4 });

/** 0.6123 -> `61.2%`. */
export const shareText = (value: number): string => share.format(value);
export const shareTick = (value: number): string => wholeShare.format(value);
export const countText = (value: number): string => count.format(value);
export const countTick = (value: number): string => shortCount.format(value);
/** USD: to the cent, below one dollar to two significant digits. */
export const usdText = (value: number): string => (Math.abs(value) > 0 && Math.abs(value) < 1 ? smallUsd : usd).format(value);
export const usdTick = (value: number): string => shortUsd.format(value);
/** A price in USD per 1,000 impressions. */
export const priceText = (usdCpm: number): string => price.format(usdCpm);

/** Names a bin by its start, in `zone`: `31 Jan, 14:05`, or `31 Jan 2026` for bins of a day and more. */
export function binNames(intervalMs: number, zone: string): (unixMs: number) => string {
  const byDay = intervalMs >= DAY_MS;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    day: 'numeric',
    month: 'short',
    ...(byDay ? { year: 'numeric' } : { hour: '2-digit', minute: '2-digit' }),
  });
  return (unixMs) => format.format(unixMs);
}

/** Labels of the time axis, in `zone`: times of day, with the date at the first tick of each day; dates alone where ticks are days apart. */
export function tickNames(zone: string): (ticksUnixMs: readonly number[], stepMs: number) => string[] {
  const date = new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric', month: 'short' });
  const time = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' });
  return (ticksUnixMs, stepMs) => {
    let shown = '';
    return ticksUnixMs.map((tick) => {
      const day = date.format(tick);
      if (stepMs >= DAY_MS) return day;
      const first = shown !== day;
      shown = day;
      return first ? `${time.format(tick)}\n${day}` : time.format(tick);
    });
  };
}
