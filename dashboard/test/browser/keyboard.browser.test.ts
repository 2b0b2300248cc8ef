import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failWithProblem, panels } from './api-faults.js';
import { chromiumAbsent, launchChromium, whySkipped } from './chromium.js';
import { DashboardUnderTest } from './dashboard-under-test.js';
import { type ObservedPage, observedPage } from './observed-page.js';
import { eventually, hasFocus, presets, Reader } from './reader.js';
import { recentOutcomes } from './recent-outcomes.js';

const HOUR_MS = 3_600_000;

describe.skipIf(chromiumAbsent !== undefined)(`the page by keyboard alone${whySkipped}`, () => {
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
    observed = await observedPage(browser, { requestsFail: true });
    reader = new Reader(observed.page);
    await reader.open(dashboard.address);
    return async () => {
      await observed.expectNoProblems();
      await observed.context.close();
    };
  });

  it('the first stop skips to the figures', async () => {
    await observed.page.keyboard.press('Tab');
    await observed.page.keyboard.press('Enter');
    await eventually(() => observed.page.evaluate(() => document.activeElement?.id), 'content');
  });

  it('presets and an absolute range', async () => {
    for (const name of presets.slice(0, 3)) {
      await reader.pressAt(reader.preset(name), 'Enter');
      expect(await reader.preset(name).getAttribute('aria-pressed')).toBe('true');
    }
    await reader.pressAt(reader.customRange(), 'Enter');
    await reader.tabTo(reader.rangeField('From'));
    await observed.page.keyboard.press('Escape');
    await eventually(() => hasFocus(reader.customRange()), true);
    await observed.page.keyboard.press('Enter');
    await reader.pressAt(observed.page.getByRole('button', { name: 'Apply' }), 'Enter');
    await eventually(() => Object.keys(reader.query()), ['since', 'until']);
    await reader.ready();
  });

  it('a filter is set and taken away', async () => {
    await reader.pressAt(reader.breakdownRow('Top interests', 'sports'), 'Enter');
    expect(reader.query()).toEqual({ interest: 'sports' });
    await reader.ready();
    await reader.pressAt(reader.chip('Top interest is sports'), 'Enter');
    expect(reader.query()).toEqual({});
    await reader.ready();
  });

  it('a table is sorted', async () => {
    const header = reader.breakdownColumn('Sites', 'Spend');
    await reader.pressAt(header.getByRole('button'), 'Enter');
    await eventually(() => header.getAttribute('aria-sort'), 'descending');
  });

  it('an outcome opens, keeps the focus inside, closes on Escape and gives the focus back', async () => {
    await observed.page.getByRole('button', { name: 'Pause' }).press('Enter');
    const row = reader.outcomeRows().nth(2).getByRole('button');
    await reader.pressAt(row, 'Enter');
    await reader.drawer().getByLabel('The outcome as JSON').waitFor();
    const outside = await observed.page.evaluate(async () => {
      const dialog = document.querySelector('dialog[open]');
      return dialog !== null && dialog.contains(document.activeElement);
    });
    expect(outside).toBe(true);
    for (let stop = 0; stop < 12; stop++) {
      await observed.page.keyboard.press('Tab');
      // The browser itself, whose focus the page sees as its body, is one of the stops.
      const where = await observed.page.evaluate(() =>
        document.activeElement === document.body ? 'browser' : document.activeElement?.closest('dialog') === null ? 'page' : 'dialog',
      );
      expect(where).not.toBe('page');
    }
    await observed.page.keyboard.press('Escape');
    await reader.drawer().waitFor({ state: 'hidden' });
    await eventually(() => hasFocus(row), true);
  });

  it('the cursor of a chart moves, says its values, marks a range and zooms into it', async () => {
    const plot = reader.plot('Bids and wins');
    await reader.tabTo(plot);
    await observed.page.keyboard.press('End');
    const last = Number(await plot.getAttribute('aria-valuenow'));
    // Of the hour's 60 minutes the last one still fills, unless it ended while it was asked for.
    expect([58, 59]).toContain(last);
    expect(await plot.getAttribute('aria-valuetext')).toMatch(/^\d+ \w+,? \d\d:\d\d: Bids [\d,]+, Wins [\d,]+$/);
    await observed.page.keyboard.press('ArrowLeft');
    await eventually(() => plot.getAttribute('aria-valuenow'), String(last - 1));
    for (let step = 0; step < 9; step++) await observed.page.keyboard.press('Shift+ArrowLeft');
    await observed.page.keyboard.press('Enter');
    await eventually(() => Object.keys(reader.query()), ['since', 'until']);
    const { since = '', until = '' } = reader.query();
    expect(Date.parse(until) - Date.parse(since)).toBe(600_000);
    await reader.ready();
    await reader.pressAt(observed.page.getByRole('button', { name: 'Zoom out' }), 'Enter');
    await eventually(() => Date.parse(reader.query()['until'] ?? '') - Date.parse(reader.query()['since'] ?? ''), 1_200_000);
    await reader.ready();
  });

  it('a chart’s table, pause and theme', async () => {
    await reader.pressAt(reader.chart('Spend').getByRole('button', { name: 'as a table' }), 'Space');
    await reader.tabTo(reader.chart('Spend').getByRole('region'));
    await reader.pressAt(observed.page.getByRole('button', { name: 'Pause' }), 'Space');
    await reader.statusIs('Paused');
    await reader.pressAt(observed.page.getByRole('button', { name: 'Dark theme' }), 'Space');
    expect(await observed.page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
  });

  it('a CSV link is reached, and a panel that failed is tried again', async () => {
    await reader.tabTo(observed.page.getByRole('link', { name: 'All outcomes of this range as CSV' }));
    const end = await failWithProblem(observed.page, panels.timeSeries);
    await reader.preset('15 min').press('Enter');
    const retry = observed.page.getByRole('button', { name: 'Retry' });
    await retry.waitFor();
    await end();
    await reader.pressAt(retry, 'Enter');
    await reader.ready();
    await reader.plot('Win rate').waitFor();
  });
});
