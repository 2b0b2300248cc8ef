import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createLogger } from '@helios/runtime/log';
import { EventProducer } from '@helios/runtime/kafka/producer';
import { Metrics } from '@helios/runtime/metrics';
import { kafkaSettings } from '@helios/runtime/settings';
import { freePort, type Measured, scrape, startHelper, startService, until } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';
import { type BrokerKind, startBroker } from '../servers.js';
import { bidsOf, type Feed, feeds, type StageName } from './stage-feeds.js';

/**
 * Question: how many messages a second does one core carry in bidder, auction and writer, each alone with its input ready?
 * Method: the stage's topic is fed through the backlog guard while the stage consumes, prices or stores, awaits acks and commits; CPU is the
 * stage's own process, all threads, from its /metrics. Checked: the number of results against the pure rule over the same input.
 * A core means 1,000,000 / CPU microseconds a message.
 */

export interface StageBenchOptions {
  readonly messages: number;
  readonly samples: number;
  readonly cpuProfile: boolean;
  readonly broker: BrokerKind;
}

const CHUNK = 2000;
const DATABASE_FOLDER = 'bench/.out/database';

export async function benchStage(stage: StageName, options: StageBenchOptions): Promise<void> {
  const opened = await openStage(stage, options);
  try {
    const samples: StageSample[] = [];
    for (let sample = 0; sample < options.samples; sample++) samples.push(await opened.sample(options.messages));
    const perCore = median(samples.map((sample) => sample.messagesPerSecondPerCore));
    const [name, flag] = options.broker === 'kafka' ? [`${stage}-kafka`, ' --kafka'] : [stage, ''];
    const path = writeResult(name, `npm run bench -- ${stage}${flag}`, {
      question: `messages a second a core of the ${stage}, input ready, results checked`,
      broker: options.broker,
      messagesPerSample: options.messages,
      messagesPerSecondPerCore: perCore,
      cpuMicrosPerMessage: median(samples.map((sample) => sample.cpuMicrosPerMessage)),
      samples,
    });
    console.log(`${stage}: ${perCore} messages a second a core; ${path}`);
  } finally {
    await opened.stop();
  }
}

/** A stage that runs alone, warmed up, with a producer that feeds it. */
export interface OpenStage {
  readonly service: Measured;
  /** Runs so many messages through it and says what they cost. @throws Error when it gave other results than the pure rule. */
  sample(messages: number): Promise<StageSample>;
  stop(): Promise<void>;
}

/** Starts broker, stage and what the stage needs. `env`: settings of the stage; `partitions` of each topic, on Kafka only. */
export async function openStage(
  stage: StageName,
  options: { broker: BrokerKind; cpuProfile?: boolean; env?: Readonly<Record<string, string>>; partitions?: number },
): Promise<OpenStage> {
  const broker = await startBroker(options.broker, options.partitions);
  // The mock cluster allows any session; a real broker none below its own bound.
  const sessionTimeoutMs = broker.kind === 'kafka' ? '6000' : '3000';
  const fetching = { KAFKA_FETCH_WAIT_MAX_MS: '5', KAFKA_SESSION_TIMEOUT_MS: sessionTimeoutMs };
  const env = { KAFKA_BROKERS: broker.bootstrap, ...fetching, ...options.env };
  const started: { stop(): Promise<void> }[] = [broker];
  const stop = async (): Promise<void> => {
    for (const part of started.toReversed()) await part.stop();
  };
  try {
    const service = await startStage(stage, env, started, options.cpuProfile === true);
    const feed = feeds[stage];
    const producer = feeder(broker.bootstrap, feed);
    started.push({ stop: () => producer.close(2000) });
    await until(async () => producer.hasRoom(), 30_000);
    let at = await run(stage, service, producer, feed, 0, CHUNK * 2);
    const sample = async (messages: number): Promise<StageSample> => {
      const { figures, next } = await takeSample(stage, service, producer, feed, at, messages);
      at = next;
      return figures;
    };
    return { service, sample, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface StageSample {
  readonly messagesPerSecondPerCore: number;
  readonly cpuMicrosPerMessage: number;
  readonly messagesPerSecond: number;
  /** Resident memory of the stage's process afterwards. */
  readonly rssMb: number;
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
    rssMb: Math.round(after('process_resident_memory_bytes') / 1e6),
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
    const profilePort = String(await freePort());
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
  // Empty: rows of a run before would make the same events repeats, and the table larger than the figure says.
  rmSync(DATABASE_FOLDER, { recursive: true, force: true });
  const database = await startHelper('scripts/dist/database.js', ['--data', DATABASE_FOLDER]);
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
