import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { disconnect, failWithProblem, panels, REQUEST_ID, stall, waitForEver } from './api-faults.js';
import { chromiumAbsent, launchChromium, whySkipped } from './chromium.js';
import { DashboardUnderTest } from './dashboard-under-test.js';
import { lookEverywhere } from './look.js';
import { type ObservedPage, observedPage } from './observed-page.js';
import { Reader } from './reader.js';
import { recentOutcomes } from './recent-outcomes.js';

const HOUR_MS = 3_600_000;

/** Each state at 360, 768 and 1440 px, light and dark. */
describe.skipIf(chromiumAbsent !== undefined)(`each state of the page is readable at every width and in both themes${whySkipped}`, () => {
  let dashboard: DashboardUnderTest;
  let browser: Browser;
  let observed: ObservedPage;
  let reader: Reader;

  beforeAll(async () => {
    dashboard = await DashboardUnderTest.start(recentOutcomes(6000, 30 * HOUR_MS, Date.now()));
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

  it('the first load', async () => {
    await waitForEver(observed.page);
    await stall(observed.page, panels.everything);
    await observed.page.goto(dashboard.address);
    await observed.page.locator('[aria-busy="true"]').first().waitFor();
    await lookEverywhere(observed.page, 'first-load');
  });

  it('everything there', async () => {
    await reader.open(dashboard.address);
    await lookEverywhere(observed.page, 'full');
  });

  it('filtered', async () => {
    await reader.open(`${dashboard.address}?range=6h&site_domain=site-1.example`);
    await lookEverywhere(observed.page, 'filtered');
  });

  it('the tables of the charts', async () => {
    await reader.open(dashboard.address);
    for (const button of await observed.page.getByRole('button', { name: /as a table$/ }).all()) await button.click();
    await lookEverywhere(observed.page, 'chart-tables');
  });

  it('one outcome in full', async () => {
    await reader.open(dashboard.address);
    await reader.outcomeRows().first().click();
    await reader.drawer().getByLabel('The outcome as JSON').waitFor();
    await lookEverywhere(observed.page, 'outcome');
  });

  it('the form of an absolute range', async () => {
    await reader.open(dashboard.address);
    await reader.customRange().click();
    await reader.rangeField('From').waitFor();
    await lookEverywhere(observed.page, 'range-form');
  });

  it('refreshing: what was shown stays', async () => {
    await waitForEver(observed.page);
    await reader.open(dashboard.address);
    await stall(observed.page, panels.everything);
    await reader.preset('24 h').click();
    await reader.statusIs('Refreshing');
    expect(await reader.outcomeRows().count()).toBeGreaterThan(0);
    await lookEverywhere(observed.page, 'refreshing');
  });

  it('empty: says how to send a bid', async () => {
    await reader.open(`${dashboard.address}?since=2026-01-31T11:00:00Z&until=2026-01-31T12:00:00Z`);
    await observed.page.getByLabel('Command that sends one bid request').filter({ hasText: '/bid' }).waitFor();
    await lookEverywhere(observed.page, 'empty');
  });

  it('filtered and empty: offers to clear the filters', async () => {
    await reader.open(`${dashboard.address}?site_domain=nobody.example`);
    await observed.page.getByRole('button', { name: 'Clear filters' }).waitFor();
    await lookEverywhere(observed.page, 'filtered-empty');
    await observed.page.getByRole('button', { name: 'Clear filters' }).click();
    await reader.ready();
    expect(reader.query()).toEqual({});
  });

  it('stale: says how old it is, and keeps what was known', async () => {
    await reader.open(dashboard.address);
    await disconnect(observed.page, panels.everything);
    await reader.statusIs('Not up to date');
    expect(await reader.outcomeRows().count()).toBeGreaterThan(0);
    await lookEverywhere(observed.page, 'stale');
  });

  it('offline, and back by itself', async () => {
    await reader.open(dashboard.address);
    await observed.context.setOffline(true);
    await reader.statusIs('Offline');
    await lookEverywhere(observed.page, 'offline');
    await observed.context.setOffline(false);
    await reader.ready();
    await reader.statusIs('Live');
  });

  it('one panel failed: the others go on, and retry mends it', async () => {
    const page = observed.page;
    // It is the press that mends the panel: by itself it would ask again after ten seconds.
    await waitForEver(page);
    await page.goto(dashboard.address);
    const end = await failWithProblem(page, panels.timeSeries);
    await page.reload();
    await page.getByRole('button', { name: 'Retry', exact: true }).waitFor();
    await page.getByText(REQUEST_ID).waitFor();
    await reader.breakdownRow('Sites', 'site-1.example').waitFor();
    await lookEverywhere(page, 'one-panel-failed');
    await end();
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await reader.ready();
    await reader.plot('Win rate').waitFor();
  });

  it('everything failed: shows the title of the problem and its request id', async () => {
    await observed.page.goto(dashboard.address);
    await failWithProblem(observed.page, panels.everything);
    await observed.page.reload();
    await observed.page.getByText('Service unavailable').first().waitFor();
    await observed.page.getByText(REQUEST_ID).first().waitFor();
    await lookEverywhere(observed.page, 'failed');
  });

  it('a range that needs rows: says why, and gives the ways out', async () => {
    await observed.page.goto(`${dashboard.address}?range=24h&site_domain=site-1.example&enriched=true`);
    await observed.page.getByText('Too long a range for these filters').first().waitFor();
    await lookEverywhere(observed.page, 'range-needs-rows');
    await observed.page.getByRole('button', { name: 'Show the last 6 h' }).first().click();
    await reader.ready();
    expect(reader.query()).toMatchObject({ range: '6h' });
  });
});
