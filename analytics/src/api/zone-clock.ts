/** The clock of a time zone: its offset, and where its days and hours begin. Daylight saving included. Pure. */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;

  /**
   * @param zone an IANA name such as `Europe/Berlin`.
   * @throws RangeError when there is no such zone.
   */
  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** What the zone's clock is ahead of UTC at `unixMs`. */
  offsetMs(unixMs: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(unixMs)) parts[type] = Number(value);
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(unixMs / 1000) * 1000;
  }

  /** Whether its hours begin with those of UTC from `sinceUnixMs` to `untilUnixMs`. Looks once a day: 400 days cost a few milliseconds. */
  hasWholeHours(sinceUnixMs: number, untilUnixMs: number): boolean {
    for (let at = sinceUnixMs; at < untilUnixMs; at += DAY_MS) if (this.offsetMs(at) % HOUR_MS !== 0) return false;
    return this.offsetMs(untilUnixMs) % HOUR_MS === 0;
  }

  /** The start of the zone's day that `unixMs` is in: midnight, or where the clock leaps over it, the first instant of the day. */
  startOfDay(unixMs: number): number {
    return this.#firstOf(Math.floor((unixMs + this.offsetMs(unixMs)) / DAY_MS) * DAY_MS);
  }

  /** The start of the zone's next day: 23 to 25 hours after that of the day, as a rule. */
  nextDay(startUnixMs: number): number {
    return this.#firstOf(Math.floor((startUnixMs + this.offsetMs(startUnixMs)) / DAY_MS) * DAY_MS + DAY_MS);
  }

  /** The start of the zone's hour that `unixMs` is in. */
  startOfHour(unixMs: number): number {
    const intoHourMs = (unixMs + this.offsetMs(unixMs)) % HOUR_MS;
    return unixMs - (intoHourMs < 0 ? intoHourMs + HOUR_MS : intoHourMs);
  }

  /** The first instant at which the zone's clock shows `midnight` (as if it were UTC) or later. */
  #firstOf(midnight: number): number {
    const around = [this.offsetMs(midnight - DAY_MS), this.offsetMs(midnight + DAY_MS)];
    let before = midnight - Math.max(...around);
    let reached = midnight - Math.min(...around);
    if (before === reached || before + this.offsetMs(before) >= midnight) return before;
    // The clock changes on this day: by halves to the minute.
    while (reached - before > MINUTE_MS) {
      const middle = Math.floor((before + reached) / 2 / MINUTE_MS) * MINUTE_MS;
      if (middle <= before) break;
      if (middle + this.offsetMs(middle) >= midnight) reached = middle;
      else before = middle;
    }
    return reached;
  }
}
