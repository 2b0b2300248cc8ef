import type { AuctionOutcome } from '@helios/proto/events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditRollups } from '../../src/audit/rollup-audit.js';
import { foldDay } from '../../src/writer/fold-days.js';
import { outcome } from '../outcomes.js';
import { storeOutcomes } from '../stored-outcomes.js';
import { startHarness, type WriterHarness } from '../writer/writer-harness.js';
import { type ApiUnderTest, startApi } from './api-under-test.js';
import {
  figures,
  groups,
  latenciesMs,
  latencyMsOf,
  localDay,
  localHour,
  type Predicate,
  predicates,
  valueOf,
  within,
} from './expected-statistics.js';
import { ask } from './http-client.js';

/** Over the change from daylight saving in Berlin (2026-10-25T01:00Z), with full minutes, hours and days among the times. */
const firstUnixMs = Date.parse('2026-10-23T20:00:00Z');
const stepMs = 77_000;
const COUNT = 2600;
const events: AuctionOutcome[] = Array.from({ length: COUNT }, (_, index) => {
  const offsetMs = index % 9 === 0 ? Math.floor((index * stepMs) / 3_600_000) * 3_600_000 : index * stepMs + (index % 997);
  return outcome(index, { timestamp: new Date(firstUnixMs + offsetMs).toISOString(), test: index % 11 === 0 }, firstUnixMs);
});
const latencyOf = new Map(events.map((event, index) => [event.bid_id, latencyMsOf(index)]));

let harness: WriterHarness;
let api: ApiUnderTest;
beforeAll(async () => {
  harness = await startHarness();
  await storeOutcomes(harness.database, events, latencyMsOf);
  api = await startApi(harness.database);
});
afterAll(async () => {
  await api.app.close();
  await harness.stop();
});

type Json = Record<string, unknown>;
async function stats<Body = Json>(path: string, query: Record<string, string>): Promise<Body> {
  const answer = await ask(api.port, `/api/stats/${path}/?${new URLSearchParams(query).toString()}`);
  expect([answer.statusCode, answer.body.slice(0, 300)]).toEqual([200, expect.any(String)]);
  return answer.value as Body;
}

const counted = events.filter((event) => !event.test);
const of = (since: string, until: string, ...filters: Predicate[]) =>
  counted.filter((event) => within(event, since, until) && filters.every((f) => f(event)));

interface Point extends Json {
  time: string;
  bids: number;
}
interface Breakdown {
  since: string;
  until: string;
  grain: string;
  total: Json;
  results: (Json & { value: string })[];
  rest: (Json & { values: number }) | null;
}

