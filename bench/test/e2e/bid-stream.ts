import { randomBytes } from 'node:crypto';
import { checkRun } from '@helios/scripts/accounting/check';
import type { AccountingReport, PostedRequest } from '@helios/scripts/accounting/identity';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { HttpPoster } from '@helios/scripts/http-poster';
import { sendOpenLoop } from '@helios/scripts/open-loop';
import { SeededRandom } from '@helios/scripts/random';
import { databaseConfigOf } from '@helios/scripts/replay-access';
import { slotsOfBody } from '@helios/scripts/replay-input';
import { kafkaConfigOf } from '@helios/scripts/topic-reader';
import { expect } from 'vitest';
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
 * The whole check over everything that was posted with ids under `prefix`, on a Helios that began empty: the identity through the API, the
 * groups' lag, the hops where the embedded broker still holds them, the rollups. Source: spec section 5.
 * @returns the identity's report; `holds` and `findings` are those of the whole check.
 */
export async function accountOf(
  helios: HeliosUnderTest,
  prefix: string,
  posted: readonly PostedRequest[],
): Promise<AccountingReport & { readonly findings: readonly string[] }> {
  const { addresses, kafkaBrokers, database, startedAt } = helios.facts;
  const environment = plainEnvironment();
  const { identity, holds, findings, lag, rollups } = await checkRun({
    prefix,
    posted,
    api: { address: addresses.api, since: new Date(startedAt) },
    ...(database === null ? {} : { database: databaseConfigOf(environment, database) }),
    kafka: { config: kafkaConfigOf({ ...environment, KAFKA_BROKERS: kafkaBrokers }), start: null },
    limitMs: 60_000,
  });
  expect([lag.checked, rollups.checked]).toEqual([true, database !== null]);
  return { ...identity, holds, findings };
}

/** What a report looks like when every accepted slot has exactly one end, none is a dead letter, and the rest of the check holds. */
export const nothingLost = { holds: true, findings: [], missing: [], unexpected: [], duplicates: [], deadLettered: 0 } as const;

function* endless(): Generator<null> {
  for (;;) yield null;
}
