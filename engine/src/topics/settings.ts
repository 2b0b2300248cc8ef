import type { ConfigOf } from '@helios/runtime/config';
import { integer } from '@helios/runtime/config';
import { kafkaFaults, kafkaSettings, retentionDaysSetting, serviceSettings } from '@helios/runtime/settings';

/** The environment of `engine topics`. */
export const topicsSettings = {
  logLevel: serviceSettings(9100).logLevel,
  ...kafkaSettings,
  partitions: integer({
    env: 'KAFKA_TOPIC_PARTITIONS',
    default: 12,
    min: 1,
    max: 1000,
    unit: 'partitions',
    effect: 'partitions of each topic when it is created: at most so many processes of one service share the work',
  }),
  replication: integer({
    env: 'KAFKA_TOPIC_REPLICATION',
    default: 1,
    min: 1,
    max: 9,
    unit: 'copies',
    effect: 'copies of each partition when a topic is created; 3 survives the loss of a broker',
  }),
  minInsync: integer({
    env: 'KAFKA_TOPIC_MIN_INSYNC',
    default: 1,
    min: 1,
    max: 9,
    unit: 'copies',
    effect: 'copies that must have an event before it is acknowledged; 2 of 3 loses nothing with one broker',
  }),
  retentionHours: integer({
    env: 'KAFKA_TOPIC_RETENTION_HOURS',
    default: 72,
    min: 1,
    max: 87_600,
    unit: 'hours',
    effect: 'how long the topics keep events, read or not; less than RETENTION_DAYS',
  }),
  waitMs: integer({
    env: 'KAFKA_TOPIC_WAIT_MS',
    default: 30_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    effect: 'how long `topics` waits for brokers, and for a leader of every partition',
  }),
  // The writer's: it is read here for the comparison only.
  retentionDays: retentionDaysSetting,
} as const;

export type TopicsConfig = ConfigOf<typeof topicsSettings>;

/** Combinations that cannot work, as sentences. */
export function topicsFaults(config: TopicsConfig): string[] {
  const faults = kafkaFaults(config);
  if (config.minInsync > config.replication) {
    faults.push(`KAFKA_TOPIC_MIN_INSYNC is ${config.minInsync}: it must not be above KAFKA_TOPIC_REPLICATION (${config.replication}).`);
  }
  if (config.retentionHours >= config.retentionDays * 24) {
    faults.push(
      `KAFKA_TOPIC_RETENTION_HOURS is ${config.retentionHours}: it must be below RETENTION_DAYS (${config.retentionDays} days, ${config.retentionDays * 24} hours), or events read again could be counted twice.`,
    );
  }
  const names = [config.bidRequestsTopic, config.bidResponsesTopic, config.auctionOutcomesTopic, config.deadLettersTopic];
  if (new Set(names).size < names.length) faults.push('Two of KAFKA_TOPIC_... name the same topic: each needs one of its own.');
  return faults;
}
