import { encodeCursor } from '@helios/analytics/api/cursor';
import { filterParameters, type OutcomeFilters } from '@helios/analytics/api/outcomes-query';
import { autoWidthMs, checkBreakdown, checkSummary, checkTimeseries, dimensions, statsPaths } from './check-stats.js';
import type { LoadedDatabase } from './loaded-database.js';
import { rangeFacts } from './stats-facts.js';

/** What the bench asks the API, with what each answer must be, counted from the rows in SQL. */

export interface Asked {
  readonly path: string;
  /** Throws when the answer is not what the rows say. Once checked, every further answer must be the same bytes. */
  readonly check: (body: string) => void;
}

export interface Question {
  readonly name: string;
  readonly goalP99Ms: number;
  /** Requests a second at which it is asked. */
  readonly perSecond: number;
  /** Asked in turn. */
  readonly asked: readonly Asked[];
}

export const PAGE_LIMIT = 50;
const DEEP_PAGE = 10_000;
const DEEP_PAGES = 20;
const HOUR_MS = 3_600_000;
const PAGES = { goalP99Ms: 20, perSecond: 50 } as const;
const DAY = { goalP99Ms: 20, perSecond: 50 } as const;
const MONTH = { goalP99Ms: 50, perSecond: 20 } as const;

/** Every question; making them asks the database, which takes a while where much is counted. */
export async function questionsFor(loaded: LoadedDatabase): Promise<Question[]> {
  return [
    ...(await pageQuestions(loaded)),
    ...(await oneOutcome(loaded)),
    ...(await statsQuestions(loaded, 24, DAY)),
    ...(await statsQuestions(loaded, 720, MONTH)),
  ];
}

async function pageQuestions(loaded: LoadedDatabase): Promise<Question[]> {
  const page = async (filters: OutcomeFilters): Promise<Asked> => {
    const parameters = filterParameters(filters);
    parameters.set('limit', String(PAGE_LIMIT));
    return { path: `/api/outcomes/?${parameters.toString()}`, check: samePage(await idsOf(loaded, filters, 0, PAGE_LIMIT)) };
  };
  const each = async (filters: OutcomeFilters[]): Promise<Asked[]> => {
    const all: Asked[] = [];
    for (const filter of filters) for (const range of rangesOf(loaded)) all.push(await page({ ...filter, ...range }));
    return all;
  };
  const users = ['user-0000000', 'user-0000100', ...(await rareUsers(loaded)), 'nobody'];
  const sites = ['site-0001.example', 'site-0010.example', 'site-0100.example', 'site-1000.example', '', 'nobody.example'];
  return [
    { ...PAGES, name: 'page 1', asked: [await page({})] },
    { ...PAGES, name: `page ${DEEP_PAGE.toLocaleString('en-US')}`, asked: await deepPages(loaded, {}) },
    { ...PAGES, name: `page ${DEEP_PAGE.toLocaleString('en-US')} of a time range`, asked: await deepPages(loaded, wholeRange(loaded)) },
    { ...PAGES, name: 'page of a time range', asked: await each([{}]) },
    { ...PAGES, name: 'page by site_domain and time range', asked: await each(sites.map((site_domain) => ({ site_domain }))) },
    { ...PAGES, name: 'page by user_id and time range', asked: await each(users.map((user_id) => ({ user_id }))) },
    { ...PAGES, name: 'page by win_status and time range', asked: await each([{ win_status: true }, { win_status: false }]) },
    {
      ...PAGES,
      name: 'page by two or three filters and time range',
      asked: await each(
        sites.flatMap((site_domain) => [
          { site_domain, win_status: true },
          { site_domain, user_id: 'user-0000000' },
          { site_domain, enriched: true, win_status: false },
        ]),
      ),
    },
  ];
}

/** Ranges of very different widths, in the middle and at the ends; the last one is empty. */
function rangesOf(loaded: LoadedDatabase): { since: string; until: string }[] {
  const [first, last] = [Date.parse(loaded.since), Date.parse(loaded.until)];
  const middle = (first + last) / 2;
  const range = (from: number, to: number) => ({ since: new Date(from).toISOString(), until: new Date(to).toISOString() });
  return [
    range(first, last),
    range(last - 24 * HOUR_MS, last),
    range(middle, middle + HOUR_MS),
    range(first, first + HOUR_MS / 12),
    range(last + HOUR_MS * 24 * 365, last + HOUR_MS * 24 * 366),
  ];
}

function wholeRange({ since, until }: LoadedDatabase): { since: string; until: string } {
  return { since, until };
}

/** Users with few outcomes, by the least and by the greatest id of those. */
async function rareUsers(loaded: LoadedDatabase): Promise<string[]> {
  const text = `select user_id from (select user_id from auction_outcomes tablesample system (0.5) repeatable (1) where user_id > 'user-0190000') as sampled
    group by user_id order by count(*), user_id limit 2`;
  return (await loaded.database.query<{ user_id: string }>({ text }, [])).map(({ user_id }) => user_id);
}

/**
 * Pages from the 10,000th on. Their cursors are not walked to over 10,000 pages: each is made of the last row of the page before, found by
 * SQL, with the API's own `encodeCursor`. `filters` leave no outcome out.
 */
