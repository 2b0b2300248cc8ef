import { toMicros } from '@helios/proto/money';
import { choice, type ConfigOf, decimal, hostPorts, integer } from '@helios/runtime/config';
import { groupSetting, kafkaFaults, kafkaSettings, serviceSettings } from '@helios/runtime/settings';
import { text } from '@helios/runtime/config';
import { groupDefaults } from '@helios/proto/topics';
import type { InterestTiers } from './pricing.js';

/** The bidder's environment. */
export const bidderSettings = {
  ...serviceSettings(9102),
  ...kafkaSettings,
  groupId: groupSetting('bidder'),
  readerGroupId: text({
    env: 'BIDDER_READER_GROUP_ID',
    default: groupDefaults.auction,
    effect: 'group that reads the bid responses; its progress is watched by the backlog guard',
  }),
  threads: integer({
    env: 'BIDDER_THREADS',
    default: 1,
    min: 0,
    max: 64,
    unit: 'threads',
    effect: 'worker threads that price batches; 0 prices on the main thread',
  }),
  batchMaxMessages: integer({
    env: 'BIDDER_BATCH_MAX_MESSAGES',
    default: 500,
    min: 1,
    max: 1000,
    unit: 'messages',
    effect: 'bid requests taken at once, and at most that many profiles asked for in one call',
  }),
  maxBatchesInFlight: integer({
    env: 'BIDDER_MAX_BATCHES_IN_FLIGHT',
    default: 4,
    min: 1,
    max: 100,
    unit: 'batches',
    effect: 'batches priced or awaiting acknowledgement at once',
  }),
  batchLingerMs: integer({
    env: 'BIDDER_BATCH_LINGER_MS',
    default: 20,
    min: 0,
    max: 1000,
    unit: 'ms',
    effect: 'how long bid requests may gather when fewer than half a batch waits',
  }),
  workerMaxMib: integer({
    env: 'BIDDER_WORKER_MAX_MIB',
    default: 128,
    min: 32,
    max: 4096,
    unit: 'MiB',
    effect: 'heap bound of one worker thread',
  }),
  profileAddress: hostPorts({ env: 'USER_PROFILE_SVC_ADDR', default: '127.0.0.1:50051', effect: 'address of profile-svc' }),
  profileTimeoutMs: integer({
    env: 'PROFILE_TIMEOUT_MS',
    default: 100,
    min: 1,
    max: 10_000,
    unit: 'ms',
    effect: 'deadline of one profile lookup; later answers do not count',
  }),
  breakerErrorPercent: integer({
    env: 'BIDDER_BREAKER_ERROR_PERCENT',
    default: 50,
    min: 1,
    max: 100,
    unit: '%',
    effect: 'share of failed lookups that opens the circuit breaker',
  }),
  breakerMinCalls: integer({
    env: 'BIDDER_BREAKER_MIN_CALLS',
    default: 5,
    min: 1,
    max: 1000,
    unit: 'calls',
    effect: "lookups within the breaker's window before it may open; so many failures in a row open it too, whatever the window holds",
  }),
  breakerWindowMs: integer({
    env: 'BIDDER_BREAKER_WINDOW_MS',
    default: 10_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    effect: 'window over which failed lookups are counted',
  }),
  breakerResetMs: integer({
    env: 'BIDDER_BREAKER_RESET_MS',
    default: 1000,
    min: 10,
    max: 600_000,
    unit: 'ms',
    effect: 'how long an open breaker waits before it tries one lookup',
  }),
  auctionType: choice({
    env: 'AUCTION_TYPE',
    values: ['1', '2'],
    default: '2',
    effect: 'auction of requests that name none: 1 first price, 2 second price',
  }),
  priceHighUsd: decimal({
    env: 'BIDDER_PRICE_HIGH_USD',
    default: 0.1,
    min: 0,
    max: 1000,
    unit: 'USD CPM',
    effect: 'bid when the highest interest score is above BIDDER_SCORE_HIGH',
  }),
  priceMidUsd: decimal({
    env: 'BIDDER_PRICE_MID_USD',
    default: 0.05,
    min: 0,
    max: 1000,
    unit: 'USD CPM',
    effect: 'bid from BIDDER_SCORE_MID to BIDDER_SCORE_HIGH, both included',
  }),
  priceBaseUsd: decimal({ env: 'BIDDER_PRICE_BASE_USD', default: 0.01, min: 0, max: 1000, unit: 'USD CPM', effect: 'bid otherwise' }),
  scoreHigh: decimal({ env: 'BIDDER_SCORE_HIGH', default: 0.9, min: 0, max: 1, unit: 'score', effect: 'scores above it bid high' }),
  scoreMid: decimal({ env: 'BIDDER_SCORE_MID', default: 0.7, min: 0, max: 1, unit: 'score', effect: 'scores from it on bid mid' }),
} as const;

export type BidderConfig = ConfigOf<typeof bidderSettings>;

/** Combinations that cannot work, as sentences. */
export function bidderFaults(config: BidderConfig): string[] {
  const faults = kafkaFaults(config);
  if (config.scoreMid > config.scoreHigh) {
    faults.push(`BIDDER_SCORE_MID (${config.scoreMid}) is above BIDDER_SCORE_HIGH (${config.scoreHigh}): the middle tier would be empty.`);
  }
  return faults;
}

/** The price tiers of the configuration, in micros. */
export function tiersOf(config: BidderConfig): InterestTiers {
  return {
    highMicros: toMicros(config.priceHighUsd, 'down'),
    highAbove: config.scoreHigh,
    midMicros: toMicros(config.priceMidUsd, 'down'),
    midFrom: config.scoreMid,
    baseMicros: toMicros(config.priceBaseUsd, 'down'),
  };
}
