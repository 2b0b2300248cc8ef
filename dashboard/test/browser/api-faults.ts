import type { Page, Route } from 'playwright-core';

/** Faults between the page and the API, put on and taken off while the page runs. */

/** Which requests: by the end of their path. */
export const panels = {
  everything: '**/api/analytics/**',
  summary: '**/api/analytics/stats/summary/**',
  timeSeries: '**/api/analytics/stats/timeseries/**',
  stats: '**/api/analytics/stats/**',
  outcomes: '**/api/analytics/outcomes/**',
} as const;

export const REQUEST_ID = '0a1b2c3d-0000-4000-8000-123456789abc';

/** No answer, as long as the page lives. Returns how to end it: what still waits then is let through. */
export async function stall(page: Page, urls: string): Promise<() => Promise<void>> {
  const waiting: Route[] = [];
  const hold = (route: Route) => void waiting.push(route);
  await page.route(urls, hold);
  return async () => {
    await page.unroute(urls, hold);
    // What the page has given up meanwhile cannot go on.
    await Promise.allSettled(waiting.map((route) => route.continue()));
  };
}

/**
 * The page gives a question up after some seconds, and asks again after some more; looking at what it shows meanwhile takes longer. Before the
 * page is opened.
 */
export async function waitForEver(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const setTimeoutOfBrowser = window.setTimeout.bind(window);
    const patient = (run: () => void, delayMs = 0) => (delayMs >= 8000 ? 0 : setTimeoutOfBrowser(run, delayMs));
    Object.defineProperty(window, 'setTimeout', { value: patient });
  });
}

/** No connection. */
export async function disconnect(page: Page, urls: string): Promise<() => Promise<void>> {
  const refuse = (route: Route) => route.abort('connectionrefused');
  await page.route(urls, refuse);
  return () => page.unroute(urls, refuse);
}

/** 503 as the API gives it while the database is away. */
export async function failWithProblem(page: Page, urls: string): Promise<() => Promise<void>> {
  const fail = (route: Route) =>
    route.fulfill({
      status: 503,
      contentType: 'application/problem+json; charset=utf-8',
      headers: {
        'access-control-allow-origin': new URL(page.url()).origin,
        'access-control-expose-headers': 'etag, retry-after, x-request-id',
        'x-request-id': REQUEST_ID,
      },
      body: JSON.stringify({
        type: 'about:blank',
        title: 'Service unavailable',
        status: 503,
        detail: 'The database does not answer.',
        request_id: REQUEST_ID,
      }),
    });
  await page.route(urls, fail);
  return () => page.unroute(urls, fail);
}