async function deepPages(loaded: LoadedDatabase, filters: OutcomeFilters): Promise<Asked[]> {
  const parameters = filterParameters(filters);
  const bound = parameters.toString();
  parameters.set('limit', String(PAGE_LIMIT));
  const before = (DEEP_PAGE - 1) * PAGE_LIMIT - 1;
  const rows = await positions(loaded, before, DEEP_PAGES * PAGE_LIMIT + 1);
  return Array.from({ length: DEEP_PAGES }, (_, page) => {
    const from = page * PAGE_LIMIT;
    const last = rows[from];
    if (last === undefined) throw new Error(`there is no page ${DEEP_PAGE + page}`);
    const cursor = encodeCursor({ direction: 'older', timestamp: last.timestamp, bidId: last.bid_id }, bound);
    const expected = rows.slice(from + 1, from + 1 + PAGE_LIMIT).map(({ bid_id }) => bid_id);
    return { path: `/api/outcomes/?${parameters.toString()}&cursor=${cursor}`, check: samePage(expected) };
  });
}

async function positions(loaded: LoadedDatabase, offset: number, limit: number): Promise<{ timestamp: string; bid_id: string }[]> {
  const text = `select to_char(stored."timestamp" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "timestamp", bid_id
    from auction_outcomes as stored order by stored."timestamp" desc, stored.bid_id desc offset ${offset} limit ${limit}`;
  return loaded.database.query({ text }, []);
}

/** The ids of a page, by a statement of the bench's own. */
async function idsOf(loaded: LoadedDatabase, filters: OutcomeFilters, offset: number, limit: number): Promise<string[]> {
  const values: unknown[] = [];
  const conditions = ['true'];
  for (const name of ['win_status', 'site_domain', 'user_id', 'enriched'] as const)
    if (filters[name] !== undefined) conditions.push(`${name} = $${values.push(filters[name])}`);
  if (filters.since !== undefined) conditions.push(`"timestamp" >= $${values.push(filters.since)}::timestamptz`);
  if (filters.until !== undefined) conditions.push(`"timestamp" < $${values.push(filters.until)}::timestamptz`);
  const text = `select bid_id from auction_outcomes where ${conditions.join(' and ')} order by "timestamp" desc, bid_id desc offset ${offset} limit ${limit}`;
  return (await loaded.database.query<{ bid_id: string }>({ text }, values)).map(({ bid_id }) => bid_id);
}

function samePage(expected: readonly string[]): (body: string) => void {
  return (body) => {
    const { results } = JSON.parse(body) as { results: { bid_id: string }[] };
    const found = results.map(({ bid_id }) => bid_id).join(' ');
    if (found !== expected.join(' ')) throw new Error(`the page has other rows than the table: ${found.slice(0, 200)}`);
  };
}

/** Outcomes from all over the table. */
async function oneOutcome(loaded: LoadedDatabase): Promise<Question[]> {
  const text = `select bid_id, bid_price::float8 as bid_price, market_price::float8 as market_price
    from auction_outcomes tablesample system (0.05) repeatable (7) order by hashtext(bid_id) limit 500`;
  const rows = await loaded.database.query<{ bid_id: string; bid_price: number; market_price: number }>({ text }, []);
  const asked = rows.map((row) => ({
    path: `/api/outcomes/${encodeURIComponent(row.bid_id)}/`,
    check: (body: string): void => {
      const found = JSON.parse(body) as typeof row;
      if (found.bid_id !== row.bid_id || found.bid_price !== row.bid_price || found.market_price !== row.market_price)
        throw new Error(`${row.bid_id} is another outcome in the table`);
    },
  }));
  return [{ ...PAGES, name: 'one outcome', asked }];
}

/** The statistics of the last `hours` hours, in ten windows that each begin an hour earlier than the one before; the first is checked against the rows. */
async function statsQuestions(loaded: LoadedDatabase, hours: number, pace: { goalP99Ms: number; perSecond: number }): Promise<Question[]> {
  const facts = await rangeFacts(loaded, hours);
  const windows = Array.from({ length: 10 }, (_, index) => {
    const shifted = (instant: string): string => encodeURIComponent(new Date(Date.parse(instant) - index * HOUR_MS).toISOString());
    return `since=${shifted(facts.since)}&until=${shifted(facts.until)}`;
  });
  const ask = (pathOf: (range: string) => string, check: (body: string) => void): Asked[] =>
    windows.map((range, index) => ({ path: pathOf(range), check: index === 0 ? check : () => undefined }));
  const name = hours === 24 ? '24 h' : `${hours / 24} d`;
  return [
    { ...pace, name: `${name} summary`, asked: ask(statsPaths.summary, (body) => checkSummary(body, facts)) },
    { ...pace, name: `${name} timeseries`, asked: ask(statsPaths.timeseries, (body) => checkTimeseries(body, facts, autoWidthMs(hours))) },
    ...dimensions.map((by) => ({
      ...pace,
      name: `${name} breakdown by ${by}`,
      asked: ask(
        (range) => statsPaths.breakdown(range, by),
        (body) => checkBreakdown(body, facts, by),
      ),
    })),
  ];
}
