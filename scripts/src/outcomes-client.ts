import type { FoundOutcome } from './accounting.js';

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

/**
 * The outcomes of this run, once no more of them arrive: polls until `expected` are there, or none has come for `quietMs`, at most `limitMs`.
 * The last read is a full one, so what it returns is what is stored.
 */
export async function settledOutcomes(options: {
  api: string;
  since: Date;
  isOurs: (outcome: FoundOutcome) => boolean;
  expected: number;
  quietMs: number;
  limitMs: number;
  progress: (found: number) => void;
}): Promise<FoundOutcome[]> {
  const startedMonoMs = performance.now();
  let changedMonoMs = startedMonoMs;
  let before = -1;
  for (;;) {
    const found: FoundOutcome[] = [];
    for await (const page of outcomePages(options.api, options.since))
      for (const outcome of page) if (options.isOurs(outcome)) found.push(outcome);
    options.progress(found.length);
    const nowMonoMs = performance.now();
    if (found.length !== before) changedMonoMs = nowMonoMs;
    // One unchanged read after the last arrival: what comes too late or too often should be seen as well.
    const complete = found.length >= options.expected && found.length === before;
    before = found.length;
    if (complete || nowMonoMs - changedMonoMs >= options.quietMs || nowMonoMs - startedMonoMs >= options.limitMs) return found;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
