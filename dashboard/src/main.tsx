import { signal } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.js';
import { OutcomeFeed } from './outcome-feed.js';

/** Starts the page: asks where the API is, then keeps the newest outcomes up to date. */

const PAGE_LIMIT = 50;
const root = document.querySelector('#app');
if (root === null) throw new Error('the page has no #app');

let apiUrl: string | null = null;

/** The address is read once, and again after a fault, so that a page opened before the server was ready recovers. */
async function findApi(abort: AbortSignal): Promise<string> {
  const response = await fetch('/config.json', { signal: abort, cache: 'no-cache' });
  const config = (await response.json()) as { analyticsApiUrl?: unknown };
  if (!response.ok || typeof config.analyticsApiUrl !== 'string') throw new Error('config.json names no API');
  return config.analyticsApiUrl;
}

const feed = new OutcomeFeed({
  intervalMs: 1000,
  timeoutMs: 8000,
  retryMaxMs: 10_000,
  nowUnixMs: Date.now,
  request: async (abort) => {
    apiUrl ??= await findApi(abort);
    // `no-cache` lets the browser ask with If-None-Match and answer from its cache on 304: a header of our own would cost a preflight each time.
    return fetch(`${apiUrl}/api/analytics/outcomes/?limit=${PAGE_LIMIT}`, { signal: abort, cache: 'no-cache', credentials: 'omit' });
  },
});

const nowUnixMs = signal(Date.now());
setInterval(() => {
  if (!document.hidden) nowUnixMs.value = Date.now();
}, 1000);
document.addEventListener('visibilitychange', () => {
  nowUnixMs.value = Date.now();
  feed.setHidden(document.hidden);
});
window.addEventListener('online', () => feed.retry());
feed.setHidden(document.hidden);

feed.start();
render(<App feed={feed} nowUnixMs={nowUnixMs} />, root);
