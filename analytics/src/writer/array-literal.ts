/**
 * PostgreSQL's text form of an array, built straight from the events of a batch: one statement then takes any number of rows in a
 * fixed number of parameters. Hand-made because the driver's own encoder runs two regular expressions on every element.
 */

const needsEscape = /["\\]/;

/** `{"a",NULL,...}` of `pick(0..count-1)`. */
export function textArray(count: number, pick: (index: number) => string | null): string {
  let literal = '{';
  for (let index = 0; index < count; index++) {
    const value = pick(index);
    if (index > 0) literal += ',';
    literal += value === null ? 'NULL' : `"${needsEscape.test(value) ? value.replace(/["\\]/g, '\\$&') : value}"`;
  }
  return `${literal}}`;
}

/** `{1,0.05,NULL,...}`; NaN and null are NULL. */
export function numberArray(count: number, pick: (index: number) => number | null): string {
  let literal = '{';
  for (let index = 0; index < count; index++) {
    const value = pick(index);
    if (index > 0) literal += ',';
    literal += value === null || Number.isNaN(value) ? 'NULL' : value;
  }
  return `${literal}}`;
}

/** `{t,f,...}`. */
export function booleanArray(count: number, pick: (index: number) => boolean): string {
  let literal = '{';
  for (let index = 0; index < count; index++) {
    if (index > 0) literal += ',';
    literal += pick(index) ? 't' : 'f';
  }
  return `${literal}}`;
}