/** Before any day is folded, and after: whatever answers, the figures are the same. */
describe.each(['as stored', 'with whole days folded', 'with one of these days unfolded by a late row'])('statistics %s', (stage) => {
  beforeAll(async () => {
    if (stage === 'with whole days folded')
      for (const day of ['2026-10-24', '2026-10-25']) await foldDay(harness.database, `${day}T00:00:00Z`);
    if (stage.startsWith('with one')) {
      const late = outcome(COUNT, { timestamp: '2026-10-24T12:34:56.789Z', test: false }, firstUnixMs);
      await storeOutcomes(harness.database, [late], () => 33);
      counted.push(late);
      latencyOf.set(late.bid_id, 33);
      const folded = await harness.database.query<{ day: string }>(
        { text: `select to_char(day at time zone 'UTC', 'YYYY-MM-DD') as day from outcome_day_totals` },
        [],
      );
      expect(folded).toEqual([{ day: '2026-10-25' }]);
    }
  });

  it('sums everything of a range and of the period before, to the minute', async () => {
    const { current, previous, ...used } = await stats<{ current: Json; previous: Json }>('summary', {
      since: '2026-10-24T20:10:30Z',
      until: '2026-10-26T01:02:03.000000001Z',
    });
    const [since, until] = ['2026-10-24T20:10:00.000Z', '2026-10-26T01:03:00.000Z'];
    expect(used).toEqual({ since, until, grain: 'minute' });
    const rows = of(since, until);
    expect(current).toEqual({ ...figures(rows), accepted_to_outcome: latenciesMs(rows, latencyOf) });
    const before = '2026-10-23T15:17:00.000Z';
    const earlier = of(before, since);
    expect(previous).toEqual({ since: before, until: since, ...figures(earlier), accepted_to_outcome: latenciesMs(earlier, latencyOf) });
    expect(rows.length).toBeGreaterThan(1000);
  });

  it.each(Object.entries(predicates))('sums hours with the filter %s', async (filter, predicate) => {
    const [name = '', value = ''] = filter.split('=');
    const summary = await stats<{ current: Json; previous: Json }>('summary', {
      since: '2026-10-24T22:40:00Z',
      until: '2026-10-26T03:00:01Z',
      [name]: value,
    });
    const [since, until] = ['2026-10-24T22:00:00.000Z', '2026-10-26T04:00:00.000Z'];
    expect(summary).toMatchObject({ since, until, grain: 'hour' });
    expect(summary.current).toEqual({ ...figures(of(since, until, predicate)), accepted_to_outcome: null });
    expect(summary.previous).toMatchObject(figures(of('2026-10-23T16:00:00.000Z', since, predicate)));
  });

  it.each(['site', 'interest', 'price_tier', 'creative_size', 'enriched'])('breaks a range of days down by %s', async (by) => {
    const [since, until] = ['2026-10-23T22:00:00.000Z', '2026-10-26T02:00:00.000Z'];
    const expected = groups(of(since, until), by);
    for (const [sort, limit] of [
      ['bids', 1],
      ['wins', 2],
      ['spend_usd', 500],
    ] as const) {
      const answer = await stats<Breakdown>('breakdown', { by, since, until, sort, limit: String(limit) });
      const ordered = expected.toSorted((a, b) => b[sort] - a[sort] || (a.value < b.value ? -1 : 1));
      expect(answer).toMatchObject({ since, until, by, sort, grain: 'hour', total: figures(of(since, until)) });
      expect(answer.results).toEqual(ordered.slice(0, limit));
      const others = ordered.slice(limit).map(({ value }) => value);
      const rest = of(since, until).filter((event) => others.includes(valueOf(event, by)));
      expect(answer.rest).toEqual(others.length === 0 ? null : { values: others.length, ...figures(rest) });
    }
  });

  it.each([
    ['1h', 'Europe/Berlin', 'hour', localHour],
    ['1d', 'Europe/Berlin', 'hour', localDay],
    ['1h', 'Asia/Kolkata', 'minute', localHour],
    ['1d', 'Asia/Kolkata', 'minute', localDay],
    ['1d', 'UTC', 'hour', localDay],
  ] as const)('shows bins of %s in %s, each one exact, from %s', async (interval, zone, grain, bin) => {
    const asked = { since: '2026-10-24T10:00:00Z', until: '2026-10-26T10:00:00Z' };
    const answer = await stats<{ since: string; until: string; points: Point[] }>('timeseries', { ...asked, interval, zone });
    expect(answer).toMatchObject({ interval, zone, grain });
    expect([answer.since <= '2026-10-24T10:00:00.000Z', answer.until >= '2026-10-26T10:00:00.000Z']).toEqual([true, true]);
    const times = [...answer.points.map(({ time }) => time), answer.until];
    expect(times[0]).toBe(answer.since);
    for (const [index, point] of answer.points.entries()) {
      const rows = of(times[index] ?? '', times[index + 1] ?? '');
      expect(point).toMatchObject({ ...figures(rows), bids: rows.length });
      // All of a bin's outcomes have one local hour or day, and those around it another.
      expect(new Set(rows.map((event) => bin(event.timestamp, zone))).size).toBeLessThanOrEqual(1);
      expect(bin(point.time, zone)).not.toBe(bin(new Date(Date.parse(point.time) - 1).toISOString(), zone));
    }
    expect(answer.points.reduce((sum, { bids }) => sum + bids, 0)).toBe(of(answer.since, answer.until).length);
  });

  it('agrees with the audit', async () => {
    const audit = await auditRollups(harness.database);
    expect([audit.holds, audit.dayTotals.compared]).toEqual([true, stage === 'as stored' ? 0 : stage.startsWith('with one') ? 1 : 2]);
  });
});

