import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { outcomeColumnNames, type OutcomeRow } from '../../src/api/outcome-rows.js';
import { EXPORT_PAGE_ROWS } from '../../src/api/outcome-exports.js';
import type { Database } from '../../src/db.js';
import { message, outcome } from '../outcomes.js';
import { startHarness, type WriterHarness } from '../writer/writer-harness.js';
import { type ApiUnderTest, startApi } from './api-under-test.js';
import { readCsv } from './csv-reader.js';
import { ask } from './http-client.js';

/** Exports of stored outcomes, and of made-up ones where the database must fail, count or never end. */

const storedRow: OutcomeRow = {
  bid_id: 'a:1',
  bid_request_id: 'a',
  slot_id: '1',
  user_id: null,
  site_domain: 'news.example',
  bid_price: 0.05,
  floor: 0.01,
  auction_type: 2,
  test: false,
  win_status: true,
  win_price: 0.02,
  market_price: 0.02,
  enriched: true,
  top_interest: 'sports',
  top_score: 0.5,
  strategy: 'interest-tiers',
  creative_id: 'c',
  creative_w: 300,
  creative_h: 250,
  trace_id: null,
  bid_at: '2026-01-31T12:00:00.000000Z',
  accepted_at: null,
  timestamp: '2026-01-31T12:00:00.000000Z',
};

/** A database with `rows` outcomes that counts its statements and does `before` each. */
function madeUp(rows: number, before: (statement: number) => void | Promise<void> = () => undefined) {
  const asked = { statements: 0 };
  let given = 0;
  const database: Database = {
    async query<Row>({ text }: { text: string }): Promise<Row[]> {
      asked.statements++;
      await before(asked.statements);
      const limit = Number(/limit (\d+)$/.exec(text)?.[1]);
      const count = Math.min(limit, rows - given);
      // The last row of a full page is the one read ahead.
      given += Math.min(count, limit - 1);
      return Array.from({ length: count }, (_, index) => ({ ...storedRow, bid_id: `row-${given}-${index}:1` })) as Row[];
    },
    pool: () => ({ open: 0, idle: 0, waiting: 0 }),
    close: () => Promise.resolve(),
  };
  return { database, asked };
}

const CSV = '/api/outcomes/?format=csv';

/** Begins a request and resolves with its answer before the body is read. */
async function begin(port: number, path = CSV): Promise<{ sent: ClientRequest; response: IncomingMessage }> {
  const sent = get({ host: '127.0.0.1', port, path, agent: false });
  sent.on('error', () => undefined);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return { sent, response };
}

/** Resolves when the connection is over, also when it broke. */
const closed = (response: IncomingMessage): Promise<void> => new Promise((resolve) => void response.once('close', () => resolve()));

async function withApi(
  database: Database,
  changes: Parameters<typeof startApi>[1],
  work: (api: ApiUnderTest) => Promise<void>,
): Promise<void> {
  const api = await startApi(database, changes);
  try {
    await work(api);
  } finally {
    await api.app.close();
  }
}

