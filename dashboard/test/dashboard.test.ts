import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pressed } from '../src/breakdown-order.js';
import { type FeedStanding, standingOf } from '../src/connection.js';
import { Dashboard } from '../src/dashboard.js';

const START = Date.parse('2026-01-31T12:00:30Z');
let asked: string[];
let pushed: string[];
let dashboard: Dashboard;
const build = (query: string) => {
  dashboard = new Dashboard({
    ask: async (path) => {
      asked.push(path);
      return {
        ok: true,
        status: 200,
        headers: { get: () => null },
        json: async () => ({ results: [], total: {}, points: [], interval: '1m', current: {}, previous: {} }),
      };
    },
    nowUnixMs: Date.now,
    zone: 'Europe/Berlin',
    query,
    push: (text) => pushed.push(text),
  });
  dashboard.start();
};
const pass = (elapsedMs: number) => vi.advanceTimersByTimeAsync(elapsedMs);
const stats = () => asked.filter((path) => path.includes('/stats/'));

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  asked = [];
  pushed = [];
});
afterEach(() => {
  dashboard.setHidden(true);
  vi.useRealTimers();
});

describe('the dashboard', () => {
  it('asks for summary, time series, five breakdowns and the newest outcomes, for one range', async () => {
    build('?enriched=true');
    await pass(1);
    expect(stats()).toHaveLength(7);
    expect(asked).toHaveLength(8);
    for (const path of asked) expect(path).toContain('since=2026-01-31T11%3A01%3A00Z&until=2026-01-31T12%3A01%3A00Z');
    for (const path of asked) expect(path).toContain('&enriched=true');
    expect(asked.find((path) => path.includes('timeseries'))).toContain('interval=auto&zone=Europe%2FBerlin');
  });

  it('asks for statistics every 10 s, with a range that moves along by the minute', async () => {
    build('');
    await pass(20_500);
    expect(stats()).toHaveLength(7 * 3);
    expect(new Set(stats().map((path) => /until=[^&]+/.exec(path)?.[0]))).toEqual(new Set(['until=2026-01-31T12%3A01%3A00Z']));
    await pass(20_000);
    expect(stats().at(-1)).toContain('until=2026-01-31T12%3A02%3A00Z');
  });

  it('puts a choice into the address and asks for all of it anew', async () => {
    build('');
    await pass(1);
    asked = [];
    dashboard.go({ filters: { site_domain: 'a&b' } });
    await pass(1);
    expect(pushed).toEqual(['?site_domain=a%26b']);
    expect(asked).toHaveLength(8);
    for (const path of asked) expect(path).toContain('site_domain=a%26b');
    dashboard.go({ filters: { site_domain: 'a&b' } });
    expect(pushed).toHaveLength(1);
  });

  it('follows the address back without a new step', async () => {
    build('?range=24h');
    dashboard.go({ filters: { interest: 'sports' } });
    dashboard.read('?range=24h');
    expect(dashboard.page.value).toEqual({ range: { kind: 'preset', preset: '24h' }, filters: {} });
    expect(pushed).toHaveLength(1);
  });

  it('asks for another ranking of one breakdown only', async () => {
    build('');
    await pass(1);
    asked = [];
    const order = dashboard.orders.get('site')?.value;
    if (order === undefined) throw new Error('no order');
    dashboard.order('site', pressed(order, 'win_rate'));
    await pass(1);
    expect(asked).toEqual([]);
    dashboard.order('site', pressed(order, 'spend_usd'));
    await pass(1);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('by=site&sort=spend_usd');
  });

  it('asks for one outcome by its id, encoded once more', async () => {
    build('');
    dashboard.outcome('a%3Ab:1').start();
    await pass(1);
    expect(asked).toContain('/api/analytics/outcomes/a%253Ab%3A1/');
  });

  it('rests while nobody looks', async () => {
    build('');
    await pass(1);
    dashboard.setHidden(true);
    asked = [];
    await pass(60_000);
    expect(asked).toEqual([]);
  });
});

describe('how the page stands to the API', () => {
  const now = { unixMs: 100_000, online: true, paused: false };
  const ready: FeedStanding = { state: 'ready', fault: null, answeredAtUnixMs: 99_000, staleAfterMs: 5000 };
  const away: FeedStanding = { ...ready, state: 'failed', fault: 'no answer' };

  it.each<[string, FeedStanding[], Partial<typeof now>, string]>([
    ['everything is fresh', [ready, ready], {}, 'live'],
    ['nothing was answered yet', [{ ...ready, state: 'loading', answeredAtUnixMs: 0 }], {}, 'loading'],
    ['the reader changed the view', [ready, { ...ready, state: 'refreshing' }], {}, 'refreshing'],
    ['it is paused', [ready], { paused: true }, 'paused'],
    ['one answer is too old', [ready, { ...ready, answeredAtUnixMs: 90_000 }], {}, 'stale'],
    ['one feed fails', [ready, away], {}, 'stale'],
    ['one feed fails while paused', [ready, away], { paused: true }, 'stale'],
    ['no feed is answered any more', [away, away], {}, 'offline'],
    [
      'none was ever answered',
      [
        { ...away, answeredAtUnixMs: 0 },
        { ...ready, state: 'loading', answeredAtUnixMs: 0 },
      ],
      {},
      'offline',
    ],
    ['the API itself fails', [{ ...ready, state: 'failed', fault: 'fault', answeredAtUnixMs: 0 }], {}, 'stale'],
    ['there is no network', [ready], { online: false }, 'offline'],
    ['the API refuses one question', [ready, { ...ready, state: 'failed', fault: 'refused', answeredAtUnixMs: 0 }], {}, 'live'],
  ])('when %s', (_what, feeds, change, expected) => {
    expect(standingOf(feeds, { ...now, ...change }).connection).toBe(expected);
  });

  it('is as old as the oldest answer that is shown', () => {
    expect(standingOf([ready, { ...ready, answeredAtUnixMs: 0 }, { ...ready, answeredAtUnixMs: 90_000 }], now).answeredAtUnixMs).toBe(
      90_000,
    );
    expect(standingOf([], now).answeredAtUnixMs).toBe(0);
  });
});
