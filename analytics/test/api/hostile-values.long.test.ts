import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { encodeBidId, eventLimits } from '@helios/proto/events';
import { ID_MAX_BYTES, storableProblem } from '@helios/proto/storable';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiText } from '../../src/api/openapi-document.js';
import type { OutcomeRow } from '../../src/api/outcome-rows.js';
import { message, outcome } from '../outcomes.js';
import { startHarness, type WriterHarness } from '../writer/writer-harness.js';
import { type ApiUnderTest, startApi } from './api-under-test.js';
import { readCsv } from './csv-reader.js';
import { hostileValues, percentEncoded, spellings } from './hostile-values.js';

/**
 * Every hostile string in every parameter and path of every route that the OpenAPI document has, and stored in every text of an outcome: a
 * new route is covered by being registered.
 */

interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly required?: boolean;
  readonly example?: string;
  readonly schema: { readonly enum?: readonly string[] };
}
interface Operation {
  readonly path: string;
  readonly parameters: readonly Parameter[];
}

const allowed: ReadonlySet<number> = new Set([200, 304, 400, 404, 414, 431]);
/** What PostgreSQL, its driver or a stack trace would say. */
const leak =
  /syntax error|sqlstate|invalid input|invalid byte|out of range|does not exist|operator|relation "|column "|auction_outcomes|outcome_(?:hours|minutes)|pg-promise|node_modules|node:internal|\bat \S+ \(|\.[jt]s:\d/i;
const CONCURRENCY = 12;
const nowUnixMs = Date.now();

const operations: Operation[] = Object.entries(
  (JSON.parse(await openApiText()) as { paths: Record<string, { get: { parameters?: Parameter[] } }> }).paths,
).map(([path, { get }]) => ({ path, parameters: get.parameters ?? [] }));

/** Storable as an id; each becomes an outcome that has it in every text. */
const storable = hostileValues
  .map(({ value }) => value)
  .filter((value) => value !== '' && storableProblem(value, ID_MAX_BYTES - 1) === null);
const distinct = [...new Set(storable)];
const stored = distinct.map((value, index) =>
  outcome(
    index,
    {
      bid_id: encodeBidId(value, value),
      bid_request_id: value,
      slot_id: value,
      user_id: value,
      site_domain: value,
      top_interest: { category: value, score: 0.5 },
      creative: { id: value, w: 300, h: 250, adm: value },
      strategy: storableProblem(value, eventLimits.strategyMaxBytes) === null ? value : 'x',
    },
    nowUnixMs,
  ),
);

let harness: WriterHarness;
let api: ApiUnderTest;
const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });

beforeAll(async () => {
  harness = await startHarness();
  await harness.newWriter().writer.handle(
    stored.map((event, offset) => message(event, offset)),
    new AbortController().signal,
  );
  api = await startApi(harness.database);
});
afterAll(async () => {
  agent.destroy();
  await api.app.close();
  await harness.stop();
});

async function ask(path: string): Promise<{ status: number; type: string; body: string }> {
  const sent = request({ host: '127.0.0.1', port: api.port, path, agent });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  response.setEncoding('utf8');
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, type: String(response.headers['content-type']), body };
}

