import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tables, withMadeTables } from '@helios/bench/tables/pages';
import { apiTable } from '@helios/bench/tables/api';
import { scrapeTable } from '@helios/bench/tables/scrape';
import { gateTrialsTable } from '@helios/bench/tables/gate';
import { bytes, figure, type ReadResult, withTables } from '@helios/bench/tables/table';
import { capacityTable, endToEndTable, peersTable, scalingLoadTable, scalingStagesTable } from '@helios/bench/tables/whole';
import { profilesTable, stagesTable } from '@helios/bench/tables/stages';
import { expect, it } from 'vitest';

/** Result files of a test, by name. */
const of =
  (files: Readonly<Record<string, object>>): ReadResult =>
  (name) =>
    files[name] ?? null;

const spread = (median: number, most = median) => ({ median, least: median, most, spreadShare: (most - median) / median });

const endToEnd = (bidsPerSecond: number, p99AtMostMs: number) => ({
  goals: { bidsPerSecond: 5000, acceptedToRowP99Ms: 500 },
  summary: {
    bidsPerSecond: spread(bidsPerSecond),
    requestsPerSecond: spread(5100),
    slotsPerSecond: spread(10_300),
    acceptedShare: spread(1),
    acceptedToRowP50Ms: spread(40),
    acceptedToRowP99Ms: spread(180, 190),
    acceptedToRowP99AtMostMs: spread(p99AtMostMs),
    cpuMicrosPerBid: { ingest: spread(30) },
    cpuShare: { ingest: 0.1 },
    coresBusy: spread(1.8),
    sustained: true,
    everySlotAccountedFor: true,
  },
  runs: [{ memoryMb: { ingest: 120 }, account: { acceptedSlots: 600_000 } }],
});

it('without any result file every table says that it was not measured yet', () => {
  for (const [page, makers] of Object.entries(tables))
    for (const [name, make] of Object.entries(makers))
      expect([page, name, make(() => null)]).toEqual([page, name, expect.stringContaining('not measured yet')]);
});

it('every page has the marks of its tables, and the tables go between them', () => {
  for (const page of Object.keys(tables)) {
    const text = readFileSync(fileURLToPath(new URL(`../../../${page}`, import.meta.url)), 'utf8');
    const made = withMadeTables(page, text, () => null);
    expect(made).toContain('not measured yet');
    // What is outside of the marks stays.
    expect(made.split('\n')[0]).toBe(text.split('\n')[0]);
    expect(made.split('\n').at(-2)).toBe(text.split('\n').at(-2));
  }
});

it('a page that lost its marks, or has marks of a table that nothing makes, is refused', () => {
  const page = 'before\n<!-- table a: npm run bench -- --table -->\nold\n<!-- end of table a -->\nafter\n';
  expect(withTables('p', page, { a: 'new' })).toBe(
    'before\n<!-- table a: npm run bench -- --table -->\n\nnew\n\n<!-- end of table a -->\nafter\n',
  );
  expect(() => withTables('p', page, { a: 'new', b: 'new' })).toThrow('lost the marks');
  expect(() => withTables('p', page, {})).toThrow('which nothing makes');
});

it('trials are counted as they came out, and those that are still to be done are no success', () => {
  const kind = (asExpected: number, done: number) => ({
    kind: 'five-ms',
    planted: '5 ms',
    must: 'fail',
    of: 5,
    done,
    asExpected,
    triedAgain: 1,
    outcomes: { fail: asExpected, inconclusive: done - asExpected },
  });
  const table = (asExpected: number, done: number) =>
    gateTrialsTable(
      of({
        'gate-trials': {
          summary: [kind(asExpected, done)],
          longestSeconds: 74,
          trials: [12.5, 13.5].map((median) => ({ kind: 'five-ms', figures: [{ figure: 'p99', median }] })),
        },
      }),
    );
  expect(table(5, 5)).toContain('| 5 ms | fail | fail 5, inconclusive 0 | 1 | 12.5 to 13.5 |  |  | 5 of 5: reached |');
  expect(table(4, 5)).toContain('4 of 5: **missed**');
  expect(table(4, 4)).toContain('4 of 5: **missed**');
});

