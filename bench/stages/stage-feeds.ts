import { bidOn } from '@helios/engine/bidder/bid';
import { highestInterest } from '@helios/engine/bidder/pricing';
import { decide } from '@helios/engine/auction/decide';
import { parseBidRequest } from '@helios/proto/bid-request';
import { encodeAuctionOutcome, encodeBidResponse } from '@helios/proto/events';
import { groupDefaults, headerNames, topicDefaults } from '@helios/proto/topics';
import { mockProfile, userIdAt } from '@helios/profile-svc/mock-profiles';
import type { OutgoingEvent } from '@helios/runtime/kafka/producer';
import { KNOWN_USERS, nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';

/** What the stages behind Kafka are fed with: messages by number, each with an id of this run. */
export type StageName = 'bidder' | 'auction' | 'writer';

export interface Feed {
  readonly topic: string;
  readonly groupId: string;
  readonly events: (first: number, count: number) => OutgoingEvent[];
}

const MARKET = { medianUsd: 0.037, sigma: 1.17, seed: 1 };

/** How many bids the pure rule makes of these requests; floors are such that the profile does not matter. */
export function bidsOf(events: readonly OutgoingEvent[]): number {
  let bids = 0;
  for (const event of events) {
    const parsed = parseBidRequest(event.value as Buffer);
    if (!parsed.ok) throw new Error(parsed.fault.detail);
    bids += bidOn(parsed.request, null, rules, '').bids.length;
  }
  return bids;
}

const rules = { pricing: highestInterest(), auctionType: 2 } as const;
const runId = Date.now().toString(36);

/** Request `index` of the run: two slots a request, so that a message is what spec section 4 calls one. */
function requestAt(index: number): { id: string; text: string } {
  const random = new SeededRandom(index + 1);
  const id = `bench-${runId}-${index}`;
  const base = nextBidRequest(random, { shape: 'short', floors: 'split' });
  const slots = (base['ad_slots'] as object[]).slice(0, 2);
  return { id, text: JSON.stringify({ ...base, id, ad_slots: slots }) };
}

const acceptedHeaders = () => [{ [headerNames.acceptedAt]: String(Date.now()) }];

const idAt = (index: number): string => `bench-${runId}-${index}`;

function bidResponseAt(index: number, id = idAt(index)): { id: string; text: string; timestamp: string } {
  const userIndex = index % (2 * KNOWN_USERS);
  const parsed = parseBidRequest(
    Buffer.from(
      JSON.stringify({
        id,
        user: { id: userIdAt(userIndex) },
        site: { domain: `site-${index % 97}.example` },
        ad_slots: [{ id: '1', w: 300, h: 250, floor: 0.005 }],
      }),
    ),
  );
  if (!parsed.ok) throw new Error(parsed.fault.detail);
  const timestamp = new Date().toISOString();
  const profile = userIndex < KNOWN_USERS ? mockProfile(userIndex, 1) : null;
  const [bid] = bidOn(parsed.request, profile, rules, timestamp).bids;
  if (bid === undefined) throw new Error('the generated slot got no bid');
  return { id, text: encodeBidResponse(bid), timestamp };
}

export const feeds: Record<StageName, Feed> = {
  bidder: {
    topic: topicDefaults.KAFKA_TOPIC_BID_REQUESTS,
    groupId: groupDefaults.bidder,
    events: (first, count) =>
      Array.from({ length: count }, (_, index) => {
        const { id, text } = requestAt(first + index);
        return { key: id, value: Buffer.from(text), headers: acceptedHeaders() };
      }),
  },
  auction: {
    topic: topicDefaults.KAFKA_TOPIC_BID_RESPONSES,
    groupId: groupDefaults.auction,
    events: (first, count) =>
      Array.from({ length: count }, (_, index) => {
        const { id, text } = bidResponseAt(first + index);
        return { key: id, value: Buffer.from(text), headers: acceptedHeaders() };
      }),
  },
  writer: outcomeFeed(idAt),
};

/** Outcomes, message `index` under the request id `idOf(index)`. */
export function outcomeFeed(idOf: (index: number) => string): Feed {
  return {
    topic: topicDefaults.KAFKA_TOPIC_AUCTION_OUTCOMES,
    groupId: groupDefaults.writer,
    events: (first, count) =>
      Array.from({ length: count }, (_, index) => {
        const { id, text, timestamp } = bidResponseAt(first + index, idOf(first + index));
        const bid = JSON.parse(text) as Parameters<typeof decide>[0];
        const outcome = encodeAuctionOutcome({ ...bid, ...decide(bid, MARKET), timestamp });
        return { key: id, value: Buffer.from(outcome), headers: acceptedHeaders() };
      }),
  };
}