describe('time series', () => {
  it('has the 25 hours of the day on which Berlin goes back an hour, and a point without bids for every minute without any', async () => {
    const day = await stats<{ points: Point[] }>('timeseries', {
      since: '2026-10-24T22:00:00Z',
      until: '2026-10-25T23:00:00Z',
      interval: '1d',
      zone: 'Europe/Berlin',
    });
    expect(day.points.map(({ time }) => time)).toEqual(['2026-10-24T22:00:00.000Z']);
    const quiet = await stats<{ points: Point[] }>('timeseries', { since: '2020-01-01T00:00:00Z', until: '2020-01-01T06:00:00Z' });
    expect(quiet).toMatchObject({ interval: '1m', grain: 'minute' });
    expect(quiet.points).toHaveLength(360);
    expect(quiet.points[359]).toEqual({
      time: '2020-01-01T05:59:00.000Z',
      bids: 0,
      wins: 0,
      win_rate: null,
      spend_usd: 0,
      avg_bid_price: null,
      avg_market_price: null,
      avg_clearing_price: null,
      ecpm: null,
    });
  });

  it.each(Object.entries(predicates))('reads rows by the minute and hours beyond, with the filter %s', async (filter, predicate) => {
    const [name = '', value = ''] = filter.split('=');
    for (const [until, interval, grain, widthMs] of [
      ['2026-10-25T02:30:00Z', '1m', 'row', 60_000],
      ['2026-10-25T20:30:00Z', '1h', 'hour', 3_600_000],
    ] as const) {
      const answer = await stats<{ since: string; points: Point[] }>('timeseries', {
        since: '2026-10-24T22:30:00Z',
        until,
        [name]: value,
        zone: 'Asia/Kolkata',
      });
      expect(answer).toMatchObject({ interval, grain });
      for (const [index, point] of answer.points.entries()) {
        const from = Date.parse(answer.since) + index * widthMs;
        const rows = of(new Date(from).toISOString(), new Date(from + widthMs).toISOString(), predicate);
        expect(point).toMatchObject({ time: new Date(from).toISOString(), ...figures(rows) });
      }
    }
  });

  it('comes as CSV, breakdowns too', async () => {
    const range = 'since=2026-10-24T00:00:00Z&until=2026-10-24T03:00:00Z';
    const points = await ask(api.port, `/api/analytics/stats/timeseries/?${range}&interval=1h&format=csv`);
    expect(points.headers).toMatchObject({
      'content-type': expect.stringContaining('text/csv'),
      'content-disposition': expect.stringContaining('helios-timeseries.csv'),
    });
    const lines = points.body.trim().split('\r\n');
    expect(lines[0]).toBe('time,bids,wins,win_rate,spend_usd,avg_bid_price,avg_market_price,avg_clearing_price,ecpm');
    expect(lines[3]).toMatch(new RegExp(`^2026-10-24T02:00:00.000Z,${of('2026-10-24T02', '2026-10-24T03').length},`));
    const sites = await ask(api.port, `/api/stats/breakdown/?by=site&${range}`, { headers: { accept: 'text/csv' } });
    expect(sites.body).toMatch(/^value,bids,wins,win_rate,spend_usd,avg_bid_price,avg_clearing_price,ecpm\r\n/);
    expect(sites.body.trim().split('\r\n')).toHaveLength(5);
  });
});