describe('an export of stored outcomes', () => {
  let harness: WriterHarness;
  let api: ApiUnderTest;
  const COUNT = 5 * EXPORT_PAGE_ROWS + 7;
  const nowUnixMs = Date.now();
  const injected = outcome(
    COUNT,
    {
      bid_id: '=cmd|calc:1',
      bid_request_id: '=cmd|calc',
      slot_id: '1',
      user_id: '@SUM(1,2)',
      site_domain: '+1"\r\n,x',
      strategy: '\t-1',
      creative: { id: ' =1', w: 1, h: 2, adm: '' },
    },
    nowUnixMs,
  );

  beforeAll(async () => {
    harness = await startHarness();
    const events = Array.from({ length: COUNT }, (_, index) =>
      outcome(index, { timestamp: new Date(nowUnixMs - 1000 * Math.floor(index / 700)).toISOString() }, nowUnixMs),
    );
    await harness.newWriter().writer.handle(
      [...events, injected].map((event, offset) => message(event, offset)),
      new AbortController().signal,
    );
    api = await startApi(harness.database);
  });
  afterAll(async () => {
    await api.app.close();
    await harness.stop();
  });

  async function jsonRows(query: string): Promise<OutcomeRow[]> {
    const rows: OutcomeRow[] = [];
    for (let url: string | null = `/api/outcomes/?limit=500${query}`; url !== null;) {
      const { value } = await ask(api.port, url);
      const page = value as { next: string | null; results: OutcomeRow[] };
      rows.push(...page.results);
      url = page.next;
    }
    return rows;
  }

  /** A row's cells as the file must have them, the guard aside. */
  const cells = (row: OutcomeRow) => outcomeColumnNames.map((name) => (row[name] === null ? '' : String(row[name])));

  it.each([
    '',
    '&win_status=true',
    '&site_domain=news.example&interest=sports',
    '&creative_size=300x600&price_tier=0.10-and-up&enriched=false',
  ])('has the rows of the JSON pages of "%s", every column, in their order', async (query) => {
    const expected = (await jsonRows(query)).filter(({ bid_id }) => bid_id !== injected.bid_id);
    expect(expected.length).toBeGreaterThan(query === '' ? 2000 : 0);
    const response = await ask(api.port, CSV + query);
    expect(response.statusCode).toBe(200);
    const [header, ...lines] = readCsv(response.body);
    expect(header).toEqual(outcomeColumnNames);
    expect(lines.filter(([bidId]) => bidId !== `'${injected.bid_id}`)).toEqual(expected.map(cells));
  });

  it('is chosen by Accept as by format, which counts more, and says so to caches and browsers', async () => {
    for (const [path, accept, type] of [
      ['/api/analytics/outcomes/', 'text/csv', 'text/csv'],
      ['/api/outcomes/', 'text/csv;q=0.4, application/json;q=0.5', 'application/json'],
      [CSV, 'application/json', 'text/csv'],
      ['/api/outcomes/?format=json', 'text/csv', 'application/json'],
    ] as const) {
      const response = await ask(api.port, path, { headers: { accept, origin: 'http://127.0.0.1:3000' } });
      expect(response.headers['content-type'], path).toContain(type);
      expect(response.headers['vary'], path).toBe('Origin, Accept');
      expect(response.headers['access-control-allow-origin']).toBe('http://127.0.0.1:3000');
      expect(response.headers['content-disposition']).toBe(type === 'text/csv' ? 'attachment; filename="helios-outcomes.csv"' : undefined);
    }
  });

  it('keeps the format in the links of pages', async () => {
    const { value } = await ask(api.port, '/api/outcomes/?format=json', { headers: { accept: 'text/csv' } });
    const { next } = value as { next: string };
    const second = await ask(api.port, next, { headers: { accept: 'text/csv' } });
    expect(second.headers['content-type']).toContain('application/json');
  });

  it('guards every cell that a spreadsheet could run, and keeps one row one row', async () => {
    const response = await ask(api.port, `${CSV}&user_id=${encodeURIComponent('@SUM(1,2)')}`);
    const [header = [], row = [], ...more] = readCsv(response.body);
    expect(more).toEqual([]);
    expect(Object.fromEntries(header.map((name, index) => [name, row[index]]))).toMatchObject({
      bid_id: `'=cmd|calc:1`,
      bid_request_id: `'=cmd|calc`,
      user_id: `'@SUM(1,2)`,
      site_domain: `'+1"\r\n,x`,
      strategy: `'\t-1`,
      creative_id: `' =1`,
    });
  });

  it.each([1, EXPORT_PAGE_ROWS - 1, EXPORT_PAGE_ROWS, EXPORT_PAGE_ROWS + 1, 2 * EXPORT_PAGE_ROWS, 1_000_000])(
    'ends after limit=%d rows',
    async (limit) => {
      const response = await ask(api.port, `${CSV}&limit=${limit}`);
      expect(readCsv(response.body)).toHaveLength(1 + Math.min(limit, COUNT + 1));
    },
  );

  it('is a header row where nothing fits', async () => {
    const response = await ask(api.port, `${CSV}&user_id=nobody`);
    expect(readCsv(response.body)).toEqual([outcomeColumnNames]);
  });

  it.each(['limit=0', 'limit=1.5', 'limit=1e400', 'limit=9007199254740993', 'cursor=x', 'creative_size=300', 'format=xml', 'page=2'])(
    'refuses %s with problem+json',
    async (query) => {
      const response = await ask(api.port, `${CSV.replace('format=csv', query)}${query.startsWith('format') ? '' : '&format=csv'}`);
      expect(response.statusCode, response.body).toBe(400);
      expect(response.headers['content-type']).toContain('application/problem+json');
      expect(response.headers['content-disposition']).toBeUndefined();
    },
  );

  // The last one: it takes the server away.
  it('breaks the connection when the database goes away in the middle, and is 503 while it is away', async () => {
    const { response } = await begin(api.port);
    response.pause();
    const ended = closed(response);
    await harness.server.crash();
    response.resume();
    await ended;
    expect(response.complete).toBe(false);
    const refused = await ask(api.port, CSV);
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['content-type']).toContain('application/problem+json');
    expect(refused.headers['content-disposition']).toBeUndefined();
  });
});

