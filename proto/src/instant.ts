/** Instants as text: what a timestamp column takes, checked without building a Date. */

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

/** Longest text the pattern can match: nanoseconds and an offset. */
const INSTANT_MAX_LENGTH = 35;

/**
 * Whether `text` is an ISO 8601 date and time with seconds and a zone (`Z` or an offset up to 14 hours), of a day that
 * exists. `Date.parse` does not do: it takes February 30 for March 1, which PostgreSQL refuses.
 */
export function isInstant(text: string): boolean {
  if (text.length > INSTANT_MAX_LENGTH) return false;
  const parts = INSTANT.exec(text);
  if (parts === null) return false;
  const year = Number(parts[1]);
  const day = Number(parts[3]);
  return year >= 1 && day >= 1 && day <= daysIn(Number(parts[2]), year);
}

/** Days of a month of the Gregorian calendar; 0 for a month that does not exist. */
function daysIn(month: number, year: number): number {
  if (month < 1 || month > 12) return 0;
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
