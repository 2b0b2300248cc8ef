import { eventLimits } from '@helios/proto/events';
import { isInstant } from '@helios/proto/instant';
import { DOMAIN_MAX_BYTES, ID_MAX_BYTES, storableProblem } from '@helios/proto/storable';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import type { Database } from '../db.js';
import { CURSOR_MAX_LENGTH, type Cursor, decodeCursor, encodeCursor } from './cursor.js';
import { outcomeColumns, type OutcomeRow, outcomeSchema, shown } from './outcome-rows.js';
import { filterParameters, type OutcomeFilters, pageQuery, toPage } from './outcomes-query.js';
import { problem, RequestProblem } from './problem.js';

/** `GET outcomes/` and `GET outcomes/{bid_id}/`, below whatever prefix they are registered; links keep that prefix. */

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;

const querySchema = Type.Object(
  {
    win_status: Type.Optional(Type.Boolean({ description: 'Won or lost' })),
    site_domain: Type.Optional(Type.String({ description: 'Exactly this domain, app bundle or screen' })),
    user_id: Type.Optional(Type.String({ description: 'Exactly this user' })),
    enriched: Type.Optional(Type.Boolean({ description: 'Whether a profile arrived in time' })),
    since: Type.Optional(Type.String({ description: 'RFC 3339; this instant or later' })),
    until: Type.Optional(Type.String({ description: 'RFC 3339; before this instant' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT, description: 'Outcomes a page' })),
    cursor: Type.Optional(
      Type.String({ maxLength: CURSOR_MAX_LENGTH, description: 'From a link of another page; valid with the same filters only' }),
    ),
  },
  { additionalProperties: false },
);

const pageSchema = Type.Object({
  next: { ...Type.Union([Type.String(), Type.Null()]), description: 'Path and query of the page of older outcomes' },
  previous: { ...Type.Union([Type.String(), Type.Null()]), description: 'Path and query of the page of newer outcomes' },
  results: Type.Array(outcomeSchema),
});

const oneStatement = { name: 'one-outcome', text: `select ${outcomeColumns} from auction_outcomes where bid_id = $1` };

/** Makes the routes over `database`; `answered` is told of every statement that succeeded. */
export function outcomesRoutes(database: Database, answered: () => void): FastifyPluginAsyncTypebox {
  return async (app) => {
    const path = `${app.prefix}/outcomes/`;

    app.route({
      method: 'GET',
      url: '/outcomes/',
      schema: { querystring: querySchema, response: { 200: pageSchema } },
      handler: async (request) => {
        const { limit = LIMIT_DEFAULT, cursor: cursorText, ...filters } = request.query;
        // The schema's number check lets an infinity pass (`1e400`).
        if (!Number.isFinite(limit)) throw parameterProblem('limit', `must be an integer from 1 to ${LIMIT_MAX}.`);
        checkFilters(filters);
        const parameters = filterParameters(filters);
        const bound = parameters.toString();
        const cursor = cursorText === undefined ? null : readCursor(cursorText, bound);
        const { statement, values } = pageQuery(filters, cursor, limit);
        const rows = await database.query<OutcomeRow>(statement, values);
        answered();
        const page = toPage(rows, cursor, limit, (row) => ({ timestamp: row.timestamp, bidId: row.bid_id }));
        const link = (to: Cursor | null): string | null =>
          to === null ? null : pageLink(path, parameters, limit, encodeCursor(to, bound));
        return {
          next: page.restart ? pageLink(path, parameters, limit, null) : link(page.older),
          previous: link(page.newer),
          results: page.rows.map(shown),
        };
      },
    });

    app.route({
      method: 'GET',
      url: '/outcomes/:bid_id/',
      schema: { params: Type.Object({ bid_id: Type.String() }), response: { 200: outcomeSchema } },
      handler: async (request) => {
        const { bid_id: bidId } = request.params;
        // What cannot be stored is not there; asking PostgreSQL for it would be an error.
        if (storableProblem(bidId, eventLimits.bidIdMaxBytes) !== null) throw notThere();
        const [row] = await database.query<OutcomeRow>(oneStatement, [bidId]);
        answered();
        if (row === undefined) throw notThere();
        return shown(row);
      },
    });
  };
}

function notThere(): RequestProblem {
  return new RequestProblem(problem(404, 'There is no outcome with this bid_id.'));
}

/** Path-absolute, so that it holds behind any host name; the prefix is the one the request came by. */
function pageLink(path: string, filters: URLSearchParams, limit: number, cursor: string | null): string {
  const parameters = new URLSearchParams(filters);
  if (limit !== LIMIT_DEFAULT) parameters.set('limit', String(limit));
  if (cursor !== null) parameters.set('cursor', cursor);
  const query = parameters.toString();
  return query === '' ? path : `${path}?${query}`;
}

function readCursor(text: string, filters: string): Cursor {
  const cursor = decodeCursor(text, filters);
  if (cursor !== null) return cursor;
  throw parameterProblem(
    'cursor',
    'is not a cursor for these filters: take it unchanged from a link of a page, and keep the filters of that page.',
  );
}

function checkFilters(filters: Omit<Static<typeof querySchema>, 'limit' | 'cursor'>): asserts filters is OutcomeFilters {
  checkText('site_domain', filters.site_domain, DOMAIN_MAX_BYTES);
  checkText('user_id', filters.user_id, ID_MAX_BYTES);
  checkInstant('since', filters.since);
  checkInstant('until', filters.until);
  if (filters.since !== undefined && filters.until !== undefined && Date.parse(filters.since) > Date.parse(filters.until)) {
    throw parameterProblem('since', 'must not be after until.');
  }
}

function checkText(parameter: string, value: string | undefined, maxBytes: number): void {
  if (value === undefined) return;
  const fault = storableProblem(value, maxBytes);
  if (fault === null) return;
  throw parameterProblem(
    parameter,
    fault === 'too_long' ? `must be at most ${maxBytes} bytes long.` : 'must be text without NUL or lone surrogates.',
  );
}

function checkInstant(parameter: string, value: string | undefined): void {
  if (value === undefined || isInstant(value)) return;
  throw parameterProblem(parameter, 'must be an RFC 3339 instant such as 2026-01-31T23:59:59Z (write + as %2B).');
}

function parameterProblem(parameter: string, detail: string): RequestProblem {
  return new RequestProblem(problem(400, `${parameter} ${detail}`, { errors: [{ parameter, detail }] }));
}
