import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiText } from '../../../analytics/src/api/openapi-document.js';
import { type ApiUnderTest, startApi } from '../../../analytics/test/api/api-under-test.js';
import { chromiumAbsent, launchChromium, whySkipped } from './chromium.js';
import { observedPage } from './observed-page.js';

describe.skipIf(chromiumAbsent !== undefined)(`the API's documentation page${whySkipped}`, () => {
  let api: ApiUnderTest;
  let browser: Browser;

  beforeAll(async () => {
    const absent = () => Promise.reject(new Error('the page needs no database'));
    api = await startApi({ query: absent, pool: () => ({ open: 0, idle: 0, waiting: 0 }), close: () => Promise.resolve() });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await api?.app.close();
  });

  it.each(['/api/docs', '/api/docs/', '/api/analytics/docs'])(
    'shows every operation of %s, asks no other host, and offends no policy',
    async (path) => {
      const { page, context, expectNoProblems } = await observedPage(browser);
      const hosts = new Set<string>();
      page.on('request', (request) => hosts.add(new URL(request.url()).host));
      await page.goto(`http://127.0.0.1:${api.port}${path}`);
      const operations = page.locator('.opblock-summary');
      await operations.first().waitFor();
      const { paths } = JSON.parse(await openApiText()) as { paths: object };
      expect(await operations.count()).toBe(Object.keys(paths).length);
      await operations.first().click();
      await page.locator('.opblock-body .parameters').first().waitFor();
      await expectNoProblems();
      expect([...hosts].filter((host) => host !== '' && host !== `127.0.0.1:${api.port}`)).toEqual([]);
      await context.close();
    },
  );
});
