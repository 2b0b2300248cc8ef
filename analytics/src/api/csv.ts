import { stringify } from 'csv-stringify/sync';
import type { FastifyReply } from 'fastify';

/**
 * Rows as CSV (RFC 4180: comma, CRLF, quotes doubled) that a spreadsheet opens without running anything: a text that it could take for a
 * formula gets an apostrophe in front. Null is the empty cell, booleans are `true` and `false`, numbers are as in JSON.
 * Source: https://owasp.org/www-community/attacks/CSV_Injection.
 */

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present';

/** What csv-stringify guards at the very start of a cell; here behind what programs skip: white space, controls, marks without width. */
// oxlint-disable-next-line no-control-regex
const HIDDEN_FORMULA = /^[\s\u0000-\u001f\u200b-\u200f\u2060\ufeff]+[=+\-@\uff1d\uff0b\uff0d\uff20]/;
/** Line feed: some programs begin the cell anew behind it. */
const FIRST_LINE_FEED = /^\n/;

export type Cell = string | number | boolean | null;

/** The header row. `columns` are names of ours. */
export function csvHeader(columns: readonly string[]): string {
  return csvLines([Object.fromEntries(columns.map((name) => [name, name]))], columns);
}

/** The lines of `rows` without a header, each cell taken by its column's name; the empty text for no rows. */
export function csvLines(rows: readonly Readonly<Record<string, Cell>>[], columns: readonly string[]): string {
  return stringify([...rows], {
    columns: [...columns],
    record_delimiter: 'windows',
    escape_formulas: true,
    // The library quotes for a whole CRLF only; RFC 4180 wants it for each of the two.
    quoted_match: /[\r\n]/,
    cast: { boolean: String, string: guarded },
  });
}

/** A whole answer: header and rows. The handler returns it: `return sendCsv(reply, 'helios-points.csv', points, columns)`. */
export function sendCsv(
  reply: FastifyReply,
  fileName: string,
  rows: readonly Readonly<Record<string, Cell>>[],
  columns: readonly string[],
): FastifyReply {
  return csvHeaders(reply, fileName).send(csvHeader(columns) + csvLines(rows, columns));
}

/** The headers of a CSV answer; `fileName` is a constant of ours. */
export function csvHeaders(reply: FastifyReply, fileName: string): FastifyReply {
  return reply.type(CSV_TYPE).header('content-disposition', `attachment; filename="${fileName}"`);
}

function guarded(text: string): string {
  return HIDDEN_FORMULA.test(text) || FIRST_LINE_FEED.test(text) ? `'${text}` : text;
}
