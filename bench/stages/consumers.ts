import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { bidOn } from '@helios/engine/bidder/bid';
import { highestInterest } from '@helios/engine/bidder/pricing';
import { decide } from '@helios/engine/auction/decide';
import { parseBidRequest } from '@helios/proto/bid-request';
import { encodeAuctionOutcome, encodeBidResponse } from '@helios/proto/events';
import { groupDefaults, headerNames, topicDefaults } from '@helios/proto/topics';
import { mockProfile, userIdAt } from '@helios/profile-svc/mock-profiles';
import { createLogger } from '@helios/runtime/log';
import { EventProducer, type OutgoingEvent } from '@helios/runtime/kafka/producer';
import { Metrics } from '@helios/runtime/metrics';
import { kafkaSettings } from '@helios/runtime/settings';
import { KNOWN_USERS, nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';
import { type Measured, scrape, startHelper, startService, until } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';

/**
 * Question: how many messages a second does one core carry in bidder, auction and writer, each alone with its input ready?
 * Method: the stage's topic is fed through the backlog guard while the stage consumes, prices or stores, awaits acks and commits; CPU is the
 * stage's own process, all threads, from its /metrics. Checked: the number of results against the pure rule over the same input.
 * A core means 1,000,000 / CPU microseconds a message.
 */
export type StageName = 'bidder' | 'auction' | 'writer';

export interface Feed {
  readonly topic: string;
  readonly groupId: string;
  readonly events: (first: number, count: number) => OutgoingEvent[];
}

const CHUNK = 2000;
const MARKET = { medianUsd: 0.037, sigma: 1.17, seed: 1 };

export async function benchStage(stage: StageName, options: { messages: number; samples: number; cpuProfile: boolean }): Promise<void> {
  const broker = await startHelper('scripts/dist/broker.js', []);
  const env = { KAFKA_BROKERS: String(broker.ready['bootstrap']), KAFKA_FETCH_WAIT_MAX_MS: '5', KAFKA_SESSION_TIMEOUT_MS: '3000' };
  const started: { stop(): Promise<void> }[] = [broker];
  try {
    const service = await startStage(stage, env, started, options.cpuProfile);
    const feed = feeds[stage];
    const producer = feeder(env.KAFKA_BROKERS, feed);
    started.push({ stop: () => producer.close(2000) });
    await until(async () => producer.hasRoom(), 30_000);
    let at = await run(stage, service, producer, feed, 0, CHUNK * 2);
    const samples: StageSample[] = [];
    for (let sample = 0; sample < options.samples; sample++) {
      const { figures, next } = await takeSample(stage, service, producer, feed, at, options.messages);
      samples.push(figures);
      at = next;
    }
    const perCore = median(samples.map((sample) => sample.messagesPerSecondPerCore));
    const path = writeResult(stage, `npm run bench -- ${stage}`, {
      question: `messages a second a core of the ${stage}, input ready, results checked`,
      messagesPerSample: options.messages,
      messagesPerSecondPerCore: perCore,
      cpuMicrosPerMessage: median(samples.map((sample) => sample.cpuMicrosPerMessage)),
      samples,
    });
    console.log(`${stage}: ${perCore} messages a second a core; ${path}`);
  } finally {
    for (const part of started.toReversed()) await part.stop();
  }
}

export interface StageSample {
  readonly messagesPerSecondPerCore: number;
  readonly cpuMicrosPerMessage: number;
  readonly messagesPerSecond: number;
}

/** Runs `messages` messages of `feed`, from number `first` on, through the stage; returns what they cost and where the next sample begins. */
export async function takeSample(
  stage: StageName,
  service: Measured,
  producer: EventProducer,
  feed: Feed,
  first: number,
  messages: number,
): Promise<{ figures: StageSample; next: number }> {
  const before = await scrape(service.adminPort);
  const startedMonoMs = performance.now();
  const next = await run(stage, service, producer, feed, first, messages);
  const seconds = (performance.now() - startedMonoMs) / 1000;
  const after = await scrape(service.adminPort);
  const perMessage = ((after('process_cpu_seconds_total') - before('process_cpu_seconds_total')) * 1e6) / messages;
  const figures = {
    messagesPerSecondPerCore: Math.round(1e6 / perMessage),
    cpuMicrosPerMessage: rounded(perMessage),
    messagesPerSecond: Math.round(messages / seconds),
  };
  console.log(
    `${stage}: ${perMessage.toFixed(1)} us of CPU a message, ${figures.messagesPerSecondPerCore} a second a core, ${figures.messagesPerSecond} a second here`,
  );
  return { figures, next };
}

async function startStage(
  stage: StageName,
  env: Record<string, string>,
  started: { stop(): Promise<void> }[],
  cpuProfile: boolean,
): Promise<Measured> {
  const execArgv = cpuProfile ? ['--cpu-prof', '--cpu-prof-dir=bench/.out'] : [];
  if (stage === 'auction') {
    const service = await startService('engine/dist/main.js', ['auction'], env, execArgv);
    started.push(service);
    return service;
  }
  if (stage === 'bidder') {
    const profilePort = String(50_000 + (process.pid % 10_000));
    const profiles = await startService('profile-svc/dist/main.js', [], { PROFILE_STORE: 'memory', PROFILE_PORT: profilePort });
    started.push(profiles);
    const service = await startService(
      'engine/dist/main.js',
      ['bidder'],
      { ...env, USER_PROFILE_SVC_ADDR: `127.0.0.1:${profilePort}`, PROFILE_TIMEOUT_MS: '1000' },
      execArgv,
    );
    started.push(service);
    return service;
  }
  const database = await startHelper('scripts/dist/database.js', ['--data', 'bench/.out/database']);
  started.push(database);
  const { host, port, user, database: name, passwordFile } = database.ready as Record<string, string | number>;
  const dbEnv = {
    DB_HOST: String(host),
    DB_PORT: String(port),
    DB_USER: String(user),
    DB_NAME: String(name),
    DB_PASSWORD: readFileSync(String(passwordFile), 'utf8').trim(),
  };
  const migrated = spawnSync(process.execPath, ['analytics/dist/main.js', 'migrate'], {
    env: { ...process.env, ...dbEnv, LOG_LEVEL: 'error' },
    stdio: 'inherit',
  });
  if (migrated.status !== 0) throw new Error('the migrations failed');
  const service = await startService('analytics/dist/main.js', ['writer'], { ...env, ...dbEnv }, execArgv);
  started.push(service);
  return service;
}

/** A producer of the stage's input that never fills the broker beyond what it keeps. */
export function feeder(brokers: string, feed: Feed): EventProducer {
  const defaults = Object.fromEntries(Object.entries(kafkaSettings).map(([name, field]) => [name, field.fallback]));
  return EventProducer.start({
    kafka: { ...defaults, brokers, backlogMaxBytes: 3_500_000 } as never,
    clientId: 'bench-feeder',
    log: createLogger('bench', 'error'),
    metrics: new Metrics('bench', '0'),
    messageTimeoutMs: 10_000,
    onFatal: (error) => {
      throw error;
    },
    guarded: { topic: feed.topic, groupId: feed.groupId },
  });
}

/** Feeds `count` messages and waits until the stage has finished them; returns where the next run begins. */
export async function run(
  stage: StageName,
  service: Measured,
  producer: EventProducer,
  feed: Feed,
  first: number,
  count: number,
): Promise<number> {
  const done = results[stage];
  const before = done(await scrape(service.adminPort));
  const signal = new AbortController().signal;
  let expected = 0;
  for (let at = first; at < first + count; at += CHUNK) {
    const events = feed.events(at, Math.min(CHUNK, first + count - at));
    expected += stage === 'bidder' ? bidsOf(events) : events.length;
    await producer.sendAll(feed.topic, events, signal);
  }
  await until(async () => done(await scrape(service.adminPort)) - before >= expected, 120_000);
  const finished = done(await scrape(service.adminPort)) - before;
  if (finished !== expected) throw new Error(`${stage} gave ${finished} results for ${expected} expected`);
  return first + count;
}

const results: Record<StageName, (read: (name: string) => number) => number> = {
  bidder: (read) => read('helios_kafka_deliveries_total{result="acknowledged"}'),
  auction: (read) => read('helios_kafka_deliveries_total{result="acknowledged"}'),
  writer: (read) => read('helios_writer_rows_total{result="inserted"}'),
};

/** How many bids the pure rule makes of these requests; floors are such that the profile does not matter. */
function bidsOf(events: readonly OutgoingEvent[]): number {
  let bids = 0;
  for (const event of events) {
    const parsed = parseBidRequest(event.value);
    if (!parsed.ok) throw new Error(parsed.fault.detail);
    bids += bidOn(parsed.request, null, rules, '').bids.length;
  }
  return bids;
}

const rules = { pricing: highestInterest(), auctionType: 2 } as const;
const runId = Date.now().toString(36);

/** Request `index` of the run: two slots a request, so that a message is what spec section 4 calls one. */
function requestAt(index: number): { id: string; text: string } {
  const random = new SeededRandom(index + 1);
  const id = `bench-${runId}-${index}`;
  const base = nextBidRequest(random, { shape: 'short', floors: 'split' });
  const slots = (base['ad_slots'] as object[]).slice(0, 2);
  return { id, text: JSON.stringify({ ...base, id, ad_slots: slots }) };
}

const acceptedHeaders = () => [{ [headerNames.acceptedAt]: String(Date.now()) }];

const idAt = (index: number): string => `bench-${runId}-${index}`;

function bidResponseAt(index: number, id = idAt(index)): { id: string; text: string; timestamp: string } {
  const userIndex = index % (2 * KNOWN_USERS);
  const parsed = parseBidRequest(
    Buffer.from(
      JSON.stringify({
        id,
        user: { id: userIdAt(userIndex) },
        site: { domain: `site-${index % 97}.example` },
        ad_slots: [{ id: '1', w: 300, h: 250, floor: 0.005 }],
      }),
    ),
  );
  if (!parsed.ok) throw new Error(parsed.fault.detail);
  const timestamp = new Date().toISOString();
  const profile = userIndex < KNOWN_USERS ? mockProfile(userIndex, 1) : null;
  const [bid] = bidOn(parsed.request, profile, rules, timestamp).bids;
  if (bid === undefined) throw new Error('the generated slot got no bid');
  return { id, text: encodeBidResponse(bid), timestamp };
}

const feeds: Record<StageName, Feed> = {
  bidder: {
    topic: topicDefaults.KAFKA_TOPIC_BID_REQUESTS,
    groupId: groupDefaults.bidder,
    events: (first, count) =>
      Array.from({ length: count }, (_, index) => {
        const { id, text } = requestAt(first + index);
        return { key: id, value: Buffer.from(text), headers: acceptedHeaders() };
      }),
  },
  auction: {
    topic: topicDefaults.KAFKA_TOPIC_BID_RESPONSES,
    groupId: groupDefaults.auction,
    events: (first, count) =>
      Array.from({ length: count }, (_, index) => {
        const { id, text } = bidResponseAt(first + index);
        return { key: id, value: Buffer.from(text), headers: acceptedHeaders() };
      }),
  },
  writer: outcomeFeed(idAt),
};

/** Outcomes, message `index` under the request id `idOf(index)`. */
export function outcomeFeed(idOf: (index: number) => string): Feed {
  return {
    topic: topicDefaults.KAFKA_TOPIC_AUCTION_OUTCOMES,
    groupId: groupDefaults.writer,
    events: (first, count) =>
      Array.from({ length: count }, (_, index) => {
        const { id, text, timestamp } = bidResponseAt(first + index, idOf(first + index));
        const bid = JSON.parse(text) as Parameters<typeof decide>[0];
        const outcome = encodeAuctionOutcome({ ...bid, ...decide(bid, MARKET), timestamp });
        return { key: id, value: Buffer.from(outcome), headers: acceptedHeaders() };
      }),
  };
}
