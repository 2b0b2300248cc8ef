import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type AuctionOutcome, encodeBidId } from '@helios/proto/events';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { outcome } from '../../../analytics/test/outcomes.js';
import { LIVE_ROWS } from '../../src/api-paths.js';
import { chromiumAbsent, launchChromium, whySkipped } from './chromium.js';
import { DashboardUnderTest } from './dashboard-under-test.js';
import { settled } from './look.js';
import { type ObservedPage, observedPage } from './observed-page.js';
import { Reader } from './reader.js';

/** Values that would run a script, break a statement or a formula where they are taken for more than text. */
const casesFile = fileURLToPath(new URL('../../../analytics/test/cases/hostile-values.json', import.meta.url));
/** Each of these would set the flag that `expectNoProblems` looks at, or hide the page. */
const scripts = [
  '<script>heliosObserved.scriptsRun++</script>',
  '<img src=x onerror="heliosObserved.scriptsRun++">',
  '"><svg onload="heliosObserved.scriptsRun++">',
  'javascript:heliosObserved.scriptsRun++',
  '</code></pre><iframe srcdoc="<script>parent.heliosObserved.scriptsRun++</script>">',
  '<style>body{display:none}</style>',
  '${heliosObserved.scriptsRun++}{{heliosObserved.scriptsRun++}}',
  '<a href="//evil.example" style="position:fixed;inset:0">x</a>',
];
const cases = JSON.parse(readFileSync(casesFile, 'utf8')) as { category: string; values: string[] }[];
/** What a page takes amiss before all else; each of them is opened in full too. */
const aimedAtPages = ['html and script', 'attribute', 'address'];
const aimed = [...scripts, ...cases.filter(({ category }) => aimedAtPages.includes(category)).flatMap(({ values }) => values)];
const values = [...aimed, ...cases.filter(({ category }) => !aimedAtPages.includes(category)).flatMap((one) => one.values)];

const MINUTE_MS = 60_000;
/** Each minute holds as many as the live table shows, so that all are shown in turn. */
const ROWS_SHOWN = LIVE_ROWS;
const FILTERS = ['site_domain', 'interest', 'price_tier', 'creative_size', 'enriched', 'since', 'range'];

/** A lone surrogate does not come back. */
const isWellFormed = (value: string) => Buffer.from(value).toString() === value;
/** What can reach the database: ingest refuses an empty id, a NUL or a lone surrogate, and what is too long. */
const storable = (value: string, bytes: number) =>
  value !== '' && isWellFormed(value) && !value.includes('\0') && Buffer.byteLength(value) <= bytes;

function hostileOutcome(value: string, index: number, firstUnixMs: number): AuctionOutcome {
  const requestId = storable(value, 200) ? `${value}-${index}` : `request-${index}`;
  const slotId = storable(value, 256) ? value : 'slot';
  const decided = firstUnixMs + Math.floor(index / ROWS_SHOWN) * MINUTE_MS + (ROWS_SHOWN - (index % ROWS_SHOWN)) * 500;
  return outcome(index, {
    bid_id: encodeBidId(requestId, slotId),
    bid_request_id: requestId,
    slot_id: slotId,
    user_id: storable(value, 256) ? value : null,
    site_domain: storable(value, 255) ? value : 'plain.example',
    creative: { id: storable(value, 200) ? value : 'creative', w: 300, h: 250, adm: value },
    enriched: true,
    top_interest: { category: storable(value, 200) ? value : 'sports', score: 0.9 },
    timestamp: new Date(decided).toISOString(),
  });
}

describe.skipIf(chromiumAbsent !== undefined)(`hostile values are text and nothing else${whySkipped}`, () => {
  const firstUnixMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 60 * MINUTE_MS;
  let dashboard: DashboardUnderTest;
  let browser: Browser;
  let observed: ObservedPage;
  let reader: Reader;

  beforeAll(async () => {
    dashboard = await DashboardUnderTest.start(values.map((value, index) => hostileOutcome(value, index, firstUnixMs)));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.stop();
  });
  beforeEach(async () => {
    observed = await observedPage(browser, { requestsFail: true });
    reader = new Reader(observed.page);
    return async () => {
      await observed.expectNoProblems();
      await observed.context.close();
    };
  });

  const openMinute = async (minute: number) => {
    const at = (index: number) => new Date(firstUnixMs + index * MINUTE_MS).toISOString();
    await reader.open(`${dashboard.address}?${new URLSearchParams({ since: at(minute), until: at(minute + 1) }).toString()}`);
  };

  it(`in all tables: ${values.length} values stored as ids, domains, interests and creatives`, { timeout: 300_000 }, async () => {
    for (let minute = 0; minute * ROWS_SHOWN < values.length; minute++) {
      await openMinute(minute);
      const expected = values.slice(minute * ROWS_SHOWN, (minute + 1) * ROWS_SHOWN);
      const shown = await reader.outcomes().locator('td.site bdi').allTextContents();
      expect(shown).toEqual(expected.map((value) => (storable(value, 255) ? value : 'plain.example')));
      const wider = await observed.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(wider).toBe(0);
      await observed.expectNoProblems();
    }
  });

  it(`in the details of an outcome: the ${aimed.length} that are aimed at pages`, { timeout: 300_000 }, async () => {
    for (const [index, value] of aimed.entries()) {
      if (index % ROWS_SHOWN === 0) {
        await openMinute(index / ROWS_SHOWN);
        await observed.page.getByRole('button', { name: 'Pause' }).click();
      }
      await reader
        .outcomeRows()
        .nth(index % ROWS_SHOWN)
        .getByRole('button')
        .click();
      const json = await reader.drawer().getByLabel('The outcome as JSON').textContent();
      const stored = JSON.parse(json ?? '') as Record<string, unknown>;
      expect(stored['slot_id']).toBe(storable(value, 256) ? value : 'slot');
      await observed.page.keyboard.press('Escape');
      await reader.drawer().waitFor({ state: 'hidden' });
    }
  });

  it('as filters and as names in the address', { timeout: 300_000 }, async () => {
    const query = (value: string, index: number) =>
      `?${new URLSearchParams({ [FILTERS[index % FILTERS.length] ?? '']: value, [value]: value }).toString()}`;
    for (const [index, value] of scripts.entries()) {
      await observed.page.goto(dashboard.address + query(value, index));
      await observed.page.getByRole('heading', { level: 1 }).waitFor();
      await observed.expectNoProblems();
    }
    // The others as a step back or forward brings them: the same reading, without loading the page or asking the API each time.
    await observed.page.evaluate(() => {
      window.fetch = () => new Promise(() => undefined);
    });
    for (const [index, value] of values.entries()) {
      await observed.page.evaluate(
        (address) => {
          history.replaceState(null, '', address);
          window.dispatchEvent(new PopStateEvent('popstate'));
        },
        query(value, index),
      );
      await settled(observed.page);
    }
    expect(await observed.page.getByRole('heading', { level: 1 }).isVisible()).toBe(true);
  });
});
