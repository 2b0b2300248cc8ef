import type { FoundOutcome } from './accounting/identity.js';

/** Reads stored outcomes from the analytics API, newest first, page by page. */

const PAGE_LIMIT = 500;
const TIMEOUT_MS = 15_000;

interface OutcomePage {
  readonly next: string | null;
  readonly results: readonly { readonly bid_request_id: string; readonly slot_id: string }[];
}

/**
 * All outcomes since an instant, one page at a time.
 * @param api address of the API, such as `http://127.0.0.1:8000`.
 * @throws Error when the API does not answer a page.
 */
export async function* outcomePages(api: string, since: Date): AsyncGenerator<FoundOutcome[]> {
  const query = new URLSearchParams({ limit: String(PAGE_LIMIT), since: since.toISOString() });
  let next: string | null = `${api}/api/outcomes/?${query.toString()}`;
  while (next !== null) {
    const page: OutcomePage = await readPage(next);
    yield page.results.map((row) => ({ requestId: row.bid_request_id, slotId: row.slot_id }));
    next = page.next === null ? null : new URL(page.next, api).href;
  }
}

async function readPage(url: string): Promise<OutcomePage> {
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.ok) return (await response.json()) as OutcomePage;
    const text = await response.text();
    // Over its rate limit, or without its database for a moment: the API says that trying again may help.
    if (![429, 503].includes(response.status) || attempt >= 5) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, 500 * (attempt + 1)));
  }
}
