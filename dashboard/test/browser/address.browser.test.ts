import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromiumAbsent, launchChromium, whySkipped } from './chromium.js';
import { DashboardUnderTest } from './dashboard-under-test.js';
import { type ObservedPage, observedPage } from './observed-page.js';
import { eventually, Reader } from './reader.js';
import { recentOutcomes } from './recent-outcomes.js';

const HOUR_MS = 3_600_000;

describe.skipIf(chromiumAbsent !== undefined)(`the address of the page${whySkipped}`, () => {
  let dashboard: DashboardUnderTest;
  let browser: Browser;
  let observed: ObservedPage;
  let reader: Reader;

  beforeAll(async () => {
    dashboard = await DashboardUnderTest.start(recentOutcomes(1000, 3 * HOUR_MS, Date.now()));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.stop();
  });
  beforeEach(async () => {
    observed = await observedPage(browser);
    reader = new Reader(observed.page);
    return async () => {
      await observed.expectNoProblems();
      await observed.context.close();
    };
  });

  const shown = async () => ({
    bids: await reader.figure('Bids').locator('.figure-value').textContent(),
    pressed: await observed.page.getByRole('group', { name: 'Time range' }).locator('[aria-pressed="true"]').textContent(),
    chips: await observed.page.getByRole('button', { name: /^Remove filter/ }).count(),
  });

  it('shows another reader, and the same one after a reload, what it showed before', async () => {
    await reader.open(dashboard.address);
    await reader.preset('6 h').click();
    await reader.ready();
    await reader.breakdownRow('Sites', 'site-2.example').click();
    await reader.ready();
    await observed.page.getByRole('button', { name: 'Pause' }).click();
    const before = await shown();
    await observed.page.reload();
    await reader.ready();
    expect(await shown()).toEqual(before);
    const other = await observedPage(browser, { timezoneId: 'Asia/Kolkata' });
    const otherReader = new Reader(other.page);
    await otherReader.open(observed.page.url());
    expect(await otherReader.figure('Bids').locator('.figure-value').textContent()).toBe(before.bids);
    await other.expectNoProblems();
    await other.context.close();
  });

  it('goes back and forward through what was chosen', async () => {
    await reader.open(dashboard.address);
    await reader.preset('6 h').click();
    await reader.breakdownRow('Sites', 'site-1.example').click();
    await eventually(() => reader.query(), { range: '6h', site_domain: 'site-1.example' });
    await observed.page.goBack();
    await reader.ready();
    expect(reader.query()).toEqual({ range: '6h' });
    expect((await shown()).chips).toBe(0);
    await observed.page.goBack();
    await reader.ready();
    expect(reader.query()).toEqual({});
    expect(await reader.preset('1 h').getAttribute('aria-pressed')).toBe('true');
    await observed.page.goForward();
    await observed.page.goForward();
    await reader.ready();
    expect((await shown()).chips).toBe(1);
  });

  it('says what of it cannot be used, and shows the rest', async () => {
    await reader.open(`${dashboard.address}?range=6h&price_tier=cheap&nonsense=1`);
    await observed.page.getByRole('listitem').filter({ hasText: 'nonsense' }).waitFor();
    await observed.page.getByRole('listitem').filter({ hasText: 'cheap' }).waitFor();
    expect(await reader.preset('6 h').getAttribute('aria-pressed')).toBe('true');
  });
});
