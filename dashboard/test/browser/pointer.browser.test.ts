import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromiumAbsent, launchChromium, whySkipped } from './chromium.js';
import { DashboardUnderTest } from './dashboard-under-test.js';
import { type ObservedPage, observedPage } from './observed-page.js';
import { eventually, presets, Reader } from './reader.js';
import { recentOutcomes } from './recent-outcomes.js';

const HOUR_MS = 3_600_000;

describe.skipIf(chromiumAbsent !== undefined)(`the page by mouse${whySkipped}`, () => {
  let dashboard: DashboardUnderTest;
  let browser: Browser;
  let observed: ObservedPage;
  let reader: Reader;

  beforeAll(async () => {
    dashboard = await DashboardUnderTest.start(recentOutcomes(3000, 3 * HOUR_MS, Date.now()));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.stop();
  });
  beforeEach(async () => {
    observed = await observedPage(browser);
    reader = new Reader(observed.page);
    await reader.open(dashboard.address);
    return async () => {
      await observed.expectNoProblems();
      await observed.context.close();
    };
  });

  it('every preset is pressed, in the address, and answered', async () => {
    for (const name of presets) {
      await reader.preset(name).click();
      expect(await reader.preset(name).getAttribute('aria-pressed')).toBe('true');
      await reader.ready();
    }
    expect(reader.query()).toEqual({ range: '30d' });
    expect(await reader.figure('Bids').locator('.figure-value').textContent()).toBe('2,940');
  });

  it('an absolute range is given in the reader’s zone and stands in the address in UTC', async () => {
    await reader.customRange().click();
    await reader.rangeField('From').fill('2026-01-31T12:00');
    await reader.rangeField('To').fill('2026-01-31T11:00');
    await observed.page.getByRole('button', { name: 'Apply' }).click();
    await observed.page.getByRole('alert').filter({ hasText: 'before' }).waitFor();
    await reader.rangeField('To').fill('2026-01-31T13:00');
    await observed.page.getByRole('button', { name: 'Apply' }).click();
    expect(reader.query()).toEqual({ since: '2026-01-31T11:00:00Z', until: '2026-01-31T12:00:00Z' });
  });

  it('a row of a breakdown filters the page, and its chip takes the filter away', async () => {
    await reader.breakdownRow('Sites', 'site-1.example').click();
    expect(reader.query()).toEqual({ site_domain: 'site-1.example' });
    await reader.ready();
    const sites = await reader.outcomes().locator('td.site bdi').allTextContents();
    expect(new Set(sites)).toEqual(new Set(['site-1.example']));
    await reader.breakdownRow('Profiles', 'profile known').click();
    expect(reader.query()).toEqual({ site_domain: 'site-1.example', enriched: 'true' });
    await reader.ready();
    await reader.chip('Site is site-1.example').click();
    expect(reader.query()).toEqual({ enriched: 'true' });
    await reader.chip('Profile is').click();
    expect(reader.query()).toEqual({});
    await reader.ready();
  });

  it('a heading sorts its table, and says so', async () => {
    const header = reader.breakdownColumn('Sites', 'Bids');
    const other = reader.breakdownColumn('Sites', 'Win rate');
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    await other.getByRole('button').click();
    await eventually(() => other.getAttribute('aria-sort'), 'descending');
    expect(await header.getAttribute('aria-sort')).toBeNull();
    await other.getByRole('button').click();
    await eventually(() => other.getAttribute('aria-sort'), 'ascending');
    const rates = await reader.breakdown('Sites').locator('tr.choice td:nth-child(3)').allTextContents();
    const shares = rates.map((text) => Number.parseFloat(text));
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  });

  it('a row opens the whole outcome, and a press beside it closes it', async () => {
    await reader.outcomeRows().first().click();
    await reader.drawer().getByLabel('The outcome as JSON').filter({ hasText: '"bid_id"' }).waitFor();
    const json = JSON.parse((await reader.drawer().getByLabel('The outcome as JSON').textContent()) ?? '') as Record<string, unknown>;
    expect(Object.keys(json)).toHaveLength(23);
    await observed.page.mouse.click(20, 400);
    await reader.drawer().waitFor({ state: 'hidden' });
  });

  it('dragging across a chart zooms to whole bins, and a double click goes out again', async () => {
    await reader.preset('6 h').click();
    await reader.ready();
    await reader.plot('Spend').scrollIntoViewIfNeeded();
    const box = await reader.plot('Spend').locator('.u-over').boundingBox();
    if (box === null) throw new Error('the plot is not visible');
    await observed.page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await observed.page.mouse.down();
    await observed.page.mouse.move(box.x + box.width * 0.75, box.y + 60, { steps: 4 });
    await observed.page.mouse.up();
    await eventually(() => Object.keys(reader.query()), ['since', 'until']);
    const [since, until] = Object.values(reader.query()).map((text) => Date.parse(text)) as [number, number];
    expect([since % 60_000, until % 60_000]).toEqual([0, 0]);
    expect((until - since) / HOUR_MS).toBeGreaterThan(1.4);
    expect((until - since) / HOUR_MS).toBeLessThan(1.7);
    await reader.ready();
    await observed.page.mouse.dblclick(box.x + box.width / 2, box.y + 40);
    await eventually(() => {
      const query = reader.query();
      return Date.parse(query['until'] ?? '') - Date.parse(query['since'] ?? '') > until - since;
    }, true);
    await reader.ready();
  });

  it('the cursor of one chart is the cursor of all, and their legends show its values', async () => {
    await reader.plot('Win rate').scrollIntoViewIfNeeded();
    const box = await reader.plot('Win rate').locator('.u-over').boundingBox();
    if (box === null) throw new Error('the plot is not visible');
    await observed.page.mouse.move(box.x + box.width * 0.3, box.y + 40);
    const legends = observed.page.locator('.chart-legend li:first-child');
    await eventually(async () => new Set(await legends.allTextContents()).size, 1);
    const [at] = await legends.allTextContents();
    await observed.page.mouse.move(box.x + box.width * 0.6, box.y + 40);
    await eventually(async () => (await legends.first().textContent()) === at, false);
  });

  it('each chart shows the same data as a table', async () => {
    for (const title of ['Win rate', 'Bids and wins', 'Spend', 'Bid price and market price']) {
      await reader.chart(title).getByRole('button', { name: 'as a table' }).click();
      // Of the hour's 60 minutes the last one still fills, unless it ended while it was asked for.
      expect([59, 60]).toContain(await reader.chart(title).getByRole('table').locator('tbody tr').count());
      await reader.chart(title).getByRole('button', { name: 'as a table' }).click();
      await reader.plot(title).waitFor();
    }
  });

  it('pause stops asking, resume catches up', async () => {
    await observed.page.getByRole('button', { name: 'Pause' }).click();
    await reader.statusIs('Paused');
    let requests = 0;
    observed.page.on('request', () => requests++);
    await observed.page.waitForTimeout(2500);
    expect(requests).toBe(0);
    await observed.page.getByRole('button', { name: 'Resume' }).click();
    await reader.statusIs('Live');
    expect(requests).toBeGreaterThan(0);
  });

  it('the chosen theme is the page’s, also after a reload', async () => {
    const ground = () => observed.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await observed.page.getByRole('button', { name: 'Dark theme' }).click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await observed.page.reload();
    await reader.ready();
    expect(await ground()).toBe(dark);
    await observed.page.getByRole('button', { name: 'System theme' }).click();
    expect(await ground()).toBe(light);
  });

  it('what is shown can be had as CSV', async () => {
    for (const link of await observed.page.getByRole('link', { name: /as CSV$/ }).all()) {
      const href = await link.getAttribute('href');
      const answer = await fetch(href ?? '');
      expect({ href, status: answer.status, type: answer.headers.get('content-type') }).toEqual({
        href,
        status: 200,
        type: expect.stringMatching(/^text\/csv/),
      });
      const lines = (await answer.text()).trimEnd().split('\n');
      expect(lines.length).toBeGreaterThan(2);
    }
  });
});
