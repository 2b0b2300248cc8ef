import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { themes, widthsPx } from './observed-page.js';

/** Looks at a state of the page in every width and theme: a picture to be looked at, and what a machine can say of it. */

const picturesFolder = fileURLToPath(new URL('../../.out/screenshots', import.meta.url));
/** The narrow and the wide layout; between them there is no third. */
const audited: readonly number[] = [360, 1440];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

declare global {
  interface Window {
    axe: { run(root: Document, options: RunOptions): Promise<AxeResults> };
  }
}

/** Takes `dashboard/.out/screenshots/<name>-<width>-<theme>.png`; fails on a page wider than its window and on serious findings of axe. */
export async function lookEverywhere(page: Page, name: string): Promise<void> {
  mkdirSync(picturesFolder, { recursive: true });
  const findings: string[] = [];
  for (const widthPx of widthsPx) {
    await page.setViewportSize({ width: widthPx, height: 900 });
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      await settled(page);
      const where = `${name}-${widthPx}-${theme}`;
      await page.screenshot({ path: join(picturesFolder, `${where}.png`), fullPage: true });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wider > 0) findings.push(`${where}: the page is ${wider} px wider than its window`);
      if (!audited.includes(widthPx)) continue;
      findings.push(...(await seriousFindings(page)).map((finding) => `${where}: ${finding}`));
    }
  }
  expect(findings).toEqual([]);
}

/** Serious and critical findings of axe-core. It comes in over the debugger, so the page's own policy stays as it is. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const results = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary ?? ''}`));
}

/** Two frames: resizing redraws the charts in the next one. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}
