import { signal } from '@preact/signals';

/** How the page reaches the analytics API, whose address the dashboard's server tells at run time. */

const CONFIG_TIMEOUT_MS = 8000;

/** Scheme, host and port; empty when it is the page's own, null until it is known. */
export const apiUrl = signal<string | null>(null);

/** Asks for a path. `no-cache` lets the browser ask with If-None-Match and answer a 304 from its cache: a header of our own would cost a preflight. */
export async function ask(path: string, abort: AbortSignal): Promise<Response> {
  apiUrl.value ??= await findApi();
  return fetch(`${apiUrl.value}${path}`, { signal: abort, cache: 'no-cache', credentials: 'omit' });
}

let finding: Promise<string> | null = null;

/** Read once for all who ask, and again after a fault, so that a page opened before the server was ready recovers. */
function findApi(): Promise<string> {
  finding ??= readConfig().finally(() => {
    finding = null;
  });
  return finding;
}

async function readConfig(): Promise<string> {
  const response = await fetch('/config.json', { signal: AbortSignal.timeout(CONFIG_TIMEOUT_MS), cache: 'no-cache' });
  const config = (await response.json()) as { analyticsApiUrl?: unknown };
  if (!response.ok || typeof config.analyticsApiUrl !== 'string') throw new Error('config.json names no API');
  return config.analyticsApiUrl;
}
