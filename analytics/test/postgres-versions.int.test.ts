import type { AuctionOutcome } from '@helios/proto/events';
import { headerNames } from '@helios/proto/topics';
import { createLogger } from '@helios/runtime/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditRollups } from '../src/audit/rollup-audit.js';
import { migrate } from '../src/migrate.js';
import { maintain } from '../src/writer/maintenance.js';
import { type ApiUnderTest, startApi } from './api/api-under-test.js';
import { readCsv } from './api/csv-reader.js';
import { figures, groups } from './api/expected-statistics.js';
import { ask } from './api/http-client.js';
import { message, outcome } from './outcomes.js';
import { postgresAbsent, postgresVersions } from './postgres-server.js';
import { recount, rollups, startHarness, type WriterHarness } from './writer/writer-harness.js';

/**
 * The oldest PostgreSQL that Helios runs on and the newest: every migration and every kind of statement of writer, maintenance, audit and
 * API, with the same data and the same expectations. What they all do in detail is tested on one version only.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const COUNT = 400;
const never = new AbortController().signal;
/** Noon of the day before yesterday, the newest outcome; the oldest is 40 hours before, so that three days are over and are folded. */
const nowUnixMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - 1.5 * DAY_MS;
const iso = (unixMs: number) => new Date(unixMs).toISOString();
const events: readonly AuctionOutcome[] = Array.from({ length: COUNT }, (_, index) =>
  outcome(index, { timestamp: iso(nowUnixMs - index * 360_000), test: index % 11 === 0 }, nowUnixMs),
);
const counted = events.filter((event) => !event.test);
const tooOld = outcome(COUNT, { timestamp: iso(nowUnixMs - 100 * DAY_MS) }, nowUnixMs);
const range = `since=${iso(nowUnixMs - 3 * DAY_MS)}&until=${iso(nowUnixMs + HOUR_MS)}`;

describe.each(postgresVersions)('on PostgreSQL %i', (version) => {
  const absent = postgresAbsent(version);
  const skipped = absent === undefined ? '' : ` (skipped: ${absent})`;

  describe.skipIf(absent !== undefined)(`analytics${skipped}`, () => {
    let harness: WriterHarness;
    let api: ApiUnderTest;

    beforeAll(async () => {
      harness = await startHarness({ version });
      api = await startApi(harness.database);
    });
    afterAll(async () => {
      await api.app.close();
      await harness.stop();
    });

    async function get<Body>(path: string): Promise<Body> {
      const answer = await ask(api.port, path);
      expect([answer.statusCode, answer.body.slice(0, 300)]).toEqual([200, expect.any(String)]);
      return answer.value as Body;
    }

    it('is migrated, once', async () => {
      const [row] = await harness.database.query<{ major: number }>(
        { text: `select current_setting('server_version_num')::int4 / 10000 as major` },
        [],
      );
      expect(row).toEqual({ major: version });
      expect(await migrate({ ...harness.server.config, migrateWaitMs: 10_000 }, createLogger('test', 'silent'))).toEqual([]);
    });

    it('stores outcomes once, counts them in the rollups, and gives up none but the one that the server refuses', async () => {
      const { writer, rows } = harness.newWriter();
      const messages = events.map((event, offset) =>
        message(event, offset, { [headerNames.acceptedAt]: String(Date.parse(event.timestamp) - 25) }),
      );
      const refused = outcome(COUNT + 1, {}, nowUnixMs);
      const constraint = `check (bid_id <> '${refused.bid_id}')`;
      await harness.database.query({ text: `alter table auction_outcomes add constraint refused ${constraint}` }, []);
      await writer.handle([...messages.slice(0, 250), message(refused, COUNT + 1), message(tooOld, COUNT)], never);
      await harness.database.query({ text: 'alter table auction_outcomes drop constraint refused' }, []);
      await writer.handle(messages.slice(200), never);
      await writer.handle([message({ ...(events[0] as AuctionOutcome), market_price: 0.9 })], never);
      expect(rows).toMatchObject({ inserted: COUNT, duplicate: 50, conflicting: 1, expired: 1, dead_lettered: 1 });
      expect(harness.letters.map(({ text }) => text)).toEqual([expect.stringContaining('23514')]);
      expect(await rollups(harness.database)).toEqual(await recount(harness.database));
    });

    it('folds the days that are over, and the audit of all rollups holds', async () => {
      const log = createLogger('test', 'silent');
      const done = await maintain(
        {
          database: harness.database,
          state: harness.state,
          metrics: { removed: 0, folded: 0 },
          log,
          retentionDays: 90,
          intervalMs: 1000,
          removeBatchRows: 100,
          removePauseMs: 0,
          now: Date.now,
          random: () => 0,
        },
        never,
      );
      expect(done).toMatchObject({ removed: 0 });
      expect(done.folded).toBe(3);
      const audit = await auditRollups(harness.database);
      expect(audit.holds).toBe(true);
      expect(audit.days.compared).toBeGreaterThan(0);
    });

    it('answers pages, one outcome and CSV', async () => {
      const ids: string[] = [];
      for (let url: string | null = `/api/outcomes/?${range}&win_status=true&limit=30`; url !== null;) {
        const page: { next: string | null; results: { bid_id: string }[] } = await get(url);
        ids.push(...page.results.map((row) => row.bid_id));
        url = page.next;
      }
      const newestFirst = (some: readonly AuctionOutcome[]) =>
        some.toSorted((a, b) => (a.timestamp < b.timestamp ? 1 : -1)).map(({ bid_id }) => bid_id);
      expect(ids).toEqual(newestFirst(events.filter((event) => event.win_status)));
      const [first] = events;
      expect(await get(`/api/outcomes/${encodeURIComponent(first?.bid_id ?? '')}/`)).toMatchObject({ bid_price: 0.01, market_price: 0 });
      const csv = await ask(api.port, `/api/outcomes/?${range}&interest=travel&creative_size=300x250&format=csv`);
      const travelling = events.filter((event) => event.top_interest?.category === 'travel' && event.creative.h === 250);
      expect(readCsv(csv.body)).toHaveLength(1 + travelling.length);
    });

    it('answers statistics from minutes, hours and folded days', async () => {
      expect(await get(`/api/stats/summary/?${range}`)).toMatchObject({ current: figures(counted) });
      const site = counted.filter((event) => event.site_domain === 'news.example');
      expect(await get(`/api/stats/summary/?${range}&site_domain=news.example`)).toMatchObject({ current: figures(site) });
      for (const by of ['site', 'interest', 'price_tier', 'creative_size', 'enriched']) {
        const { results } = await get<{ results: { value: string; bids: number }[] }>(`/api/stats/breakdown/?${range}&by=${by}&limit=500`);
        const byValue = (rows: readonly { value: string }[]) => rows.toSorted((a, b) => (a.value < b.value ? -1 : 1));
        expect(byValue(results), by).toEqual(byValue(groups(counted, by)));
      }
      for (const [interval, zone] of [
        ['1h', 'UTC'],
        ['1d', 'Europe/Berlin'],
      ]) {
        const series = await get<{ points: { bids: number }[] }>(`/api/stats/timeseries/?${range}&interval=${interval}&zone=${zone}`);
        expect(series.points.reduce((sum, { bids }) => sum + bids, 0)).toBe(counted.length);
      }
    });
  });
});
