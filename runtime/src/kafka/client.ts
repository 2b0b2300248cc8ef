import { accessSync, constants } from 'node:fs';
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

/**
 * Global librdkafka properties that say where the brokers are and how to talk to them.
 * @throws HeliosError CONFIG_INVALID when the file of KAFKA_SSL_CA_LOCATION cannot be read.
 */
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
    // Up to informational: why a connection failed stands there (connect.ts); nothing prints it.
    log_level: 6,
  };
  if (kafka.securityProtocol.startsWith('sasl_')) {
    properties['sasl.mechanisms'] = kafka.saslMechanism;
    properties['sasl.username'] = kafka.saslUsername;
    properties['sasl.password'] = kafka.saslPassword;
  }
  if (kafka.securityProtocol.endsWith('ssl') && kafka.sslCaLocation !== '') properties['ssl.ca.location'] = readable(kafka.sslCaLocation);
  return properties;
}

function readable(path: string): string {
  try {
    accessSync(path, constants.R_OK);
    return path;
  } catch (error) {
    throw new HeliosError('CONFIG_INVALID', `KAFKA_SSL_CA_LOCATION cannot be read: ${messageOf(error)}`, { path }, error);
  }
}

/** What is read of librdkafka's statistics of one broker. Counts are totals since the start, `rtt` is of the last second, in microseconds. */
export interface BrokerStatistics {
  /** -1: an address of the configuration, not (yet) known to be a broker. */
  readonly nodeid?: number;
  readonly state: string;
  readonly waitresp_cnt: number;
  readonly rx: number;
  readonly txretries?: number;
  readonly req_timeouts?: number;
  readonly rtt?: { readonly cnt: number; readonly sum: number; readonly p99: number };
}

/**
 * Tells whether any broker lives, from librdkafka's statistics: a connection that is up and either owes no answer or has just given one.
 * A connection alone does not prove life: a stopped broker keeps its sockets.
 */
export class BrokerWatch {
  /** Brokers whose connection is up. */
  up = 0;
  /** From a request sent to its answer, over the last second in which a broker answered any; 0 before that. */
  readonly roundTripSeconds = { mean: 0, p99: 0 };
  /** Requests sent again, and given up for lack of an answer. */
  readonly troubles = { retried: 0, timed_out: 0 };
  #answersSeen = -1;
  #lastAliveMonoMs = Number.NEGATIVE_INFINITY;

  observe(brokers: Readonly<Record<string, BrokerStatistics>>, nowMonoMs: number): void {
    let answers = 0;
    let idle = false;
    this.#note(Object.values(brokers));
    for (const broker of Object.values(brokers)) {
      if (broker.state !== 'UP') continue;
      answers += broker.rx;
      idle ||= broker.waitresp_cnt === 0;
    }
    if (idle || (this.#answersSeen >= 0 && answers > this.#answersSeen)) this.#lastAliveMonoMs = nowMonoMs;
    this.#answersSeen = answers;
  }

  #note(brokers: readonly BrokerStatistics[]): void {
    let [up, count, sumMicros, p99Micros, retried, timedOut] = [0, 0, 0, 0, 0, 0];
    for (const { nodeid = -1, state, rtt, txretries = 0, req_timeouts = 0 } of brokers) {
      if (state === 'UP' && nodeid >= 0) up++;
      retried += txretries;
      timedOut += req_timeouts;
      if (rtt === undefined || rtt.cnt === 0) continue;
      count += rtt.cnt;
      sumMicros += rtt.sum;
      p99Micros = Math.max(p99Micros, rtt.p99);
    }
    this.up = up;
    this.troubles.retried = retried;
    this.troubles.timed_out = timedOut;
    if (count === 0) return;
    this.roundTripSeconds.mean = sumMicros / count / 1e6;
    this.roundTripSeconds.p99 = p99Micros / 1e6;
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
