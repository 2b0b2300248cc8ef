import { eventLimits } from '@helios/proto/events';
import { ID_MAX_BYTES, storableProblem } from '@helios/proto/storable';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Readable } from 'node:stream';
import { type Static, Type } from 'typebox';
import type { Database } from '../db.js';
import { csvHeaders } from './csv.js';
import { CURSOR_MAX_LENGTH, type Cursor, decodeCursor, encodeCursor } from './cursor.js';
import { checkDimensionFilters, dimensionFilterSchemas } from './dimension-filters.js';
import type { OutcomeExports } from './outcome-exports.js';
import { outcomeColumns, type OutcomeRow, outcomeSchema, positionOf, shown } from './outcome-rows.js';
import { filterParameters, type OutcomeFilters, pageQuery, toPage } from './outcomes-query.js';
import { checkInstant, checkText, parameterProblem } from './parameters.js';
import { problem, RequestProblem } from './problem.js';
import { answersCsv, formatSchema } from './representation.js';

/** `GET outcomes/` and `GET outcomes/{bid_id}/`, below whatever prefix they are registered; links keep that prefix. */

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;
const FILE_NAME = 'helios-outcomes.csv';

const querySchema = Type.Object(
  {
    win_status: Type.Optional(Type.Boolean({ description: 'Won or lost' })),
    user_id: Type.Optional(Type.String({ description: 'Exactly this user', examples: ['user-0000042'] })),
    ...dimensionFilterSchemas,
    since: Type.Optional(Type.String({ description: 'RFC 3339; decided at this instant or later', examples: ['2026-01-31T00:00:00Z'] })),
    until: Type.Optional(Type.String({ description: 'RFC 3339; decided before this instant', examples: ['2026-02-01T00:00:00Z'] })),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: `Outcomes a page: ${LIMIT_DEFAULT} unless given, at most ${LIMIT_MAX}; in CSV the most rows of the file: all unless given, any positive integer`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({
        maxLength: CURSOR_MAX_LENGTH,
        description: 'From a link of another page; valid with the same filters only; not in CSV',
      }),
    ),
    format: formatSchema,
  },
  { additionalProperties: false },
);

const pageSchema = Type.Object({
  next: { ...Type.Union([Type.String(), Type.Null()]), description: 'Path and query of the page of older outcomes' },
  previous: { ...Type.Union([Type.String(), Type.Null()]), description: 'Path and query of the page of newer outcomes' },
  results: Type.Array(outcomeSchema, { description: 'Newest first; of one instant by bid_id downwards' }),
});

const csvSchema = Type.Unsafe<Readable>({
  type: 'string',
  description:
    'RFC 4180 with a header row and every column, newest first; texts that a spreadsheet could take for a formula begin with an apostrophe',
});

const oneStatement = { name: 'one-outcome', text: `select ${outcomeColumns} from auction_outcomes where bid_id = $1` };

/** Makes the routes over `database`; `answered` is told of every statement that succeeded. */
export function outcomesRoutes(database: Database, outcomeExports: OutcomeExports, answered: () => void): FastifyPluginAsyncTypebox {
  return async (app) => {
    const path = `${app.prefix}/outcomes/`;

    app.route({
      method: 'GET',
      url: '/outcomes/',
      schema: {
        operationId: 'listOutcomes',
        tags: ['outcomes'],
        summary: 'Outcomes, newest first: a page of JSON, or the whole range as CSV',
        querystring: querySchema,
        response: {
          200: {
            description: 'A page of outcomes, or a file of all of them',
            content: { 'application/json': { schema: pageSchema }, 'text/csv': { schema: csvSchema } },
          },
        },
      },
      handler: async (request, reply) => {
        const { limit, cursor: cursorText, format, ...filters } = request.query;
        checkFilters(filters);
        if (answersCsv(request, reply)) {
          if (cursorText !== undefined)
            throw parameterProblem('cursor', 'is for pages of JSON: CSV has the whole range; narrow it with since and until.');
          // HEAD must not read the table only to throw it away.
          const file = request.method === 'HEAD' ? Readable.from([]) : await outcomeExports.open(filters, limit ?? Number.MAX_SAFE_INTEGER);
          return csvHeaders(reply, FILE_NAME).header('cache-control', 'no-store').send(file);
        }
        const rowsMax = limit ?? LIMIT_DEFAULT;
        if (rowsMax > LIMIT_MAX) throw parameterProblem('limit', `must be an integer from 1 to ${LIMIT_MAX}; only CSV takes more.`);
        const parameters = filterParameters(filters);
        const bound = parameters.toString();
        const cursor = cursorText === undefined ? null : readCursor(cursorText, bound);
        const { statement, values } = pageQuery(filters, cursor, rowsMax);
        const rows = await database.query<OutcomeRow>(statement, values);
        answered();
        const page = toPage(rows, cursor, rowsMax, positionOf);
        if (rowsMax !== LIMIT_DEFAULT) parameters.set('limit', String(rowsMax));
        if (format !== undefined) parameters.set('format', format);
        const link = (to: Cursor | null): string | null => (to === null ? null : pageLink(path, parameters, encodeCursor(to, bound)));
        return {
          next: page.restart ? pageLink(path, parameters, null) : link(page.older),
          previous: link(page.newer),
          results: page.rows.map(shown),
        };
      },
    });

    app.route({
      method: 'GET',
      url: '/outcomes/:bid_id/',
      schema: {
        operationId: 'getOutcome',
        tags: ['outcomes'],
        summary: 'One outcome with every column',
        params: Type.Object({
          bid_id: Type.String({ description: 'As in a page of outcomes, percent-encoded once more', examples: ['req-0000042:top'] }),
        }),
        response: { 200: { description: 'The outcome', content: { 'application/json': { schema: outcomeSchema } } } },
      },
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
function pageLink(path: string, parameters: URLSearchParams, cursor: string | null): string {
  const query = new URLSearchParams(parameters);
  if (cursor !== null) query.set('cursor', cursor);
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function readCursor(text: string, filters: string): Cursor {
  const cursor = decodeCursor(text, filters);
  if (cursor !== null) return cursor;
  throw parameterProblem(
    'cursor',
    'is not a cursor for these filters: take it unchanged from a link of a page, and keep the filters of that page.',
  );
}

function checkFilters(filters: Omit<Static<typeof querySchema>, 'limit' | 'cursor' | 'format'>): asserts filters is OutcomeFilters {
  checkText('user_id', filters.user_id, ID_MAX_BYTES);
  checkDimensionFilters(filters);
  checkInstant('since', filters.since);
  checkInstant('until', filters.until);
  if (filters.since !== undefined && filters.until !== undefined && Date.parse(filters.since) > Date.parse(filters.until)) {
    throw parameterProblem('since', 'must not be after until.');
  }
}
