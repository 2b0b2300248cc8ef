import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';

/** A page in a browser profile of its own, with everything written down that must not happen on it. */

declare global {
  interface Window {
    /** Set in the page by `observe`, before anything of the page runs. */
    heliosObserved: { reports: string[]; shifts: { value: number; nodes: string[] }[]; largestPaintMs: number; scriptsRun: number };
  }
}

export interface ObservedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Fails when there was an error on the console, an exception, a dialog, a report of the content security policy or an injected script. */
  readonly expectNoProblems: () => Promise<void>;
  /** The sum of all layout shifts so far that no input caused, and what moved. */
  readonly layoutShift: () => Promise<{ sum: number; moved: string[] }>;
  /** Milliseconds from navigation to the largest contentful paint so far. */
  readonly largestPaintMs: () => Promise<number>;
}

export interface PageOptions extends BrowserContextOptions {
  /** The test makes requests fail: that the browser says so on its console is no problem. */
  readonly requestsFail?: boolean;
}

export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];
export const widthsPx = [360, 768, 1440] as const;

/** Opens an empty page; the zone is Berlin's unless `options` say otherwise. */
export async function observedPage(browser: Browser, options: PageOptions = {}): Promise<ObservedPage> {
  const { requestsFail = false, ...contextOptions } = options;
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    ...contextOptions,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    if (requestsFail && message.text().startsWith('Failed to load resource')) return;
    problems.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.addInitScript(observe);
  return {
    page,
    context,
    expectNoProblems: async () => {
      const { reports, scriptsRun } = await page.evaluate(() => window.heliosObserved);
      expect({ problems, reports, scriptsRun }).toEqual({ problems: [], reports: [], scriptsRun: 0 });
    },
    layoutShift: async () => {
      const shifts = await page.evaluate(() => window.heliosObserved.shifts);
      return { sum: shifts.reduce((sum, { value }) => sum + value, 0), moved: shifts.flatMap(({ nodes }) => nodes) };
    },
    largestPaintMs: () => page.evaluate(() => window.heliosObserved.largestPaintMs),
  };
}

/** Runs in the page. `layout-shift` and `largest-contentful-paint` are not in TypeScript's types of the browser. */
function observe(): void {
  interface Shift extends PerformanceEntry {
    value: number;
    hadRecentInput: boolean;
    sources: { node: Node | null }[];
  }
  const observed: Window['heliosObserved'] = { reports: [], shifts: [], largestPaintMs: 0, scriptsRun: 0 };
  window.heliosObserved = observed;
  document.addEventListener('securitypolicyviolation', (event) => {
    observed.reports.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
  const nameOf = (node: Node | null) =>
    node instanceof Element ? `${node.tagName}.${node.getAttribute('class') ?? ''}` : String(node?.nodeName);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as Shift[]) {
      if (!entry.hadRecentInput) observed.shifts.push({ value: entry.value, nodes: entry.sources.map(({ node }) => nameOf(node)) });
    }
  }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) observed.largestPaintMs = entry.startTime;
  }).observe({ type: 'largest-contentful-paint', buffered: true });
}
