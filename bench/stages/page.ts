import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '@helios/scripts/chromium';
import type { Browser, Page } from 'playwright-core';
import { startLoadedDatabase } from '../outcomes/loaded-database.js';
import { freePort, startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';

/**
 * Question: how soon does the built dashboard show its largest part, and does anything move, with ten million outcomes behind it?
 * Method: the real API and the dashboard's server, the system's Chromium without a window, a new profile for each load; largest contentful
 * paint and layout shifts as the browser's PerformanceObserver gives them, until three seconds after every panel has its answer. Browser,
 * servers and database share the machine. Pictures go to bench/.out/page.
 */

const picturesFolder = fileURLToPath(new URL('../../.out/page', import.meta.url));
const LOADS = 5;
const WATCHED_AFTER_MS = 3000;
const LARGEST_PAINT_GOAL_MS = 1000;
const HOUR_MS = 3_600_000;

interface Load {
  readonly largestPaintMs: number;
  readonly layoutShift: number;
  readonly problems: readonly string[];
}

export async function benchPage({ rows }: { readonly rows: number }): Promise<void> {
  const loaded = await startLoadedDatabase(rows);
  const started: { stop(): Promise<void> }[] = [loaded];
  try {
    const [apiPort, dashboardPort] = [await freePort(), await freePort()];
    const address = `http://127.0.0.1:${dashboardPort}`;
    const apiEnv = { ...loaded.env, ANALYTICS_PORT: String(apiPort), ANALYTICS_CORS_ORIGINS: address };
    started.push(await startService('analytics/dist/main.js', ['api'], apiEnv));
    const dashboardEnv = { DASHBOARD_PORT: String(dashboardPort), ANALYTICS_API_URL: `http://127.0.0.1:${apiPort}` };
    started.push(await startService('dashboard/dist/server/main.js', [], dashboardEnv));
    const browser = await launchChromium();
    started.push({ stop: () => browser.close() });
    const views = [];
    for (const days of [1, 7, 30]) views.push(await measure(browser, address, days, Date.parse(loaded.until)));
    await takePictures(browser, `${address}/${query(1, Date.parse(loaded.until))}`);
    const path = writeResult('page', `npm run bench -- page --rows ${rows}`, {
      question: 'largest contentful paint and layout shift of the built dashboard, in a new profile each time',
      rows,
      goals: { largestPaintMs: LARGEST_PAINT_GOAL_MS, layoutShift: 0 },
      views,
    });
    console.log(`page: ${path}; pictures in bench/.out/page`);
  } finally {
    for (const part of started.toReversed()) await part.stop();
  }
}

/** The last `days` of what is loaded. */
function query(days: number, untilUnixMs: number): string {
  const text = (unixMs: number) => new Date(unixMs).toISOString().replace('.000Z', 'Z');
  return `?since=${text(untilUnixMs - days * 24 * HOUR_MS)}&until=${text(untilUnixMs)}`;
}

async function measure(browser: Browser, address: string, days: number, untilUnixMs: number): Promise<object> {
  const loads: Load[] = [];
  for (let load = 0; load < LOADS; load++) loads.push(await loadOnce(browser, `${address}/${query(days, untilUnixMs)}`));
  const paintsMs = loads.map(({ largestPaintMs }) => Math.round(largestPaintMs));
  const problems = loads.flatMap((load) => load.problems);
  if (problems.length > 0) throw new Error(`The page had problems: ${problems.slice(0, 5).join('; ')}`);
  const shift = Math.max(...loads.map(({ layoutShift }) => layoutShift));
  console.log(`${days} d: largest contentful paint ${paintsMs.join(', ')} ms, greatest layout shift ${shift}`);
  return { days, largestPaintMs: paintsMs, medianLargestPaintMs: median(paintsMs), greatestLayoutShift: rounded(shift, 4) };
}

async function loadOnce(browser: Browser, url: string): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    await page.addInitScript(`
      window.paint = { largestMs: 0, shift: 0 };
      new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.paint.largestMs = entry.startTime; })
        .observe({ type: 'largest-contentful-paint', buffered: true });
      new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.paint.shift += entry.value; })
        .observe({ type: 'layout-shift', buffered: true });`);
    await page.goto(url);
    await answered(page);
    await page.waitForTimeout(WATCHED_AFTER_MS);
    const { largestMs, shift } = (await page.evaluate('window.paint')) as { largestMs: number; shift: number };
    return { largestPaintMs: largestMs, layoutShift: shift, problems };
  } finally {
    await context.close();
  }
}

/** Skeletons are busy; nothing is once every panel has its answer. The page's policy refuses a text that is evaluated again and again. */
async function answered(page: Page): Promise<void> {
  await page.locator('.figure-strip[aria-busy="false"]').waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
}

async function takePictures(browser: Browser, url: string): Promise<void> {
  mkdirSync(picturesFolder, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [name, width, height] of [
      ['wide', 1440, 1180],
      ['phone', 390, 844],
    ] as const) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme, timezoneId: 'Europe/Berlin' });
      const page = await context.newPage();
      await page.goto(url);
      await answered(page);
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(picturesFolder, `${name}-${colorScheme}.png`) });
      await context.close();
    }
  }
}
