import { randomBytes } from 'node:crypto';
import { type CheckOptions, checkRun } from '../accounting/check.js';
import type { PostedRequest } from '../accounting/slot-table.js';
import { nextBidRequest } from '../bid-request-mix.js';
import { HttpPoster } from '../http-poster.js';
import { SeededRandom } from '../random.js';
import { bodyOfLine, slotsOfBody } from '../replay-input.js';

/** Bids through services under proof, each followed to its end in the database, and the pages that show it. */

export interface BidAddresses {
  readonly bid: string;
  readonly api: string;
  readonly dashboard: string;
}

export interface BidFigures {
  readonly requests: number;
  readonly slots: number;
  /** Of slots that were bid on, as the API shows them. */
  readonly outcomes: number;
  /** Those whose user's profile arrived in time. */
  readonly enriched: number;
}

const REQUESTS = 300;
const CONNECTIONS = 16;
const SEED = 1;
const PAGE = 500;
const CLOCK_SLACK_MS = 5000;

/**
 * Posts bid requests and follows every slot.
 * @param access how the checker reads broker and database; the topics were empty before.
 * @throws Error with what does not hold.
 */
export async function checkBids(
  addresses: BidAddresses,
  access: Pick<CheckOptions, 'kafka' | 'database'>,
  limitMs: number,
): Promise<BidFigures> {
  const since = new Date(Date.now() - CLOCK_SLACK_MS);
  const prefix = `image-${randomBytes(4).toString('hex')}-`;
  const posted = await postBids(addresses.bid, prefix);
  const refused = posted.filter(({ status }) => status !== 202);
  if (refused.length > 0)
    throw new Error(`${refused.length} of ${posted.length} bid requests were not answered 202 (${refused[0]?.status})`);
  const report = await checkRun({ prefix, posted, ...access, api: { address: addresses.api, since }, limitMs });
  if (!report.holds) throw new Error(`The account of the bids does not hold:\n${report.findings.join('\n')}`);
  const stored = await storedOutcomes(addresses.api, since, prefix);
  const enriched = stored.filter((outcome) => outcome.enriched).length;
  if (stored.length === 0) throw new Error('No slot got a bid.');
  if (enriched === 0) throw new Error('No bid was enriched: profiles do not reach the bidder.');
  const slots = posted.reduce((sum, request) => sum + request.slots.length, 0);
  return { requests: posted.length, slots, outcomes: stored.length, enriched };
}

/** The dashboard's page, what it loads, and the API's address that it hands out. @throws Error with what is not there. */
export async function checkDashboard({ api, dashboard }: BidAddresses): Promise<void> {
  const page = await textOf(`${dashboard}/`);
  const asset = /(?:src|href)="(\/assets\/[^"]+)"/.exec(page)?.[1];
  if (asset === undefined) throw new Error('The dashboard answers a page that loads no asset.');
  await textOf(`${dashboard}${asset}`);
  const { analyticsApiUrl } = JSON.parse(await textOf(`${dashboard}/config.json`)) as { analyticsApiUrl: string };
  if (analyticsApiUrl !== api) throw new Error(`The dashboard names ${analyticsApiUrl} as the API, not ${api}.`);
}

async function postBids(url: string, prefix: string): Promise<PostedRequest[]> {
  const random = new SeededRandom(SEED);
  const poster = new HttpPoster(url, CONNECTIONS);
  try {
    return await Promise.all(
      Array.from({ length: REQUESTS }, async (_, index): Promise<PostedRequest> => {
        const request = nextBidRequest(random, { shape: index % 2 === 0 ? 'short' : 'openrtb', floors: 'split' });
        const { text, id } = bodyOfLine(JSON.stringify(request), index, prefix);
        const { status } = await poster.post(text);
        return { id, status, slots: slotsOfBody(text)?.slots ?? [] };
      }),
    );
  } finally {
    poster.close();
  }
}

interface Stored {
  readonly bid_request_id: string;
  readonly enriched: boolean;
}

async function storedOutcomes(api: string, since: Date, prefix: string): Promise<Stored[]> {
  const found: Stored[] = [];
  let next: string | null = `${api}/api/outcomes/?limit=${PAGE}&since=${since.toISOString()}`;
  while (next !== null) {
    const page = JSON.parse(await textOf(next)) as { next: string | null; results: Stored[] };
    found.push(...page.results);
    next = page.next === null ? null : new URL(page.next, api).href;
  }
  return found.filter((outcome) => outcome.bid_request_id.startsWith(prefix));
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(15_000) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
  return text;
}
