import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

/** JSON or CSV: what the client wants of a route that has both. Source: RFC 9110 section 12.5.1. */

/** Entry of a route's query schema; it counts more than `Accept`, for links and address bars. */
export const formatSchema = Type.Optional(
  Type.Enum(['json', 'csv'], { type: 'string', description: 'The form of the answer; without it the header Accept decides' }),
);

const CSV = 'text/csv';
const JSON_TYPE = 'application/json';
/** Media ranges looked at; a longer list is cut, so that a header of 16 KB costs no more. */
const RANGES_MAX = 64;

/** Whether to answer `request` in CSV. Also tells caches that the answer depends on `Accept`. */
export function answersCsv(request: FastifyRequest<{ Querystring: { format?: 'json' | 'csv' } }>, reply: FastifyReply): boolean {
  varyByAccept(reply);
  const { format } = request.query;
  return format === undefined ? prefersCsv(request.headers.accept) : format === 'csv';
}

/**
 * Whether `accept` prefers CSV to JSON: by the quality of the most specific range that fits each; of equal ones by the range that is more
 * specific (`text/csv, *\/*` wants CSV); else JSON, also when neither is accepted.
 */
export function prefersCsv(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const ranges = accept.split(',', RANGES_MAX).flatMap(mediaRange);
  const csv = best(ranges, CSV);
  const json = best(ranges, JSON_TYPE);
  if (csv.quality === 0) return false;
  return csv.quality > json.quality || (csv.quality === json.quality && csv.specificity > json.specificity);
}

interface MediaRange {
  readonly type: string;
  /** 0 to 1. */
  readonly quality: number;
}

/** Reads one range; none when it or its quality is malformed. Parameters but `q` are not looked at. */
function mediaRange(text: string): MediaRange[] {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
  return type !== '' && /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(weight) ? [{ type, quality: Number(weight) }] : [];
}

function best(ranges: readonly MediaRange[], type: string): { quality: number; specificity: number } {
  const [group] = type.split('/');
  for (const [index, wanted] of [type, `${group}/*`, '*/*'].entries()) {
    const fitting = ranges.filter((range) => range.type === wanted);
    if (fitting.length > 0) return { quality: Math.max(...fitting.map(({ quality }) => quality)), specificity: 3 - index };
  }
  return { quality: 0, specificity: 0 };
}

function varyByAccept(reply: FastifyReply): void {
  const before = reply.getHeader('vary');
  reply.header('vary', before === undefined ? 'Accept' : `${String(before)}, Accept`);
}
