import { encodeAuctionOutcome, encodeBidId, encodeBidResponse } from '@helios/proto/events';
import { groupDefaults, headerNames, topicDefaults } from '@helios/proto/topics';
import type { ConsumedMessage } from '@helios/runtime/kafka/consumer';
import type { EventProducer } from '@helios/runtime/kafka/producer';
import { message, outcome } from '../../../analytics/test/outcomes.js';
import { startHarness, type WriterHarness } from '../../../analytics/test/writer/writer-harness.js';
import { commitAs, kafkaConfig, Reports, startProducer } from '../../../runtime/test/kafka/testbed.js';
import { checkRun, type CheckOptions, type CheckReport } from '../../src/accounting/check.js';
import { recordStart, type RunStart } from '../../src/accounting/hop-reader.js';
import type { PostedRequest } from '../../src/accounting/identity.js';
import { type MockCluster, startMockCluster } from '../../src/mock-cluster.js';
import { TopicReader } from '../../src/topic-reader.js';

/** Runs made by hand on a real broker and a real PostgreSQL, hop by hop, so that any hop can be made to fail. */

const topics = {
  requests: topicDefaults.KAFKA_TOPIC_BID_REQUESTS,
  responses: topicDefaults.KAFKA_TOPIC_BID_RESPONSES,
  outcomes: topicDefaults.KAFKA_TOPIC_AUCTION_OUTCOMES,
  letters: topicDefaults.KAFKA_TOPIC_DEAD_LETTERS,
};

/** Requests of a made run: each with one slot that gets a bid and one that gets none. */
export const REQUESTS = 20;

interface Event {
  readonly key: string;
  readonly value: string;
}

/** What is put where; a test changes it before it is put there. */
export interface Plan {
  readonly prefix: string;
  posted: PostedRequest[];
  requests: Event[];
  responses: Event[];
  outcomes: Event[];
  stored: ConsumedMessage[];
  letters: (Event & { readonly sourceTopic: string })[];
  /** Groups that commit all that their topics hold. */
  committing: (keyof typeof groupDefaults)[];
  check: Partial<CheckOptions>;
}

export class MadeRuns {
  readonly harness: WriterHarness;
  readonly #cluster: MockCluster;
  readonly #producer: EventProducer;
  readonly #reader: TopicReader;
  #count = 0;

  static async start(): Promise<MadeRuns> {
    const cluster = await startMockCluster(Object.values(topics), 0);
    const kafka = kafkaConfig(cluster.bootstrap);
    const { producer } = await startProducer(kafka);
    return new MadeRuns(await startHarness(), cluster, producer, await TopicReader.open(kafka));
  }

  private constructor(harness: WriterHarness, cluster: MockCluster, producer: EventProducer, reader: TopicReader) {
    this.harness = harness;
    this.#cluster = cluster;
    this.#producer = producer;
    this.#reader = reader;
  }

  async stop(): Promise<void> {
    await this.#reader.close();
    await this.#producer.close(5000);
    await this.#cluster.close();
    await this.harness.stop();
  }

  /** Makes a run under ids of its own, with the fault that `change` plants in it, and checks it. */
  async checked(change: (plan: Plan) => void = () => {}, afterwards: (plan: Plan) => Promise<void> = async () => {}): Promise<CheckReport> {
    const plan = this.#sound();
    change(plan);
    const start = await recordStart(this.#reader);
    await this.publish(topics.requests, plan.requests);
    await this.publish(topics.responses, plan.responses);
    await this.publish(topics.outcomes, plan.outcomes);
    for (const { sourceTopic, ...event } of plan.letters) {
      await this.publish(
        topics.letters,
        [event],
        [{ [headerNames.sourceTopic]: sourceTopic }, { [headerNames.sourcePartition]: '0' }, { [headerNames.sourceOffset]: '0' }],
      );
    }
    await this.harness.newWriter().writer.handle(plan.stored, new AbortController().signal);
    await this.#commit(plan.committing);
    await afterwards(plan);
    return checkRun(this.#options(plan, start));
  }

  async publish(topic: string, events: readonly Event[], headers?: Record<string, string>[]): Promise<void> {
    const reports = new Reports();
    for (const [token, { key, value }] of events.entries()) {
      const refusal = this.#producer.produce(topic, key, Buffer.from(value), headers, reports, token);
      if (refusal !== null) throw new Error(refusal);
    }
    while (reports.byToken.size < events.length) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const error of reports.byToken.values()) if (error !== null) throw new Error(error);
  }

  #sound(): Plan {
    const prefix = `made${this.#count++}-${'x'.repeat(60)}-`;
    const events = Array.from({ length: REQUESTS }, (_, index) => {
      const id = `${prefix}${index}`;
      return outcome(index, { bid_id: encodeBidId(id, 'bid'), bid_request_id: id, slot_id: 'bid' });
    });
    return {
      prefix,
      posted: events.map((event) => ({
        id: event.bid_request_id,
        status: 202,
        slots: [
          { id: 'bid', expectation: 'bid' },
          { id: 'none', expectation: 'no_bid' },
        ],
      })),
      requests: events.map((event) => ({ key: event.bid_request_id, value: '{}' })),
      responses: events.map((event) => ({ key: event.bid_request_id, value: encodeBidResponse(event) })),
      outcomes: events.map((event) => ({ key: event.bid_request_id, value: encodeAuctionOutcome(event) })),
      stored: events.map((event, offset) => message(event, offset)),
      letters: [],
      committing: ['bidder', 'auction', 'writer'],
      check: {},
    };
  }

  #options(plan: Plan, start: RunStart): CheckOptions {
    return {
      prefix: plan.prefix,
      posted: plan.posted,
      database: this.harness.server.config,
      kafka: { config: this.#reader.kafka, start },
      limitMs: 10_000,
      quietMs: 0,
      ...plan.check,
    };
  }

  async #commit(committing: Plan['committing']): Promise<void> {
    const read = { bidder: topics.requests, auction: topics.responses, writer: topics.outcomes };
    for (const service of committing) {
      const ends = await this.#reader.endsOf(read[service]);
      const offsets = ends.map(({ partition, highOffset }) => ({ topic: read[service], partition, offset: highOffset }));
      await commitAs(this.#reader.kafka, groupDefaults[service], offsets);
    }
  }
}
