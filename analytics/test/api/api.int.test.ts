import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeBidId } from '@helios/proto/events';
import { createLogger } from '@helios/runtime/log';
import { Metrics } from '@helios/runtime/metrics';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiMetrics } from '../../src/api/api-metrics.js';
import type { OutcomeRow } from '../../src/api/outcome-rows.js';
import { buildApi } from '../../src/api/server.js';
import { message, outcome } from '../outcomes.js';
import { type Answer, ask } from './http-client.js';
import { startHarness, type WriterHarness } from '../writer/writer-harness.js';

let harness: WriterHarness;
let api: FastifyInstance;
let port: number;
const COUNT = 230;
const nowUnixMs = Date.now();
/** Seven rows share each timestamp: only the bid_id tells them apart. */
const events = Array.from({ length: COUNT }, (_, index) =>
  outcome(index, { timestamp: new Date(nowUnixMs - 1000 * Math.floor(index / 7)).toISOString() }, nowUnixMs),
);
const strangeRequestId = `a%2525:/../?#"<é>: ${'%'.repeat(220)}`;
const strangeSlotId = `%2F/../?#"<é>: ${'y'.repeat(230)}`;
const strange = outcome(
  COUNT,
  {
    bid_id: encodeBidId(strangeRequestId, strangeSlotId),
    bid_request_id: strangeRequestId,
    slot_id: strangeSlotId,
    timestamp: new Date(nowUnixMs - 86_400_000).toISOString(),
  },
  nowUnixMs,
);

beforeAll(async () => {
  harness = await startHarness();
  await harness.newWriter().writer.handle(
    [...events, strange].map((event, offset) => message(event, offset)),
    new AbortController().signal,
  );
  api = await buildApi({
    database: harness.database,
    state: harness.state,
    metrics: new ApiMetrics(new Metrics('test', '0')),
    rateLimitPerSecond: 0,
    corsOrigins: ['http://127.0.0.1:3000'],
    exports: { exportsMax: 2, stallMs: 30_000 },
    log: createLogger('test', 'silent'),
  });
  port = await listening(api);
});
afterAll(async () => {
  await api.close();
  await harness.stop();
});

