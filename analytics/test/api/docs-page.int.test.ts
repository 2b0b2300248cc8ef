import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiText } from '../../src/api/openapi-document.js';
import { type ApiUnderTest, startApi } from './api-under-test.js';
import { ask } from './http-client.js';

/** The page of the API's documentation in a real browser: HELIOS_TEST_CHROMIUM, or the system's Chromium. */
const executablePath = process.env['HELIOS_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let api: ApiUnderTest;
beforeAll(async () => {
  const absent = () => Promise.reject(new Error('the page needs no database'));
  api = await startApi({ query: absent, pool: () => ({ open: 0, idle: 0, waiting: 0 }), close: () => Promise.resolve() });
});
afterAll(() => api.app.close());

describe('the documentation page', () => {
  it.each(['/api/docs', '/api/docs/', '/api/analytics/docs', '/api/analytics/docs/'])('is served strictly at %s', async (path) => {
    const { statusCode, headers, body } = await ask(api.port, path);
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toContain('text/html');
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(policy).not.toMatch(/https?:|unsafe-eval|\*/);
    expect(body).not.toMatch(/https?:\/\/|<script(?![^>]* src=)/);
  });

  it.each(['/api', '/api/analytics'])('has the paths below %s in its JSON', async (prefix) => {
    const { value, headers } = await ask(api.port, `${prefix}/docs/json`);
    expect(headers['content-type']).toContain('application/json');
    const { paths } = value as { paths: Record<string, unknown> };
    expect(Object.keys(paths)).toContain(`${prefix}/outcomes/{bid_id}/`);
    for (const path of Object.keys(paths))
      expect(path.startsWith(`${prefix}/`) && path.includes('analytics') === prefix.includes('analytics')).toBe(true);
  });
});

describe.skipIf(!existsSync(executablePath))(`the documentation page in Chromium (needs ${executablePath})`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: flags });
  });
  afterAll(() => browser.close());

  it.each(['/api/docs', '/api/docs/', '/api/analytics/docs'])(
    'shows every operation of %s, asks no other host, and offends no policy',
    async (path) => {
      const page = await browser.newPage();
      const faults: string[] = [];
      const hosts = new Set<string>();
      page.on('console', (line) => line.type() === 'error' && faults.push(line.text()));
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('request', (request) => hosts.add(new URL(request.url()).host));
      page.on('response', (response) => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`));
      await page.goto(`http://127.0.0.1:${api.port}${path}`);
      const operations = page.locator('.opblock-summary');
      await operations.first().waitFor();
      const { paths } = JSON.parse(await openApiText()) as { paths: object };
      expect(await operations.count()).toBe(Object.keys(paths).length);
      await operations.first().click();
      await page.locator('.opblock-body .parameters').first().waitFor();
      expect(faults).toEqual([]);
      expect([...hosts].filter((host) => host !== '' && host !== `127.0.0.1:${api.port}`)).toEqual([]);
      if (process.env['HELIOS_TEST_SCREENSHOTS'] !== undefined)
        await page.screenshot({ path: `${process.env['HELIOS_TEST_SCREENSHOTS']}/docs.png`, fullPage: true });
      await page.close();
    },
    60_000,
  );
});
