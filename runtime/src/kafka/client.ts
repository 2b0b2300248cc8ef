import { createRequire } from 'node:module';
import type * as Rdkafka from 'node-rdkafka';
import type { ConfigOf } from '../config.js';
import { HeliosError, messageOf } from '../errors.js';
import type { kafkaSettings } from '../settings.js';

/** What producer and consumer share: the native library and the way to the brokers. */

export type KafkaConfig = ConfigOf<typeof kafkaSettings>;

/** One header of an event; a record with a single name, as librdkafka's binding wants it. */
export type KafkaHeader = Record<string, string | Buffer>;

/**
 * Loads node-rdkafka, on the main thread only: it crashes the process inside a worker thread (Blizzard/node-rdkafka#958).
 * @throws HeliosError NATIVE_MODULE_MISSING when the native build does not load.
 */
export function loadRdkafka(): typeof Rdkafka {
  try {
    return createRequire(import.meta.url)('node-rdkafka') as typeof Rdkafka;
  } catch (error) {
    throw new HeliosError(
      'NATIVE_MODULE_MISSING',
      `node-rdkafka did not load (${messageOf(error).split('\n', 1)[0]}). Run scripts/install-system and scripts/build-native, then start again.`,
      { module: 'node-rdkafka' },
      error,
    );
  }
}

/** Global librdkafka properties that say where the brokers are and how to talk to them. */
export function connectionProperties(kafka: KafkaConfig, clientId: string): Record<string, string | number | boolean> {
  const properties: Record<string, string | number | boolean> = {
    'client.id': clientId,
    'metadata.broker.list': kafka.brokers,
    'security.protocol': kafka.securityProtocol,
    'socket.keepalive.enable': true,
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 1000,
    'topic.metadata.refresh.interval.ms': 60_000,
    'statistics.interval.ms': 1000,
    'enable.metrics.push': false,
    log_level: 3,
  };
  if (kafka.securityProtocol.startsWith('sasl_')) {
    properties['sasl.mechanisms'] = kafka.saslMechanism;
    properties['sasl.username'] = kafka.saslUsername;
    properties['sasl.password'] = kafka.saslPassword;
  }
  if (kafka.securityProtocol.endsWith('ssl') && kafka.sslCaLocation !== '') properties['ssl.ca.location'] = kafka.sslCaLocation;
  return properties;
}

interface BrokerStatistics {
  readonly state: string;
  readonly waitresp_cnt: number;
  readonly rx: number;
}

/**
 * Tells whether any broker lives, from librdkafka's statistics: a connection that is up and either owes no answer or has just given one.
 * A connection alone does not prove life: a stopped broker keeps its sockets.
 */
export class BrokerWatch {
  #answersSeen = -1;
  #lastAliveMonoMs = Number.NEGATIVE_INFINITY;

  observe(brokers: Readonly<Record<string, BrokerStatistics>>, nowMonoMs: number): void {
    let answers = 0;
    let idle = false;
    for (const broker of Object.values(brokers)) {
      if (broker.state !== 'UP') continue;
      answers += broker.rx;
      idle ||= broker.waitresp_cnt === 0;
    }
    if (idle || (this.#answersSeen >= 0 && answers > this.#answersSeen)) this.#lastAliveMonoMs = nowMonoMs;
    this.#answersSeen = answers;
  }

  /** Notes a life sign that did not come through statistics: metadata, or a delivery report. */
  alive(nowMonoMs: number): void {
    this.#lastAliveMonoMs = nowMonoMs;
  }

  /** Milliseconds since the last life sign; Infinity before the first. */
  silenceMs(nowMonoMs: number): number {
    return nowMonoMs - this.#lastAliveMonoMs;
  }
}

/** librdkafka's error codes that Helios tells apart. */
export const errorCodes = {
  fatal: -150,
  revokePartitions: -174,
  assignPartitions: -175,
  queueFull: -184,
  messageTooLarge: 10,
  noOffset: -168,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
} as const;
