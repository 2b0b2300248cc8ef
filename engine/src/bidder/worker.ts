import { threadId } from 'node:worker_threads';
import { createLogger } from '@helios/runtime/log';
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina';
import type { BidRules } from './bid.js';
import { highestInterest } from './pricing.js';
import { priceBatch } from './price-batch.js';
import { ProfileClient } from './profile-client.js';
import { type BidResult, type BidTask, breakerStates, type WorkerSettings } from './worker-messages.js';

/** A worker thread of the bidder: one profile client and one breaker of its own, whole batches in and out. Run by the pool, never imported. */

const settings = workerData as WorkerSettings;
const rules: BidRules = { pricing: highestInterest(settings.tiers), auctionType: settings.auctionType };
const profiles = new ProfileClient(settings, createLogger('bidder', settings.logLevel), (state) => {
  if (state === 'open') Atomics.add(settings.breakerOpenings, 0, 1);
  Atomics.store(settings.breakerStates, threadId % settings.breakerStates.length, breakerStates.indexOf(state));
});
Atomics.store(settings.breakerStates, threadId % settings.breakerStates.length, 0);

/** Piscina's entry: prices a batch and gives its buffers away instead of copying them. */
export default async function work(task: BidTask): Promise<BidResult> {
  const result = await priceBatch(task, profiles, rules);
  return move({
    get [transferableSymbol]() {
      return [result.bytes, result.ends.buffer, result.sources.buffer];
    },
    get [valueSymbol]() {
      return result;
    },
  }) as unknown as BidResult;
}
