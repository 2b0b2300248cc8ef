import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FeedResponse, OutcomeFeed } from '../src/outcome-feed.js';
import type { Outcome } from '../src/outcome.js';

const outcome = (id: string, timestamp: string) => ({ bid_id: id, timestamp }) as Outcome;
const answer = (etag: string, results: unknown, status = 200): FeedResponse => ({
  ok: status < 300,
  status,
  headers: { get: (name) => (name === 'etag' ? etag : name === 'x-request-id' ? 'from-header' : null) },
  json: async () => results,
});
const page = (etag: string, ...results: Outcome[]) => answer(etag, { results });

let next: () => Promise<FeedResponse>;
let requests: number;
let feed: OutcomeFeed;
beforeEach(() => {
  vi.useFakeTimers();
  requests = 0;
  next = async () => page('"1"');
  feed = new OutcomeFeed({
    intervalMs: 1000,
    timeoutMs: 8000,
    retryMaxMs: 10_000,
    nowUnixMs: Date.now,
    request: () => {
      requests++;
      return next();
    },
  });
});
afterEach(() => {
  feed.stop();
  vi.useRealTimers();
});
const start = async () => {
  feed.start();
  await vi.advanceTimersByTimeAsync(1);
};

describe('the feed', () => {
  it('goes from loading to live and asks about once a second', async () => {
    expect(feed.state.value).toBe('loading');
    await start();
    expect(feed.state.value).toBe('live');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(requests).toBe(11);
  });

  it('keeps what it shows while the page is unchanged, and knows which rows are new when it changes', async () => {
    const first = outcome('a', '2026-01-01T00:00:00.000Z');
    next = async () => page('"1"', first);
    await start();
    const shown = feed.outcomes.value;
    await vi.advanceTimersByTimeAsync(3000);
    expect(feed.outcomes.value).toBe(shown);
    next = async () => page('"2"', outcome('b', '2026-01-01T00:00:01.000Z'), first);
    await vi.advanceTimersByTimeAsync(1000);
    expect(feed.outcomes.value).toHaveLength(2);
    expect(feed.seenUntil.value).toBe(first.timestamp);
  });

  it('shows the problem that the API reports, with its request id, and keeps the rows', async () => {
    next = async () => page('"1"', outcome('a', '2026-01-01T00:00:00.000Z'));
    await start();
    next = async () => answer('', { title: 'Service unavailable', detail: 'The database does not answer.', request_id: 'r-1' }, 503);
    await vi.advanceTimersByTimeAsync(1000);
    expect(feed.state.value).toBe('failed');
    expect(feed.fault.value).toEqual({ title: 'Service unavailable', detail: 'The database does not answer.', requestId: 'r-1' });
    expect(feed.outcomes.value).toHaveLength(1);
  });

  it.each([
    ['no connection', () => Promise.reject(new TypeError('Failed to fetch'))],
    ['an answer that is no page', async () => answer('"x"', { hello: 1 })],
    ['an answer that is no JSON', async () => ({ ...page('"x"'), json: () => Promise.reject(new SyntaxError('<')) })],
  ])('takes %s as a fault', async (_what, response) => {
    next = response;
    await start();
    expect(feed.state.value).toBe('failed');
    expect(feed.fault.value?.requestId).toBeNull();
  });

  it('waits longer after each fault, up to its bound, and is live again by itself', async () => {
    next = () => Promise.reject(new TypeError('Failed to fetch'));
    await start();
    await vi.advanceTimersByTimeAsync(60_000);
    // At 0, 2, 6, 14 s and then every 10 s.
    expect(requests).toBe(4 + 4);
    next = async () => page('"1"');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.state.value).toBe('live');
    expect(feed.fault.value).toBeNull();
  });

  it('asks at once on retry', async () => {
    next = () => Promise.reject(new TypeError('Failed to fetch'));
    await start();
    feed.retry();
    await vi.advanceTimersByTimeAsync(1);
    expect(requests).toBe(2);
  });

  it('rests while hidden or paused, and catches up at once', async () => {
    await start();
    feed.setHidden(true);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(requests).toBe(1);
    feed.setHidden(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(requests).toBe(2);
    feed.setPaused(true);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(requests).toBe(2);
    feed.setPaused(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(requests).toBe(3);
  });

  it('has one request under way at most', async () => {
    next = () => new Promise(() => undefined);
    await start();
    feed.retry();
    feed.retry();
    await vi.advanceTimersByTimeAsync(5000);
    expect(requests).toBe(1);
  });
});
