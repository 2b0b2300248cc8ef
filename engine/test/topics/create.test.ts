import { loadConfig } from '@helios/runtime/config';
import { describe, expect, test } from 'vitest';
import { differencesOf, wantedTopics } from '../../src/topics/create.js';
import { topicsFaults, topicsSettings } from '../../src/topics/settings.js';

const load = (env: Record<string, string> = {}) =>
  loadConfig({ service: 'topics', schema: topicsSettings, env, knownVariables: [], check: topicsFaults });

describe('the topics that are asked for', () => {
  test('are the four of the path, in its order, with what the configuration says', () => {
    const topics = wantedTopics(load({ KAFKA_TOPIC_PARTITIONS: '6', KAFKA_TOPIC_REPLICATION: '3', KAFKA_TOPIC_MIN_INSYNC: '2' }));
    expect(topics.map(({ topic }) => topic)).toEqual(['bid_requests', 'bid_responses', 'auction_outcomes', 'dead_letters']);
    for (const topic of topics) {
      expect(topic).toMatchObject({ partitions: 6, replication: 3 });
      expect(topic.settings).toMatchObject({ 'min.insync.replicas': '2', 'cleanup.policy': 'delete' });
    }
  });

  test('keep events for KAFKA_TOPIC_RETENTION_HOURS', () => {
    expect(wantedTopics(load({ KAFKA_TOPIC_RETENTION_HOURS: '48' }))[0]?.settings['retention.ms']).toBe('172800000');
  });

  test('let a dead letter be larger than the message that it holds', () => {
    const limits = wantedTopics(load()).map(({ settings }) => Number(settings['max.message.bytes']));
    expect(limits[3]).toBeGreaterThan(Math.max(...limits.slice(0, 3)));
  });
});

describe('a configuration is refused', () => {
  test.each([
    [{ KAFKA_TOPIC_MIN_INSYNC: '2' }, 'it must not be above KAFKA_TOPIC_REPLICATION (1)'],
    [{ KAFKA_TOPIC_RETENTION_HOURS: '24', RETENTION_DAYS: '1' }, 'it must be below RETENTION_DAYS (1 days, 24 hours)'],
    [{ KAFKA_TOPIC_DEAD_LETTERS: 'bid_requests' }, 'each needs one of its own'],
    [{ KAFKA_TOPIC_PARTITIONS: '0' }, 'KAFKA_TOPIC_PARTITIONS is "0"'],
  ])('with %j', (env, sentence) => {
    expect(() => load(env)).toThrow(sentence);
  });

  test('but retention just below the identity window is taken', () => {
    expect(load({ KAFKA_TOPIC_RETENTION_HOURS: '23', RETENTION_DAYS: '1' }).retentionHours).toBe(23);
  });
});

describe('a topic that exists', () => {
  const spec = { topic: 't', partitions: 12, replication: 3, settings: {} };

  test('is told apart when it has fewer partitions or other copies', () => {
    expect(differencesOf(spec, { topic: 't', created: false, partitions: 4, replication: 1 })).toEqual([
      'it has 4 partitions, not 12',
      'it has 1 copies, not 3',
    ]);
  });

  test('may have more partitions', () => {
    expect(differencesOf(spec, { topic: 't', created: false, partitions: 24, replication: 3 })).toEqual([]);
  });
});
