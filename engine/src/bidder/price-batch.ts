import { type BidRequest, parseBidRequest } from '@helios/proto/bid-request';
import { encodeBidResponse } from '@helios/proto/events';
import type { TracedUser } from '@helios/proto/traceparent';
import { bidOn, type BidRules, type Profile } from './bid.js';
import type { NoBidReason } from './pricing.js';
import type { ProfileLookup } from './profile-client.js';
import { type BidResult, type BidTask, type LoggedRequest, type MessageFault, TextPacker } from './worker-messages.js';

/** Bytes that one encoded bid takes, roughly: sizes the first output buffer. */
const BID_BYTES = 900;

/**
 * Everything between bytes in and bytes out for one batch: parse, look up the profiles, price, encode. The same code runs in a worker and
 * inline. A message that is no valid request becomes a fault, never an exception.
 */
export async function priceBatch(task: BidTask, profiles: ProfileLookup, rules: BidRules): Promise<BidResult> {
  const startedMonoMs = performance.now();
  const faults: MessageFault[] = [];
  const requests = parseAll(task, faults);
  const userIds = new Set<string>();
  for (const request of requests) if (request !== null && request.userId !== null) userIds.add(request.userId);
  const lookupStartedMonoMs = performance.now();
  const asked = [...userIds];
  const lookup = await profiles.lookup(asked, tracedUsers(task, requests, asked));
  const lookupEndedMonoMs = performance.now();
  const priced = priceAll(task, requests, lookup.profiles, rules);
  return {
    ...priced,
    faults,
    lookup: { result: lookup.result, durationMs: lookup.durationMs, userIds: userIds.size },
    workMs: performance.now() - lookupEndedMonoMs + (lookupStartedMonoMs - startedMonoMs),
  };
}

/** Where the users of traced requests stand among `userIds`; a request without a user is not looked up. */
function tracedUsers(task: BidTask, requests: readonly (BidRequest | null)[], userIds: readonly string[]): TracedUser[] {
  return task.traced.flatMap(({ index, traceparent }) => {
    const userId = requests[index]?.userId ?? null;
    return userId === null ? [] : [{ position: userIds.indexOf(userId), traceparent }];
  });
}

function parseAll(task: BidTask, faults: MessageFault[]): (BidRequest | null)[] {
  const requests: (BidRequest | null)[] = [];
  let start = 0;
  for (let index = 0; index < task.ends.length; index++) {
    const end = task.ends[index] as number;
    const parsed = parseBidRequest(new Uint8Array(task.bytes, start, end - start));
    start = end;
    requests.push(parsed.ok ? parsed.request : null);
    if (!parsed.ok) faults.push({ index, code: parsed.fault.code, detail: parsed.fault.detail });
  }
  return requests;
}

function priceAll(
  task: BidTask,
  requests: readonly (BidRequest | null)[],
  profiles: ReadonlyMap<string, Profile> | null,
  rules: BidRules,
): Pick<BidResult, 'bytes' | 'ends' | 'sources' | 'noBids' | 'enrichedBids' | 'logs'> {
  const bidAt = new Date().toISOString();
  const packer = new TextPacker(requests.length * BID_BYTES);
  const ends: number[] = [];
  const sources: number[] = [];
  const noBids: Record<NoBidReason, number> = { unsupported_format: 0, no_size: 0, currency: 0, floor: 0 };
  const logs: LoggedRequest[] = [];
  const logged = new Set(task.logged);
  let enrichedBids = 0;
  for (let index = 0; index < requests.length; index++) {
    const request = requests[index] ?? null;
    if (request === null) continue;
    const profile = profiles === null || request.userId === null ? null : (profiles.get(request.userId) ?? null);
    const bidding = bidOn(request, profile, rules, bidAt);
    for (const bid of bidding.bids) {
      ends.push(packer.append(encodeBidResponse(bid)));
      sources.push(index);
      if (bid.enriched) enrichedBids++;
    }
    for (const { reason } of bidding.noBids) noBids[reason]++;
    if (logged.has(index)) {
      logs.push({
        index,
        requestId: request.id,
        profile,
        bidIds: bidding.bids.map((bid) => bid.bid_id),
        noBids: bidding.noBids,
      });
    }
  }
  return { bytes: packer.finish(), ends: Uint32Array.from(ends), sources: Uint32Array.from(sources), noBids, enrichedBids, logs };
}
