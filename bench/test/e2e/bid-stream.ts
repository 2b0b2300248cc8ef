import { randomBytes } from 'node:crypto';
import { account, type AccountingReport, type PostedRequest } from '@helios/scripts/accounting';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { readDeadLetters } from '@helios/scripts/dead-letter-reader';
import { HttpPoster } from '@helios/scripts/http-poster';
import { sendOpenLoop } from '@helios/scripts/open-loop';
import { settledOutcomes } from '@helios/scripts/outcomes-client';
import { SeededRandom } from '@helios/scripts/random';
import { slotsOfBody } from '@helios/scripts/replay-input';
import type { HeliosUnderTest } from './helios-under-test.js';
import { plainEnvironment } from './processes.js';

/** Bid requests that are kept account of: what was posted, how it was answered, what became of it. */

export type Answers = Readonly<Record<string, number>>;

/** A prefix of ids that no other run uses. */
export function freshPrefix(): string {
  return `e2e-${randomBytes(5).toString('hex')}-`;
}

/** A generated request in the short form (1 to 5 slots, floors that accounting runs need) under the given id. */
export function generatedRequests(seed: number): (id: string) => Record<string, unknown> {
  const random = new SeededRandom(seed);
  return (id) => ({ ...nextBidRequest(random, { shape: random.chance(0.5) ? 'openrtb' : 'short', floors: 'split' }), id });
}

/** A request of one slot that always gets a bid, for the given user. */
export function simpleRequest(id: string, userId: string): Record<string, unknown> {
  return { id, user: { id: userId }, site: { domain: 'e2e.example' }, ad_slots: [{ id: 'slot-1', w: 300, h: 250, floor: 0 }] };
}

/** A stream of bid requests at a constant rate, until it is stopped. */
export class BidStream {
  readonly prefix = freshPrefix();
  readonly posted: PostedRequest[] = [];
  readonly #poster: HttpPoster;
  readonly #stopped = new AbortController();
  readonly #running: Promise<unknown>;

  /** Starts to post `requestFor(id, index)` to `bidUrl` `perSecond` times a second. */
  constructor(bidUrl: string, perSecond: number, requestFor: (id: string, index: number) => Record<string, unknown>) {
    this.#poster = new HttpPoster(bidUrl, 128);
    this.#running = sendOpenLoop({
      items: endless(),
      perSecond,
      maxInFlight: perSecond * 5,
      signal: this.#stopped.signal,
      send: async (_, index) => {
        const id = `${this.prefix}${index}`;
        const body = JSON.stringify(requestFor(id, index));
        const { status } = await this.#poster.post(body);
        this.posted.push({ id, status, slots: slotsOfBody(body)?.slots ?? [] });
      },
    });
  }

  /** How the requests were answered so far, by status. */
  get answers(): Answers {
    return answersOf(this.posted);
  }

  /** Ends the stream and waits for the answers still owed. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#poster.close();
  }
}

/** How many requests were answered with each status; `none`: no answer. */
export function answersOf(posted: readonly PostedRequest[]): Answers {
  const counts: Record<string, number> = {};
  for (const { status } of posted) {
    const name = status === null ? 'none' : String(status);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/**
 * The accounting identity over everything that was posted with ids under `prefix`: reads the API until nothing more arrives, and all dead
 * letters. Source: spec section 5.
 */
export async function accountOf(helios: HeliosUnderTest, prefix: string, posted: readonly PostedRequest[]): Promise<AccountingReport> {
  const { addresses, kafkaBrokers, startedAt } = helios.facts;
  const isOurs = ({ requestId }: { requestId: string }) => requestId.startsWith(prefix);
  let expected = 0;
  for (const request of posted) if (request.status === 202) expected += request.slots.filter((slot) => slot.expectation === 'bid').length;
  const outcomes = await settledOutcomes({
    api: addresses.api,
    since: new Date(startedAt),
    isOurs,
    expected,
    quietMs: 10_000,
    limitMs: 60_000,
    progress: () => {},
  });
  const letters = await readDeadLetters({ ...plainEnvironment(), KAFKA_BROKERS: kafkaBrokers });
  return account(posted, outcomes, letters.filter(isOurs));
}

/** What a report looks like when every accepted slot has exactly one end and none is a dead letter. */
export const nothingLost = { holds: true, missing: [], unexpected: [], duplicates: [], deadLettered: 0 } as const;

function* endless(): Generator<null> {
  for (;;) yield null;
}