describe('an export of any size', () => {
  it('breaks the connection when a statement fails, so that a part is not taken for the whole', async () => {
    const { database } = madeUp(100 * EXPORT_PAGE_ROWS, (statement) => {
      if (statement === 6) throw Object.assign(new Error('gone'), { code: 'ECONNRESET', syscall: 'read' });
    });
    await withApi(database, {}, async ({ port, metrics }) => {
      const { response } = await begin(port);
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      await closed(response);
      expect(response.complete).toBe(false);
      expect(body.split('\r\n').length).toBeLessThanOrEqual(2 + 5 * EXPORT_PAGE_ROWS);
      await vi.waitFor(() => expect(metrics.exports).toEqual({ complete: 0, cut_off: 1, refused: 0 }));
    });
  });

  it('asks no further when the client has gone or takes nothing', async () => {
    const { database, asked } = madeUp(Number.MAX_SAFE_INTEGER);
    await withApi(database, {}, async ({ port, metrics }) => {
      const { sent, response } = await begin(port);
      response.pause();
      // Untaken pages fill the socket's buffers; then nothing is read ahead.
      let before = -1;
      await vi.waitFor(
        () => {
          const now = asked.statements;
          const rests = now === before;
          before = now;
          expect(rests).toBe(true);
        },
        { timeout: 15_000, interval: 500 },
      );
      sent.destroy();
      await vi.waitFor(() => expect(metrics.exports.cut_off).toBe(1));
      expect(asked.statements).toBeLessThanOrEqual(before + 1);
    });
  });

  it('is cut off when the client takes nothing for too long', async () => {
    const { database } = madeUp(Number.MAX_SAFE_INTEGER);
    await withApi(database, { exports: { exportsMax: 1, stallMs: 300 } }, async ({ port, metrics }) => {
      const { response } = await begin(port);
      response.pause();
      await vi.waitFor(() => expect(metrics.exports.cut_off).toBe(1), { timeout: 15_000 });
      const ended = closed(response);
      response.resume();
      await ended;
      expect(response.complete).toBe(false);
    });
  });

  it('waits for no export when the server stops', async () => {
    const { database } = madeUp(Number.MAX_SAFE_INTEGER);
    const api = await startApi(database);
    const { response } = await begin(api.port);
    response.pause();
    await api.app.close();
    const ended = closed(response);
    response.resume();
    await ended;
    expect(response.complete).toBe(false);
  });

  it('is refused with 503 and Retry-After while as many run as may, and pages go on', async () => {
    const { database } = madeUp(Number.MAX_SAFE_INTEGER);
    await withApi(database, { exports: { exportsMax: 2, stallMs: 30_000 } }, async ({ port, metrics }) => {
      const running = [await begin(port), await begin(port)];
      for (const { response } of running) response.pause();
      const refused = await ask(port, CSV);
      expect(refused.statusCode).toBe(503);
      expect(refused.headers['retry-after']).toBe('1');
      expect(refused.value).toMatchObject({ detail: expect.stringContaining('exports') as string });
      expect((await ask(port, '/api/outcomes/?limit=3')).statusCode).toBe(200);
      running[0]?.sent.destroy();
      await vi.waitFor(() => expect(metrics.exports.cut_off).toBe(1));
      const { sent, response } = await begin(port);
      expect(response.statusCode).toBe(200);
      sent.destroy();
      running[1]?.sent.destroy();
      expect(metrics.exports.refused).toBe(1);
    });
  });

  it('reads nothing for HEAD', async () => {
    const { database, asked } = madeUp(Number.MAX_SAFE_INTEGER);
    await withApi(database, {}, async ({ port }) => {
      const response = await ask(port, CSV, { method: 'HEAD' });
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toContain('text/csv');
      expect(asked.statements).toBe(0);
    });
  });

  it('costs as much memory at 100,000 rows as at 10,000', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const { database } = madeUp(100_000);
    const heapBytes: number[] = [];
    await withApi(database, {}, async ({ port }) => {
      const { response } = await begin(port);
      let rows = -1;
      for await (const chunk of response) {
        rows += String(chunk).split('\n').length - 1;
        if (rows >= 10_000 * (heapBytes.length + 1)) {
          gc();
          const { heapUsed, arrayBuffers } = process.memoryUsage();
          heapBytes.push(heapUsed + arrayBuffers);
        }
      }
      expect(rows).toBe(100_000);
    });
    expect(heapBytes).toHaveLength(10);
    const [first = 0] = heapBytes;
    // All rows at once would be 20 MB of text.
    expect(Math.max(...heapBytes) - first).toBeLessThan(8_000_000);
  }, 60_000);
});
