import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Database } from '../db.js';
import { sendCsv } from './csv.js';
import { checkDimensionFilters, type DimensionFilters, dimensionValues } from './dimension-filters.js';
import { parameterProblem } from './parameters.js';
import { answersCsv } from './representation.js';
import * as answers from './stats-answers.js';
import * as queries from './stats-query.js';
import { planBreakdown, planSeries, planSummary, previous, readRange, type RangePlan, type SeriesPlan } from './stats-range.js';
import * as schemas from './stats-schemas.js';
import { ZoneClock } from './zone-clock.js';

/**
 * `GET stats/summary/`, `stats/timeseries/` and `stats/breakdown/`, below whatever prefix they are registered: figures of a range, from
 * rollups wherever these can answer. Each answer comes from one statement, so that its parts add up whatever is written meanwhile.
 */

const jsonOf = <Schema>(description: string, schema: Schema) => ({ description, content: { 'application/json': { schema } } });
const jsonOrCsvOf = <Schema>(description: string, schema: Schema) => ({
  description,
  content: {
    'application/json': { schema },
    'text/csv': { schema: Type.String({ description: 'RFC 4180 with a header row' }) },
  },
});

/** Makes the routes over `database`; `answered` is told of every statement that succeeded. */
export function statsRoutes(database: Database, answered: () => void): FastifyPluginAsyncTypebox {
  const read = async <Row>({ statement, values }: queries.StatsQuery): Promise<Row[]> => {
    const rows = await database.query<Row>(statement, values);
    answered();
    return rows;
  };
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/stats/summary/',
      schema: {
        operationId: 'getSummary',
        tags: ['statistics'],
        summary: 'Figures of a range, and of the period just before',
        querystring: schemas.summaryParameters,
        response: { 200: jsonOf('Figures of both periods', schemas.summarySchema) },
      },
      handler: async (request) => {
        const { since, until, ...filters } = request.query;
        checkDimensionFilters(filters);
        const plan = planSummary(readRange(since, until), dimensionValues(filters).length);
        const before = previous(plan.range);
        const summary = await readSummary(read, plan, { current: plan.range, previous: before }, filters);
        return {
          ...answers.shownRange(plan.range),
          grain: plan.grain,
          current: summary.current,
          previous: { ...answers.shownRange(before), ...summary.previous },
        };
      },
    });

    app.route({
      method: 'GET',
      url: '/stats/timeseries/',
      schema: {
        operationId: 'getTimeseries',
        tags: ['statistics'],
        summary: 'Figures of a range over time',
        querystring: schemas.timeseriesParameters,
        response: { 200: jsonOrCsvOf('A point for every bin of the range', schemas.timeseriesSchema) },
      },
      handler: async (request, reply) => {
        const { since, until, interval = 'auto', zone = 'UTC', format: _format, ...filters } = request.query;
        checkDimensionFilters(filters);
        const plan = planSeries(readRange(since, until), interval, dimensionValues(filters).length, clockOf(zone));
        const points = answers.pointsOf(plan, await read(seriesQuery(plan, filters)));
        if (answersCsv(request, reply)) return sendCsv(reply, 'helios-timeseries.csv', shownCells(points), schemas.pointColumns);
        return { ...answers.shownRange(plan.range), interval: plan.interval, zone, grain: plan.grain, points };
      },
    });

    app.route({
      method: 'GET',
      url: '/stats/breakdown/',
      schema: {
        operationId: 'getBreakdown',
        tags: ['statistics'],
        summary: 'Figures of a range by the values of a dimension: the greatest, and the rest',
        querystring: schemas.breakdownParameters,
        response: { 200: jsonOrCsvOf('Figures by value', schemas.breakdownSchema) },
      },
      handler: async (request, reply) => {
        const { by, since, until, limit = schemas.BREAKDOWN_LIMIT_DEFAULT, sort = 'bids', format: _format, ...filters } = request.query;
        // The schema's number check lets an infinity pass (`1e400`).
        if (!Number.isFinite(limit)) throw parameterProblem('limit', `must be an integer from 1 to ${schemas.BREAKDOWN_LIMIT_MAX}.`);
        checkDimensionFilters(filters);
        const given = dimensionValues(filters);
        const own = given.find(({ dimension }) => dimension === by)?.value ?? null;
        const plan = planBreakdown(readRange(since, until), given.filter(({ dimension }) => dimension !== by).length);
        const rows = await read<answers.RankedRow>(
          plan.grain === 'row'
            ? queries.rowsBreakdownQuery(plan.range, by, filters, sort, limit)
            : queries.breakdownQuery(plan.range, by, own, sort, limit),
        );
        const breakdown = answers.breakdownOf(rows);
        if (answersCsv(request, reply))
          return sendCsv(reply, 'helios-breakdown.csv', shownCells(breakdown.results), schemas.breakdownColumns);
        return { ...answers.shownRange(plan.range), by, sort, grain: plan.grain, ...breakdown };
      },
    });
  };
}

type Read = <Row>(query: queries.StatsQuery) => Promise<Row[]>;

async function readSummary(read: Read, plan: RangePlan, periods: queries.Periods, filters: DimensionFilters) {
  const [filter] = dimensionValues(filters);
  if (plan.grain === 'minute') return answers.summaryOf(await read<answers.TotalsRow>(queries.totalsQuery(periods)), answers.minuteLatency);
  if (plan.grain === 'hour' && filter !== undefined)
    return answers.summaryOf(await read<answers.PeriodRow>(queries.valueQuery(periods, filter)), () => null);
  return answers.summaryOf(await read<answers.RowTotals>(queries.rowTotalsQuery(periods, filters)), answers.rowLatency);
}

function seriesQuery({ grain, range, starts }: SeriesPlan, filters: DimensionFilters): queries.StatsQuery {
  if (grain === 'row') return queries.rowSeriesQuery(range, starts, filters);
  if (grain === 'minute') return queries.minuteSeriesQuery(range, starts);
  const [filter] = dimensionValues(filters);
  return queries.hourSeriesQuery(range, starts, filter);
}

function clockOf(zone: string): ZoneClock {
  try {
    return new ZoneClock(zone);
  } catch {
    throw parameterProblem('zone', 'must be a time zone of the IANA database such as Europe/Berlin or UTC.');
  }
}

/** Rows of figures as cells: their interfaces have no index signature. */
function shownCells<Row extends object>(rows: readonly Row[]): Record<keyof Row, string | number | null>[] {
  return rows.map((row) => ({ ...row }) as Record<keyof Row, string | number | null>);
}
