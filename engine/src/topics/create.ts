import { createTopics, type TopicOutcome, type TopicSpec } from '@helios/runtime/kafka/topics';
import type { Logger } from '@helios/runtime/log';
import type { TopicsConfig } from './settings.js';

/**
 * `engine topics`: makes the four topics of the bid's path with the partitions, copies and retention of the configuration, and ends. It
 * never changes or removes a topic that exists: what differs is said. Source: spec section 2.1.
 */

export const topicsHelp = `Usage: engine topics

Creates the four topics on the Kafka of KAFKA_BROKERS, waits until every partition has a leader, and ends. A topic that exists is left as it
is; what differs from the configuration is said. It takes no arguments:

  KAFKA_TOPIC_PARTITIONS        partitions of each topic (12)
  KAFKA_TOPIC_REPLICATION       copies of each partition (1)
  KAFKA_TOPIC_MIN_INSYNC        copies that must have an event before it is acknowledged (1)
  KAFKA_TOPIC_RETENTION_HOURS   how long events are kept (72); less than RETENTION_DAYS
  KAFKA_TOPIC_WAIT_MS           how long to wait for the brokers (30000)

Names and access as for every service: KAFKA_TOPIC_BID_REQUESTS, ..., KAFKA_BROKERS, KAFKA_SECURITY_PROTOCOL, ...
Exit codes: 0 the topics are there, 1 they are not, 78 wrong configuration.
`;

const HOUR_MS = 3_600_000;
/** What a broker takes by default: a batch of events as one producer sends it. */
const EVENTS_MAX_BYTES = 1_048_588;
/** A dead letter is the message that somebody else wrote, up to the limit of its topic, and headers of our own. */
const DEAD_LETTERS_MAX_BYTES = 2 * 1024 * 1024;

/** The topics that the configuration asks for, in the order in which a bid meets them. */
export function wantedTopics(config: TopicsConfig): TopicSpec[] {
  const wanted = (topic: string, maxBytes: number): TopicSpec => ({
    topic,
    partitions: config.partitions,
    replication: config.replication,
    settings: {
      'cleanup.policy': 'delete',
      'retention.ms': String(config.retentionHours * HOUR_MS),
      'min.insync.replicas': String(config.minInsync),
      'max.message.bytes': String(maxBytes),
      // By the broker's clock: a producer whose clock is wrong cannot make its events expire at once, or never.
      'message.timestamp.type': 'LogAppendTime',
    },
  });
  return [
    wanted(config.bidRequestsTopic, EVENTS_MAX_BYTES),
    wanted(config.bidResponsesTopic, EVENTS_MAX_BYTES),
    wanted(config.auctionOutcomesTopic, EVENTS_MAX_BYTES),
    wanted(config.deadLettersTopic, DEAD_LETTERS_MAX_BYTES),
  ];
}

/** Creates what is absent and warns of what differs. @throws HeliosError BROKER_UNREACHABLE, TopicRefused. */
export async function makeTopics(config: TopicsConfig, log: Logger): Promise<TopicOutcome[]> {
  const specs = wantedTopics(config);
  const outcomes = await createTopics({ kafka: config, topics: specs, waitMs: config.waitMs, log });
  for (const [index, outcome] of outcomes.entries()) {
    const spec = specs[index];
    if (spec === undefined) throw new Error(`no topic was asked for at ${index}`);
    const differences = differencesOf(spec, outcome);
    if (differences.length > 0) log.warn({ topic: outcome.topic, differences }, 'topic exists and differs from the configuration');
  }
  return outcomes;
}

/** How a topic that exists falls short of, or differs from, what is asked for, as sentences; more partitions are no fault. */
export function differencesOf(spec: TopicSpec, outcome: TopicOutcome): string[] {
  const differences: string[] = [];
  if (outcome.partitions < spec.partitions) differences.push(`it has ${outcome.partitions} partitions, not ${spec.partitions}`);
  if (outcome.replication !== spec.replication) differences.push(`it has ${outcome.replication} copies, not ${spec.replication}`);
  return differences;
}