describe('statistics from rows', () => {
  const [since, until] = ['2026-10-24T22:00:00.500Z', '2026-10-25T04:00:00.500Z'];
  const both: Predicate[] = [(event) => event.enriched, (event) => event.site_domain === 'news.example'];
  const filters = { enriched: 'true', site_domain: 'news.example' };

  it('sum two filters exactly as asked, with exact latencies', async () => {
    const answer = await stats<{ current: Json }>('summary', { since, until, ...filters });
    expect(answer).toMatchObject({ since, until, grain: 'row' });
    const rows = of(since, until, ...both);
    const sorted = rows.flatMap((event) => latencyOf.get(event.bid_id) ?? []).toSorted((a, b) => a - b);
    const quantile = (q: number) => {
      const at = q * (sorted.length - 1);
      const [low = 0, high = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
      return Math.round((low + (high - low) * (at % 1)) * 1000) / 1000;
    };
    expect(rows.length).toBeGreaterThan(50);
    expect(answer.current).toEqual({
      ...figures(rows),
      accepted_to_outcome: { count: sorted.length, p50_ms: quantile(0.5), p99_ms: quantile(0.99) },
    });
  });

  it('break down with a filter by another dimension, and need no rows for one by the same', async () => {
    const answer = await stats<Breakdown>('breakdown', { by: 'site', since, until, enriched: 'true' });
    const rows = of(since, until, (event) => event.enriched);
    expect(answer).toMatchObject({ grain: 'row', total: figures(rows), rest: null });
    expect(answer.results).toHaveLength(groups(rows, 'site').length);
    const own = await stats<Breakdown>('breakdown', {
      by: 'site',
      since: '2026-10-23T00:00:00Z',
      until: '2026-10-27T00:00:00Z',
      site_domain: '',
    });
    expect(own).toMatchObject({
      grain: 'hour',
      rest: null,
      results: [{ value: '', ...figures(counted.filter((event) => event.site_domain === '')) }],
    });
  });

  it('bin two filters', async () => {
    const answer = await stats<{ points: Point[]; since: string; until: string }>('timeseries', {
      since,
      until,
      ...filters,
      interval: '1h',
    });
    expect(answer).toMatchObject({ since: '2026-10-24T22:00:00.000Z', until: '2026-10-25T05:00:00.000Z', grain: 'row' });
    expect(answer.points.map(({ bids }) => bids)).toEqual(
      answer.points.map(({ time }) => of(time, new Date(Date.parse(time) + 3_600_000).toISOString(), ...both).length),
    );
  });
});

describe('a request for statistics that cannot be answered', () => {
  const range = { since: '2026-10-24T00:00:00Z', until: '2026-10-25T00:00:00Z' };
  const days = { since: '2026-10-01T00:00:00Z', until: '2026-10-31T00:00:00Z' };
  const rows = { code: 'RANGE_NEEDS_ROWS', errors: [{ parameter: 'since', detail: expect.stringContaining('at most 6 hours') }] };
  it.each([
    [
      'summary',
      {},
      {
        errors: [
          { parameter: 'since', detail: 'is required.' },
          { parameter: 'until', detail: 'is required.' },
        ],
      },
    ],
    [
      'summary',
      { ...range, win_status: 'true' },
      {
        detail: expect.stringMatching(
          /win_status is not a parameter here. Known: since, until, site_domain, interest, price_tier, creative_size, enriched\./,
        ),
      },
    ],
    ['timeseries', { ...range, nope: '1' }, { detail: expect.stringContaining('Known: since, until, interval, zone, site_domain') }],
    [
      'breakdown',
      { ...range, by: 'site', nope: '1' },
      { detail: expect.stringContaining('Known: by, since, until, limit, sort, site_domain') },
    ],
    ['breakdown', range, { errors: [{ parameter: 'by', detail: 'is required.' }] }],
    ['breakdown', { ...range, by: 'user_id' }, { detail: expect.stringContaining('site, interest') }],
    ['breakdown', { ...range, by: 'site', limit: '501' }, { errors: [{ parameter: 'limit' }] }],
    ['breakdown', { ...range, by: 'site', limit: '1e400' }, { errors: [{ parameter: 'limit' }] }],
    ['breakdown', { ...range, by: 'site', sort: 'ecpm' }, { errors: [{ parameter: 'sort' }] }],
    ['summary', { since: range.until, until: range.since }, { errors: [{ parameter: 'since', detail: 'must be before until.' }] }],
    ['summary', { since: range.since, until: range.since }, { errors: [{ parameter: 'since' }] }],
    [
      'summary',
      { since: '2025-09-19T23:59:59Z', until: range.until },
      { errors: [{ parameter: 'since', detail: expect.stringContaining('400 days') }] },
    ],
    ['summary', { ...range, until: 'yesterday' }, { errors: [{ parameter: 'until' }] }],
    [
      'summary',
      { since: '0001-01-01T00:00:00Z', until: '0001-01-02T00:00:00Z' },
      { errors: [{ parameter: 'since', detail: expect.stringContaining('1970') }] },
    ],
    ['summary', { since: '9999-12-30T00:00:00Z', until: '9999-12-31T23:59:59Z' }, { errors: [{ parameter: 'since' }] }],
    ['summary', { ...range, creative_size: '300' }, { errors: [{ parameter: 'creative_size' }] }],
    ['summary', { ...range, price_tier: 'cheap' }, { errors: [{ parameter: 'price_tier' }] }],
    ['summary', { ...range, interest: 'a\0' }, { errors: [{ parameter: 'interest' }] }],
    ['summary', { ...range, interest: 'sports', enriched: 'true' }, rows],
    ['breakdown', { ...range, by: 'site', interest: 'sports' }, rows],
    ['timeseries', { ...range, enriched: 'true', interval: '1m' }, rows],
    ['timeseries', { ...range, enriched: 'true', interest: 'sports' }, rows],
    ['timeseries', { ...days, enriched: 'true', interval: '1d', zone: 'Asia/Kolkata' }, rows],
    ['timeseries', { ...days, interval: '1m' }, { errors: [{ parameter: 'interval', detail: expect.stringContaining('interval=1h') }] }],
    [
      'timeseries',
      { since: '2026-01-01T00:00:00Z', until: '2026-10-31T00:00:00Z', interval: '1h' },
      { errors: [{ parameter: 'interval', detail: expect.stringContaining('interval=1d') }] },
    ],
    ['timeseries', { ...range, zone: 'Mars/Olympus' }, { errors: [{ parameter: 'zone' }] }],
    ['timeseries', { ...range, interval: '2h' }, { errors: [{ parameter: 'interval' }] }],
  ] as const)('is a 400 that says why: %s %j', async (path, query, expected) => {
    const answer = await ask(api.port, `/api/stats/${path}/?${new URLSearchParams(query as Record<string, string>).toString()}`);
    expect(answer.statusCode, answer.body).toBe(400);
    expect(answer.value).toMatchObject({ title: 'Invalid request', ...expected });
    expect(Object.hasOwn(answer.value as object, 'code')).toBe(expected === rows);
  });
});