/** Asks for all of `urls`, some at a time, and returns what is wrong, at most ten sentences. */
async function faultsOf(urls: readonly { url: string; value: string; what: string }[]): Promise<string[]> {
  const faults: string[] = [];
  const queue = urls.values();
  const worker = async (): Promise<void> => {
    for (const { url, value, what } of queue) {
      const { status, type, body } = await ask(url);
      const fault = (sentence: string) => faults.push(`${what}: ${sentence}`);
      if (!allowed.has(status)) fault(`${status} ${body.slice(0, 200)}`);
      if (!/^(application\/(problem\+)?json|text\/csv)/.test(type)) fault(type);
      // A parameter's own value may come back: in links, and in a row that is stored with it.
      if (status !== 200 && leak.test(body.replaceAll(JSON.stringify(value).slice(1, -1), ''))) fault(body.slice(0, 300));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return faults.slice(0, 10);
}

async function rowCounts(): Promise<unknown> {
  const text = `select (select count(*)::int4 from auction_outcomes) as outcomes, (select count(*)::int4 from outcome_minutes) as minutes,
    (select count(*)::int4 from outcome_hours) as hours, (select sum(bids)::int4 from outcome_minutes) as bids`;
  return await harness.database.query({ text }, []);
}

/** The query that the route needs beside the parameter under test. */
function neededQuery(operation: Operation, without: string): string {
  return operation.parameters
    .filter((parameter) => parameter.in === 'query' && parameter.required === true && parameter.name !== without)
    .map(({ name, example, schema }) => `&${name}=${encodeURIComponent(example ?? schema.enum?.[0] ?? '')}`)
    .join('');
}

const filled = (path: string): string => path.replaceAll(/\{\w+\}/g, 'x');

describe('a hostile value', () => {
  it('is one of at least 300, written by hand, in at least fifteen categories', () => {
    expect(new Set(hostileValues.map(({ value }) => value)).size).toBeGreaterThanOrEqual(300);
    expect(new Set(hostileValues.map(({ category }) => category)).size).toBeGreaterThanOrEqual(15);
    expect(operations.length).toBeGreaterThanOrEqual(2);
    expect(distinct.length).toBeGreaterThan(400);
  });

  it.each(operations.map((operation) => [operation.path, operation] as const))(
    'in a parameter of %s is answered as data or refused, and changes nothing',
    async (path, operation) => {
      const before = await rowCounts();
      const names = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
      const urls = names.flatMap((name) =>
        hostileValues.flatMap(({ category, value }) =>
          spellings(value).map((spelling) => ({
            url: `${filled(path)}?${name}=${spelling}${neededQuery(operation, name)}`,
            value,
            what: `${name} (${category}) ${JSON.stringify(value.slice(0, 60))}`,
          })),
        ),
      );
      expect(await faultsOf(urls)).toEqual([]);
      expect(await rowCounts()).toEqual(before);
    },
    240_000,
  );

  it.each(operations.map((operation) => [operation.path, operation] as const))(
    'as the name of a parameter of %s, or in its path, is refused or not found',
    async (path, operation) => {
      const urls = hostileValues.flatMap(({ category, value }) =>
        spellings(value).flatMap((spelling) => {
          const what = `${category} ${JSON.stringify(value.slice(0, 60))}`;
          const inPath = path.includes('{') ? path.replaceAll(/\{\w+\}/g, spelling) : `${path}${spelling}`;
          return [
            { url: `${filled(path)}?${spelling}=1${neededQuery(operation, '')}`, value, what: `name ${what}` },
            { url: inPath, value, what: `path ${what}` },
          ];
        }),
      );
      expect(await faultsOf(urls)).toEqual([]);
    },
    240_000,
  );
});

describe('a hostile value that is stored', () => {
  it('is found again by the filters and by its id, exactly as it was sent', async () => {
    expect(await rowCounts()).toMatchObject([{ outcomes: distinct.length, bids: distinct.length }]);
    const faults: string[] = [];
    const queue = stored.values();
    const worker = async (): Promise<void> => {
      for (const event of queue) {
        const value = event.bid_request_id;
        const spelling = percentEncoded(value);
        const found = await ask(`/api/outcomes/?site_domain=${spelling}&user_id=${spelling}&interest=${spelling}`);
        const rows = found.status === 200 ? (JSON.parse(found.body) as { results: OutcomeRow[] }).results : [];
        if (rows.length !== 1 || rows[0]?.site_domain !== value || rows[0].top_interest !== value || rows[0].creative_id !== value)
          faults.push(`${JSON.stringify(value)}: ${found.status} ${found.body.slice(0, 200)}`);
        const one = await ask(`/api/outcomes/${percentEncoded(event.bid_id)}/`);
        if (one.status !== 200 || (JSON.parse(one.body) as OutcomeRow).bid_id !== event.bid_id)
          faults.push(`${JSON.stringify(event.bid_id)}: ${one.status}`);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    expect(faults.slice(0, 10)).toEqual([]);
  }, 120_000);

  it('is a text in a spreadsheet, in a row of its own', async () => {
    const { status, body } = await ask('/api/outcomes/?format=csv');
    expect(status).toBe(200);
    const [header = [], ...rows] = readCsv(body);
    expect(rows).toHaveLength(distinct.length);
    expect(rows.every((row) => row.length === header.length)).toBe(true);
    // oxlint-disable-next-line no-control-regex
    const formula = /^[\s\u0000-\u001f\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
    expect(rows.flat().filter((cell) => formula.test(cell))).toEqual([]);
    const column = header.indexOf('site_domain');
    const domains = new Set(rows.map((row) => row[column]));
    expect(distinct.filter((value) => !domains.has(value) && !domains.has(`'${value}`))).toEqual([]);
  });
});