it('a scrape is judged where the service is idle, beyond what happens without one, and only shown under load', () => {
  const turns = (overLimit: number) => ({ median: 0.4, p99: 0.9, overLimit });
  const table = (overLimit: number) =>
    scrapeTable(
      of({
        scrape: {
          limitMs: 1,
          requestsPerSecondUnderLoad: 500,
          scrapes: 100,
          results: {
            'ingest, idle': { scrapeTookMs: 4, withScrape: turns(overLimit), without: turns(3) },
            'ingest, loaded': { scrapeTookMs: 5, withScrape: turns(60), without: turns(40) },
          },
        },
      }),
    );
  expect(table(4)).toContain('| ingest, idle | 4.00 ms | 0.40 and 0.90 ms | 0.40 and 0.90 ms | 4 and 3 of 100 | 1 ms: reached |');
  expect(table(5)).toContain('| 5 and 3 of 100 | 1 ms: **missed** |');
  expect(table(4)).toContain('| ingest, 500 requests a second | 5.00 ms | 0.40 and 0.90 ms | 0.40 and 0.90 ms | 60 and 40 of 100 |  |');
});

it('a stage is judged by the figure in its file', () => {
  const ingest = {
    throughputRatio: 0.59,
    cpuRatio: 2,
    ingestRequestsPerSecond: 41_234,
    ingestCpuMicrosPerRequest: 20,
    bareCpuMicrosPerRequest: 10,
  };
  const bidder = { messagesPerSecondPerCore: 25_000, cpuMicrosPerMessage: 40 };
  const rows = stagesTable(of({ ingest, bidder, 'bidder-kafka': { ...bidder, messagesPerSecondPerCore: 24_999 } })).split('\n');
  const row = (file: string) => rows.find((line) => line.includes(`[${file}.json]`)) ?? '';
  expect(row('ingest')).toContain('**missed**');
  expect(row('ingest')).toContain('41,234 a second');
  expect(row('bidder')).toContain('| reached |');
  expect(row('bidder-kafka')).toContain('**missed**');
  expect(rows.filter((line) => line.includes('not measured yet')).length).toBeGreaterThan(3);
});

it('profiles are judged by the best batch, and latency by its own goal', () => {
  const shape = (profilesPerSecondPerCore: number) => ({ profilesPerSecondPerCore, cpuMicrosPerProfile: 1e6 / profilesPerSecondPerCore });
  const store = (p99Ms: number) => ({
    shapes: { unary: shape(200_000), 'batch of 100': shape(140_000), 'batch of 1000': shape(160_000) },
    gentle: { ids: 100, perSecond: 100, p50Ms: 1, p99Ms },
    rssMb: 90,
  });
  const rows = profilesTable(of({ 'profile-svc': { stores: { memory: store(4.9), redis: store(5.1) } } })).split('\n');
  const verdicts = rows.filter((line) => /^\| (memory|redis)/.test(line)).map((line) => line.split('|').at(-2)?.trim());
  expect(verdicts).toEqual(['', '', 'reached', 'reached', '', '', 'reached', '**missed**']);
});

it('end to end a goal counts as reached only with certainty: the worst run, the upper edge of the bucket', () => {
  const verdicts = (result: object) => endToEndTable(of({ 'end-to-end': result })).match(/reached|\*\*missed\*\*/g);
  expect(verdicts(endToEnd(5001, 250))).toEqual(['reached', 'reached', 'reached']);
  expect(verdicts(endToEnd(4999, 1000))).toEqual(['**missed**', '**missed**', 'reached']);
});

it('peers are compared by ratio, and only Fastify + kafkajs has a goal', () => {
  const peer = (what: string, heliosThroughputRatio: number) => ({
    what,
    requestsPerSecond: 9000,
    cpuMicrosPerRequest: 80,
    heliosThroughputRatio,
    heliosCpuRatio: 0.25,
  });
  const contenders = { helios: peer('ingest', 1), 'fastify-kafkajs': peer('Fastify', 2.9), 'node-http-rdkafka': peer('node:http', 1.5) };
  const rows = peersTable(of({ peers: { goalThroughputRatioToFastify: 3, contenders } }), 'peers')
    .split('\n')
    .slice(2, 5);
  expect(rows.map((row) => row.includes('missed'))).toEqual([false, true, false]);
  expect(rows[0]).not.toContain(' x |');
});

