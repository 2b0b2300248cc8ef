import { groupDefaults } from '@helios/proto/topics';
import { type ConfigOf, decimal, integer, text } from '@helios/runtime/config';
import { groupSetting, kafkaFaults, kafkaSettings, serviceSettings } from '@helios/runtime/settings';

/** The auction's environment. */
export const auctionSettings = {
  ...serviceSettings(9103),
  ...kafkaSettings,
  groupId: groupSetting('auction'),
  readerGroupId: text({
    env: 'AUCTION_READER_GROUP_ID',
    default: groupDefaults.writer,
    effect: 'group that reads the outcomes; its progress is watched by the backlog guard',
  }),
  batchMaxMessages: integer({
    env: 'AUCTION_BATCH_MAX_MESSAGES',
    default: 1000,
    min: 1,
    max: 10_000,
    unit: 'messages',
    effect: 'bid responses taken at once',
  }),
  maxBatchesInFlight: integer({
    env: 'AUCTION_MAX_BATCHES_IN_FLIGHT',
    default: 4,
    min: 1,
    max: 100,
    unit: 'batches',
    effect: 'batches decided or awaiting acknowledgement at once',
  }),
  batchLingerMs: integer({
    env: 'AUCTION_BATCH_LINGER_MS',
    default: 20,
    min: 0,
    max: 1000,
    unit: 'ms',
    effect: 'how long bid responses may gather when fewer than half a batch waits',
  }),
  seed: integer({
    env: 'AUCTION_SEED',
    default: 1,
    min: 0,
    max: 2_147_483_647,
    unit: 'seed',
    effect: 'seed of the simulated market; the same seed gives the same market price for the same bid',
  }),
  marketMedianUsd: decimal({
    env: 'AUCTION_MARKET_MEDIAN_USD',
    default: 0.037,
    min: 0.000001,
    max: 1000,
    unit: 'USD CPM',
    effect: 'median of the best competing bid',
  }),
  marketSigma: decimal({
    env: 'AUCTION_MARKET_SIGMA',
    default: 1.17,
    min: 0,
    max: 10,
    unit: 'log USD',
    effect: 'spread of the best competing bid',
  }),
} as const;

export type AuctionConfig = ConfigOf<typeof auctionSettings>;

/** Combinations that cannot work, as sentences. */
export function auctionFaults(config: AuctionConfig): string[] {
  return kafkaFaults(config);
}
