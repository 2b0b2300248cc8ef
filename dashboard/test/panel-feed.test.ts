import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FeedResponse } from '../src/fault.js';
import { type Outcome, outcomesOf } from '../src/outcome.js';
import { PanelFeed } from '../src/panel-feed.js';

const outcome = (id: string, timestamp = '2026-01-01T00:00:00.000Z') => ({ bid_id: id, timestamp }) as Outcome;
const answer = (etag: string, results: unknown, status = 200): FeedResponse => ({
  ok: status < 300,
  status,
  headers: { get: (name) => (name === 'etag' ? etag : name === 'x-request-id' ? 'from-header' : null) },
  json: async () => results,
});
const page = (etag: string, ...results: Outcome[]) => answer(etag, { results });
const unavailable = () => answer('', { title: 'Service unavailable', detail: 'The database does not answer.', request_id: 'r-1' }, 503);

let next: () => Promise<FeedResponse>;
let aborts: AbortSignal[];
let feed: PanelFeed<readonly Outcome[]>;
const build = (intervalMs: number | null) =>
  new PanelFeed({
    intervalMs,
    timeoutMs: 8000,
    retryMaxMs: 10_000,
    nowUnixMs: Date.now,
    request: (abort) => {
      aborts.push(abort);
      return next();
    },
    read: outcomesOf,
  });
const start = async () => {
  feed.start();
  await vi.advanceTimersByTimeAsync(1);
};
const pass = (elapsedMs: number) => vi.advanceTimersByTimeAsync(elapsedMs);

beforeEach(() => {
  vi.useFakeTimers();
  aborts = [];
  next = async () => page('"1"', outcome('a'));
  feed = build(1000);
});
afterEach(() => {
  feed.stop();
  vi.useRealTimers();
});

describe('a feed', () => {
  it('goes from loading to ready and asks once an interval', async () => {
    expect(feed.state.value).toBe('loading');
    await start();
    expect(feed.state.value).toBe('ready');
    expect(feed.answeredAtUnixMs.value).toBe(Date.now() - 1);
    await pass(10_000);
    expect(aborts).toHaveLength(11);
  });

  it('keeps what it shows while the answer is unchanged, and knows what was there before when it changes', async () => {
    await start();
    const shown = feed.data.value;
    await pass(3000);
    expect(feed.data.value).toBe(shown);
    expect(feed.previous.value).toBeNull();
    next = async () => page('"2"', outcome('b'), outcome('a'));
    await pass(1000);
    expect(feed.data.value).toHaveLength(2);
    expect(feed.previous.value).toBe(shown);
  });

  it('shows the problem that the API reports, with its request id, and keeps the data of the same view', async () => {
    await start();
    next = async () => unavailable();
    await pass(1000);
    expect(feed.state.value).toBe('failed');
    expect(feed.fault.value).toEqual({
      title: 'Service unavailable',
      detail: 'The database does not answer.',
      status: 503,
      code: null,
      requestId: 'r-1',
    });
    expect(feed.data.value).toHaveLength(1);
  });

  it.each([
    ['no connection', () => Promise.reject(new TypeError('Failed to fetch'))],
    ['an answer of another shape', async () => answer('"x"', { hello: 1 })],
    ['an answer that is no JSON', async () => ({ ...page('"x"'), json: () => Promise.reject(new SyntaxError('<')) })],
  ])('takes %s as a fault', async (_what, response) => {
    next = response;
    await start();
    expect(feed.state.value).toBe('failed');
    expect(feed.fault.value?.requestId).toBeNull();
  });

  it('waits longer after each fault, up to its bound, and is ready again by itself', async () => {
    next = () => Promise.reject(new TypeError('Failed to fetch'));
    await start();
    await pass(60_000);
    // At 0, 2, 6, 14 s and then every 10 s.
    expect(aborts).toHaveLength(4 + 4);
    next = async () => page('"1"');
    await pass(10_000);
    expect(feed.state.value).toBe('ready');
    expect(feed.fault.value).toBeNull();
  });

  it('does not repeat a question that the API refuses, until it changes', async () => {
    next = async () => answer('', { title: 'Invalid request', code: 'RANGE_NEEDS_ROWS' }, 400);
    await start();
    await pass(60_000);
    expect(aborts).toHaveLength(1);
    expect(feed.fault.value?.code).toBe('RANGE_NEEDS_ROWS');
    next = async () => page('"1"');
    feed.change();
    await pass(1);
    expect(feed.state.value).toBe('ready');
  });

  it('gives up a question that is not answered in time', async () => {
    next = () => new Promise((_resolve, reject) => aborts.at(-1)?.addEventListener('abort', () => reject(new Error('aborted'))));
    await start();
    await pass(7998);
    expect(feed.state.value).toBe('loading');
    await pass(2);
    expect(feed.state.value).toBe('failed');
  });
});

describe('a changed view', () => {
  it('is asked for at once, with the old data still there', async () => {
    await start();
    next = async () => page('"2"', outcome('b'));
    feed.change();
    expect(feed.state.value).toBe('refreshing');
    expect(feed.data.value?.[0]?.bid_id).toBe('a');
    await pass(1);
    expect(feed.state.value).toBe('ready');
    expect(feed.data.value?.[0]?.bid_id).toBe('b');
    expect(feed.previous.value).toBeNull();
  });

  it('aborts the question under way, whose late answer changes nothing', async () => {
    let answerFirst: (response: FeedResponse) => void = () => undefined;
    next = () => new Promise((resolve) => (answerFirst = resolve));
    await start();
    next = async () => page('"2"', outcome('b'));
    feed.change();
    await pass(1);
    expect(aborts.map(({ aborted }) => aborted)).toEqual([true, false]);
    answerFirst(page('"1"', outcome('a')));
    await pass(1);
    expect(feed.data.value?.[0]?.bid_id).toBe('b');
  });

  it('that fails takes away what was shown: it would stand under other filters', async () => {
    await start();
    next = async () => unavailable();
    feed.change();
    await pass(1);
    expect(feed.state.value).toBe('failed');
    expect(feed.data.value).toBeNull();
    expect(feed.answeredAtUnixMs.value).toBe(0);
  });

  it('is asked for while paused, too', async () => {
    await start();
    feed.setPaused(true);
    feed.change();
    await pass(30_000);
    expect(aborts).toHaveLength(2);
  });
});

describe('a resting feed', () => {
  it('asks for nothing while hidden or paused, and catches up at once', async () => {
    await start();
    feed.setHidden(true);
    await pass(30_000);
    expect(aborts).toHaveLength(1);
    feed.setHidden(false);
    await pass(1);
    expect(aborts).toHaveLength(2);
    feed.setPaused(true);
    await pass(30_000);
    expect(aborts).toHaveLength(2);
    feed.setPaused(false);
    await pass(1);
    expect(aborts).toHaveLength(3);
  });

  it('asks at once on retry, in place of the question under way', async () => {
    next = () => new Promise(() => undefined);
    await start();
    feed.retry();
    await pass(1);
    expect(aborts.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it('has one question under way at most', async () => {
    next = () => new Promise(() => undefined);
    await start();
    feed.setHidden(true);
    feed.setHidden(false);
    await pass(5000);
    expect(aborts).toHaveLength(1);
  });

  it('without an interval asks once, and again only after a fault', async () => {
    feed = build(null);
    next = async () => unavailable();
    await start();
    next = async () => page('"1"');
    await pass(60_000);
    feed.setHidden(true);
    feed.setHidden(false);
    await pass(60_000);
    expect(aborts).toHaveLength(2);
    expect(feed.state.value).toBe('ready');
  });
});