it('a rate that was not sustained reaches no goal, and says so', () => {
  const result = endToEnd(6000, 250);
  const table = endToEndTable(of({ 'end-to-end': { ...result, summary: { ...result.summary, sustained: false } } }));
  expect(table).toContain('| 6,000, NOT sustained | 5,000 | **missed** |');
});

it('cost at each load stands beside that at the least; what cannot be compared is not', () => {
  const run = (ingest: number, unsustained: readonly string[]) => ({
    window: { bidsPerSecond: 1000, requestsPerSecond: 1000, cpuMicrosPerBid: { ingest, redis: 0.1 } },
    memoryMb: {},
    unsustained,
  });
  const load = {
    factors: { 1: run(30, []), 4: run(33, ['the lag grew']) },
    cpuPerBidRatio: { 1: { ingest: 1, redis: null }, 4: { ingest: 1.1, redis: null } },
  };
  const rows = scalingLoadTable(of({ scaling: { load } })).split('\n');
  expect(rows[0]).toBe('| CPU a bid (beside that at 1 x) | 1 x: 1,000 bids/s | 4 x: 1,000 bids/s, NOT sustained |');
  expect(rows[2]).toBe('| ingest | 30.0 us (1.00) | 33.0 us (1.10) |');
  expect(rows[3]).toBe('| redis | 0.10 us | 0.10 us |');
});

it('single stages and processes of ingest are rows of one table', () => {
  const found = { cpuMicrosPerMessage: 31, messagesPerSecond: 20_000, rssMb: 120 };
  const ingest = { 2: { requestsPerSecond: 30_000, cpuMicrosPerRequest: 29, shareOfLeast: 0.48, rssMb: [100, 110] } };
  const scaling = { batches: { auction: { 1000: found } }, partitions: { auction: { 24: found } }, ingest };
  const rows = scalingStagesTable(of({ scaling })).split('\n');
  expect(rows.slice(2, 5)).toEqual([
    '| auction | batch size: 1,000 | 31.0 us | 20,000 | 120 MB |',
    '| auction | partitions (real Kafka): 24 | 31.0 us | 20,000 | 120 MB |',
    '| ingest | processes on one port: 2 | 29.0 us | 30,000; the least busy took 48 % | 100 + 110 MB |',
  ]);
});

it('questions to the API are told in groups, each judged as a whole', () => {
  const question = (name: string, p99Ms: number, holds = true) => ({
    name,
    goalP99Ms: 20,
    perSecond: 50,
    holds,
    rows: { 1000000: { p99Ms } },
  });
  const questions = [
    question('page 1', 4.2),
    question('page 10,000', 8.8),
    question('24 h breakdown by site', 31, false),
    question('something new', 3),
  ];
  const rows = apiTable(of({ api: { questions, pageRatio: { 1000000: 0.9 }, exports: {} } })).split('\n');
  expect(rows[2]).toBe('| page 1; page 10,000; page 10,000 of a time range | 20 ms | 50 a second | 4.2 to 8.8 ms | reached |');
  expect(rows[3]).toBe('| 24 h breakdown by site (1,000 of them), ten windows | 20 ms | 50 a second | 31 ms | **missed** |');
  expect(rows[4]).toContain('| something new | 20 ms |');
});

it('capacity is made from the cost of a bid, and says what it assumes', () => {
  const costPerBid = {
    cpuMicros: { ingest: 30, kafka: 60, postgresql: 90 },
    requestsPerBid: 1,
    kafkaBytes: 500,
    rowBytes: 600,
    walBytes: 900,
    networkBytes: 5000,
  };
  const table = capacityTable(of({ scaling: { load: { factors: {}, cpuPerBidRatio: {}, costPerBid } } }));
  expect(table).toContain('| need | 10,000 bids/s | 100,000 bids/s | 1,000,000 bids/s |');
  expect(table).toContain('| cores of ingest | 0.5 (1 process) | 5.0 (5 processes) | 50.0 (50 processes) |');
  expect(table).toContain('Assumed:');
});

it('figures have no more places than they can mean, bytes have units', () => {
  expect([0.4412, 9.25, 28.04, 250, 26_149].map((value) => figure(value))).toEqual(['0.44', '9.25', '28.0', '250', '26,149']);
  expect([12, 1500, 4.5e12].map(bytes)).toEqual(['12 B', '1.50 kB', '4.50 TB']);
});