interface PageBody {
  next: string | null;
  previous: string | null;
  results: OutcomeRow[];
}
const get = (url: string, headers: Record<string, string> = {}): Promise<Answer> => ask(port, url, { headers });
async function listening(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
const page = async (url: string): Promise<PageBody> => {
  const response = await get(url);
  expect(response.statusCode, response.body).toBe(200);
  return response.value as PageBody;
};

/** What the API must show, by its own rule: newest first, then by bid_id downwards. */
const newestFirst = [...events, strange].toSorted((a, b) =>
  a.timestamp === b.timestamp ? (a.bid_id < b.bid_id ? 1 : -1) : a.timestamp < b.timestamp ? 1 : -1,
);
const ids = (rows: readonly { bid_id: string }[]) => rows.map(({ bid_id }) => bid_id);

/** Every byte of the UTF-8 text; a lone surrogate becomes the replacement character. */
const percentEncoded = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

describe('paging through outcomes', () => {
  it.each(['/api/outcomes/', '/api/analytics/outcomes/', '/api/outcomes'])(
    'walks every row once, forwards and back, from %s',
    async (start) => {
      const forwards: PageBody[] = [];
      for (let url: string | null = `${start}?limit=9`; url !== null; url = forwards.at(-1)?.next ?? null) {
        forwards.push(await page(url));
        if (forwards.length > 100) throw new Error('the pages do not end');
      }
      expect(forwards.flatMap(({ results }) => ids(results))).toEqual(ids(newestFirst));
      expect(forwards[0]?.previous).toBeNull();
      expect(forwards[1]?.previous).toMatch(start.includes('analytics') ? /^\/api\/analytics\/outcomes\/\?/ : /^\/api\/outcomes\/\?/);

      const backwards: PageBody[] = [];
      for (let url = forwards.at(-1)?.previous ?? null; url !== null; url = backwards.at(-1)?.previous ?? null)
        backwards.push(await page(url));
      expect(backwards.toReversed().map(({ results }) => ids(results))).toEqual(forwards.slice(0, -1).map(({ results }) => ids(results)));
    },
  );

  it('answers 50 rows unless told otherwise', async () => {
    expect((await page('/api/outcomes/')).results).toHaveLength(50);
  });

  it.each<[string, (event: (typeof events)[number]) => boolean]>([
    ['win_status=true', (event) => event.win_status],
    ['win_status=false', (event) => !event.win_status],
    ['site_domain=news.example', (event) => event.site_domain === 'news.example'],
    ['site_domain=', (event) => event.site_domain === ''],
    ['user_id=user-3', (event) => event.user_id === 'user-3'],
    ['enriched=false', (event) => !event.enriched],
    ['interest=sports', (event) => event.top_interest?.category === 'sports'],
    ['interest=', (event) => event.top_interest === null],
    ['price_tier=under-0.05', (event) => event.bid_price < 0.05],
    ['price_tier=0.05-to-0.10', (event) => event.bid_price >= 0.05 && event.bid_price < 0.1],
    ['price_tier=0.10-and-up', (event) => event.bid_price >= 0.1],
    ['creative_size=300x600', (event) => event.creative.w === 300 && event.creative.h === 600],
    [
      'creative_size=300x250&price_tier=0.10-and-up&interest=travel',
      (event) => event.creative.h === 250 && event.bid_price >= 0.1 && event.top_interest?.category === 'travel',
    ],
    ['enriched=true&win_status=true&user_id=user-2', (event) => event.enriched && event.win_status && event.user_id === 'user-2'],
    [`since=${new Date(nowUnixMs - 5000).toISOString()}`, (event) => Date.parse(event.timestamp) >= nowUnixMs - 5000],
    [`until=${new Date(nowUnixMs - 5000).toISOString()}`, (event) => Date.parse(event.timestamp) < nowUnixMs - 5000],
    [
      `since=${new Date(nowUnixMs - 9000).toISOString()}&until=${new Date(nowUnixMs - 4000).toISOString()}`,
      (event) => Date.parse(event.timestamp) >= nowUnixMs - 9000 && Date.parse(event.timestamp) < nowUnixMs - 4000,
    ],
  ])('filters by %s on every page', async (filter, keeps) => {
    const found: string[] = [];
    for (let url: string | null = `/api/outcomes/?${filter}&limit=6`; url !== null;) {
      const { results, next }: PageBody = await page(url);
      found.push(...ids(results));
      url = next;
    }
    expect(found.length).toBeGreaterThan(0);
    expect(found).toEqual(ids(newestFirst.filter(keeps)));
  });

  it('refuses a cursor under other filters, or one that was changed', async () => {
    const { next } = await page('/api/outcomes/?win_status=true&limit=5');
    const cursor = new URLSearchParams((next ?? '').split('?')[1]).get('cursor') ?? '';
    for (const url of [
      `/api/outcomes/?cursor=${cursor}`,
      `/api/outcomes/?win_status=false&cursor=${cursor}`,
      `/api/outcomes/?win_status=true&cursor=${cursor}A`,
    ]) {
      const response = await get(url);
      expect(response.statusCode).toBe(400);
      expect(response.value).toMatchObject({ errors: [{ parameter: 'cursor' }] });
    }
    for (const more of ['interest=sports', 'interest=', 'price_tier=under-0.05', 'creative_size=300x250'])
      expect((await get(`/api/outcomes/?win_status=true&${more}&cursor=${cursor}`)).statusCode, more).toBe(400);
    expect((await get(`/api/outcomes/?win_status=true&limit=77&cursor=${cursor}`)).statusCode).toBe(200);
  });
});

describe('one outcome', () => {
  it('has every column, prices as numbers with at most six places, times in UTC', async () => {
    const event = events[0];
    const response = await get(`/api/outcomes/${encodeURIComponent(event?.bid_id ?? '')}/`);
    expect(response.value).toEqual({
      bid_id: 'req-0:slot-0',
      bid_request_id: 'req-0',
      slot_id: 'slot-0',
      user_id: null,
      site_domain: 'news.example',
      bid_price: 0.01,
      floor: 0.003,
      auction_type: 2,
      test: false,
      win_status: true,
      win_price: 0.007031,
      market_price: 0,
      enriched: true,
      top_interest: 'sports',
      top_score: 0.75,
      strategy: 'interest-tiers',
      creative_id: 'creative-0',
      creative_w: 300,
      creative_h: 250,
      trace_id: null,
      bid_at: event?.bid_at,
      accepted_at: null,
      timestamp: event?.timestamp,
    });
  });

  it.each(['/api/outcomes/', '/api/analytics/outcomes/'])(
    'finds a bid_id of 1 KB with every awkward character below %s, with and without the slash',
    async (prefix) => {
      const encoded = percentEncoded(strange.bid_id);
      for (const path of [encodeURIComponent(strange.bid_id), `${encodeURIComponent(strange.bid_id)}/`, `${encoded}/`]) {
        const response = await get(prefix + path);
        expect(response.statusCode, path.slice(0, 50)).toBe(200);
        expect((response.value as OutcomeRow).bid_id).toBe(strange.bid_id);
      }
    },
  );

  it.each([
    ['an unknown id', 'nobody:1'],
    ['a NUL', '%00'],
    ['a NUL inside', 'a%00b'],
    ['2,000 characters', 'z'.repeat(2000)],
    ['9,000 characters', 'z'.repeat(9000)],
    ['a path', '..%2F..%2Fetc'],
  ])('answers 404 problem+json for %s', async (_what, bidId) => {
    const response = await get(`/api/outcomes/${bidId}/`);
    expect(response.statusCode).toBe(404);
    expect(response.headers['content-type']).toContain('application/problem+json');
  });
});

describe('faults and headers', () => {
  it('answers an unknown parameter with 400 and the list of the known ones', async () => {
    const response = await get('/api/outcomes/?site=x&limit=5');
    expect(response.statusCode).toBe(400);
    const body = response.value as { detail: string; request_id: string; type: string; status: number };
    for (const name of ['win_status', 'site_domain', 'user_id', 'enriched', 'since', 'until', 'limit', 'cursor'])
      expect(body.detail).toContain(name);
    expect(body).toMatchObject({
      type: 'about:blank',
      status: 400,
      request_id: response.headers['x-request-id'],
      errors: [{ parameter: 'site' }],
    });
  });

  it.each(
    [
      'limit=0',
      'limit=501',
      'limit=1.5',
      'limit=many',
      'limit=',
      'limit=1e400',
      'limit=5&limit=6',
      'win_status=yes',
      'win_status=',
      'enriched=2',
      'price_tier=cheap',
      'creative_size=300',
      'creative_size=2147483648x1',
      'interest=a%00b',
      'since=yesterday',
      'since=2026-02-30T00:00:00Z',
      'since=2026-01-01',
      'until=2026-01-01T00:00:00+00:00',
      'since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z',
      'user_id=a%00b',
      `site_domain=${'%41'.repeat(256)}`,
      'cursor=x',
    ].map((query) => [query.slice(0, 60), query] as const),
  )('answers ?%s with 400', async (_title, query) => {
    const response = await get(`/api/outcomes/?${query}`);
    expect(response.statusCode, response.body).toBe(400);
    expect(response.headers['content-type']).toContain('application/problem+json');
  });

  it('never shows an error of SQL, whatever stands in a parameter', async () => {
    const hostile = [
      "' or 1=1 --",
      "'; drop table auction_outcomes; --",
      '"',
      '\\',
      '$1',
      '%',
      '_%',
      '{"a":1}',
      '<script>alert(1)</script>',
      '\u0000',
      '\ud800',
      '()',
      '1e400',
      'NULL',
      '../../etc/passwd',
      '=cmd()',
    ];
    for (const name of ['win_status', 'site_domain', 'user_id', 'enriched', 'since', 'until', 'limit', 'cursor', "x' or 1=1"]) {
      for (const value of hostile) {
        const response = await get(`/api/outcomes/?${encodeURIComponent(name)}=${percentEncoded(value)}`);
        expect([200, 400], `${name}=${value} ${response.body}`).toContain(response.statusCode);
        expect(response.body).not.toMatch(/syntax error|invalid input|relation|sqlstate|byte sequence/i);
        if (response.statusCode === 200) expect((response.value as PageBody).results).toEqual([]);
      }
    }
    const [row] = await harness.database.query<{ count: number }>({ text: 'select count(*)::int4 as count from auction_outcomes' }, []);
    expect(row?.count).toBe(COUNT + 1);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'TRACE'])('answers %s with 405 and what is allowed', async (method) => {
    const response = await ask(port, '/api/outcomes/', { method, headers: { 'content-type': 'application/weird' } });
    expect(response.statusCode).toBe(405);
    expect(response.headers['allow']).toBe('GET, HEAD, OPTIONS');
    expect(response.headers['content-type']).toContain('application/problem+json');
  });

  it.each(['/', '/api', '/api/nothing/', '/api/outcomes/a/b/', '/outcomes/', '/api/outcomes/%zz/'])(
    'answers %s with a problem',
    async (url) => {
      const response = await get(url);
      expect(response.statusCode).toBe(url.includes('%zz') ? 400 : 404);
      expect(response.headers['content-type']).toContain('application/problem+json');
    },
  );

  it('answers HEAD like GET without a body', async () => {
    const response = await ask(port, '/api/outcomes/?limit=3', { method: 'HEAD' });
    expect(response.statusCode).toBe(200);
    expect(response.body).toBe('');
  });

  it('answers 304 until a page changes', async () => {
    const first = await get('/api/outcomes/?limit=3');
    const etag = String(first.headers['etag']);
    const second = await get('/api/outcomes/?limit=3', { 'if-none-match': `"other", W/${etag}` });
    expect(second.statusCode).toBe(304);
    expect(second.body).toBe('');
    expect((await get('/api/outcomes/?limit=4', { 'if-none-match': etag })).statusCode).toBe(200);
  });

  it('lets the listed origins read answers and faults, and no others', async () => {
    for (const url of ['/api/outcomes/', '/api/outcomes/?x=1', '/nowhere']) {
      expect((await get(url, { origin: 'http://127.0.0.1:3000' })).headers['access-control-allow-origin']).toBe('http://127.0.0.1:3000');
      expect((await get(url, { origin: 'https://evil.example' })).headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('answers what is not HTTP, or a head that is too large, with a problem and goes on', async () => {
    for (const [bytes, status] of [
      ['nonsense\r\n\r\n', 400],
      [`GET /api/outcomes/ HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
    ] as const) {
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk) => (answer += String(chunk)));
      socket.on('error', () => socket.destroy());
      socket.write(bytes);
      await once(socket, 'close');
      expect(answer).toContain(`HTTP/1.1 ${status}`);
      expect(answer).toContain('application/problem+json');
    }
    expect((await get('/api/outcomes/?limit=1')).statusCode).toBe(200);
  });

  it('answers 429 with Retry-After above the rate limit', async () => {
    const limited = await buildApi({
      database: harness.database,
      state: harness.state,
      metrics: new ApiMetrics(new Metrics('test', '0')),
      rateLimitPerSecond: 2,
      corsOrigins: [],
      exports: { exportsMax: 2, stallMs: 30_000 },
      log: createLogger('test', 'silent'),
    });
    const limitedPort = await listening(limited);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(limitedPort, '/api/outcomes/?limit=1')));
    await limited.close();
    const refused = answers.filter(({ statusCode }) => statusCode === 429);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(2);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.headers['retry-after']).toBe('1');
    expect(refused[0]?.headers['content-type']).toContain('application/problem+json');
  });

  // The last one: it takes the server away.
  it('answers 503 with Retry-After while the database is away, and 200 when it is back', async () => {
    await harness.server.crash();
    for (const url of ['/api/outcomes/', '/api/outcomes/a:b/']) {
      const response = await get(url);
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toBe('1');
      expect(response.value).toMatchObject({ title: 'Service unavailable', request_id: response.headers['x-request-id'] });
      expect(response.body).not.toMatch(/ECONN|127\.0\.0\.1/);
    }
    await harness.server.start();
    // Known to be away, it is tried once a second.
    await vi.waitFor(async () => expect((await get('/api/outcomes/')).statusCode).toBe(200), { timeout: 10_000, interval: 50 });
  });
});
