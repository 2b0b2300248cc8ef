import { topicDefaults } from '@helios/proto/topics';
import { kafkaConfigOf, TopicReader } from '@helios/scripts/topic-reader';
import { CONNECTIONS, saturate, saturationBodies } from '../load/saturation.js';
import { treeCpuSeconds } from '../outcomes/process-cpu.js';
import { freePort, startHelper, startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';
import { type Broker, type BrokerKind, startBroker } from '../servers.js';

/**
 * Question: what does ingest take beside what people would write instead with the same guarantee, 202 only after the broker's ack?
 * Method: all servers run all the time beside one broker; rounds of saturation, one server after the other, in another order each round;
 * the same bodies over 256 connections. Throughput and CPU of the server's process, all threads, from /proc (Linux only). Load and
 * broker share the machine with what is measured. Checked in every sample: every answer is a 202, and the ends of the topic grew by as many
 * as were answered (by none for the bare handler, which is the limit and no peer). Ratios are medians over the rounds' own ratios.
 */
export interface PeersOptions {
  readonly seconds: number;
  readonly rounds: number;
  readonly broker: BrokerKind;
  readonly command: string;
}

const TOPIC = topicDefaults.KAFKA_TOPIC_BID_REQUESTS;
const GOAL_RATIO = 3;
/** The server that the others are compared with. */
const OURS = 'helios';
/** Does nothing with a request, and tells nobody about it. */
const BARE = 'bare';

interface Contender {
  readonly name: string;
  readonly what: string;
  readonly port: number;
  readonly pid: number;
}

interface Sample {
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
}

export async function benchPeers(options: PeersOptions): Promise<void> {
  const { lines, bytesMean } = saturationBodies();
  const started: { stop(): Promise<void> }[] = [];
  const samples = new Map<string, Sample[]>();
  let contenders: Contender[] = [];
  try {
    const broker = await startBroker(options.broker);
    started.push(broker);
    contenders = await startContenders(broker, started);
    const reader = await TopicReader.open(kafkaConfigOf({ KAFKA_BROKERS: broker.bootstrap }));
    started.push({ stop: () => reader.close() });
    // A sample's length of warm-up each: libraries of this size take thousands of requests to be compiled.
    for (const contender of contenders) await saturate(contender.port, options.seconds, lines);
    for (let round = 1; round <= options.rounds; round++) {
      for (const contender of rotated(contenders, round)) {
        const sample = await measure(contender, reader, options.seconds, lines);
        samples.set(contender.name, [...(samples.get(contender.name) ?? []), sample]);
        console.log(
          `round ${round}: ${contender.name}: ${sample.requestsPerSecond} req/s, ${sample.cpuMicrosPerRequest} us of CPU a request`,
        );
      }
    }
  } finally {
    for (const part of started.toReversed()) await part.stop();
  }
  const name = options.broker === 'kafka' ? 'peers' : 'peers-embedded';
  const path = writeResult(name, options.command, {
    question: 'throughput and CPU of a 202 after the ack, beside peers with the same guarantee and a bare handler without it',
    broker: options.broker,
    connections: CONNECTIONS,
    bodyBytesMean: bytesMean,
    secondsPerSample: options.seconds,
    goalThroughputRatioToFastify: GOAL_RATIO,
    contenders: Object.fromEntries(contenders.map(({ name, what }) => [name, { what, ...summaryOf(name, samples) }])),
  });
  console.log(`peers: ${path}`);
}

async function startContenders(broker: Broker, started: { stop(): Promise<void> }[]): Promise<Contender[]> {
  const port = await freePort();
  const env = { KAFKA_BROKERS: broker.bootstrap, INGEST_PORT: String(port) };
  const ingest = await startService('engine/dist/main.js', ['ingest'], env);
  started.push(ingest);
  const { pid } = ingest.process;
  if (pid === undefined) throw new Error('ingest has no process id');
  const contenders: Contender[] = [{ name: OURS, what: 'ingest of Helios', port, pid }];
  type Peer = [name: string, what: string, file: string, ...args: string[]];
  const idempotent: Peer = [
    'fastify-kafkajs-idempotent',
    'the same with the idempotent producer',
    'fastify-kafkajs.js',
    broker.bootstrap,
    TOPIC,
    'idempotent',
  ];
  const peers: readonly Peer[] = [
    ['fastify-kafkajs', 'Fastify 5 + kafkajs 2, batched by hand, acks of all replicas', 'fastify-kafkajs.js', broker.bootstrap, TOPIC],
    // kafkajs asks the cluster's controller for a producer id; the mock cluster has none.
    ...(broker.kind === 'kafka' ? [idempotent] : []),
    ['node-http-rdkafka', "node:http + node-rdkafka, idempotent, ingest's own validation", 'node-http-rdkafka.js', broker.bootstrap, TOPIC],
    [BARE, 'uWebSockets.js that reads the body and answers 202: no parsing, no Kafka', 'bare-handler.js'],
  ];
  for (const [name, what, file, ...args] of peers) {
    const peer = await startHelper(`bench/dist/peers/${file}`, args);
    started.push(peer);
    const { pid } = peer.process;
    if (pid === undefined) throw new Error(`${name} has no process id`);
    contenders.push({ name, what, port: Number(peer.ready['port']), pid });
  }
  return contenders;
}

/** Another one begins each round: what warms up or throttles the machine falls on all. */
function rotated<T>(list: readonly T[], by: number): T[] {
  return list.map((_, index) => list[(index + by) % list.length] as T);
}

async function measure(contender: Contender, reader: TopicReader, seconds: number, lines: string): Promise<Sample> {
  const endsBefore = await endOf(reader);
  const cpuBefore = treeCpuSeconds(contender.pid);
  const load = await saturate(contender.port, seconds, lines);
  const cpuAfter = treeCpuSeconds(contender.pid);
  const stored = (await endOf(reader)) - endsBefore;
  if (load.others > 0) throw new Error(`${contender.name} gave ${load.others} answers that are no 202`);
  // Requests under way when the load stops may be stored without a counted answer: at most one a connection.
  const right = contender.name === BARE ? stored === 0 : stored >= load.accepted && stored <= load.accepted + CONNECTIONS;
  if (!right) throw new Error(`${contender.name} answered ${load.accepted} x 202, and the topic grew by ${stored}`);
  if (cpuBefore === null || cpuAfter === null) throw new Error('the CPU time of a process can be read on Linux only');
  return {
    requestsPerSecond: Math.round(load.accepted / load.seconds),
    cpuMicrosPerRequest: rounded(((cpuAfter - cpuBefore) * 1e6) / Math.max(load.accepted, stored)),
  };
}

/** Events in the topic ever, over all partitions. */
async function endOf(reader: TopicReader): Promise<number> {
  return (await reader.endsOf(TOPIC)).reduce((sum, { highOffset }) => sum + highOffset, 0);
}

/** Medians, and what Helios takes beside it in the same rounds. */
function summaryOf(name: string, samples: ReadonlyMap<string, readonly Sample[]>): object {
  const [own, ours] = [samples.get(name) ?? [], samples.get(OURS) ?? []];
  const ratio = (of: (sample: Sample) => number): number[] =>
    own.map((sample, round) => (ours[round] === undefined ? Number.NaN : of(ours[round]) / of(sample)));
  return {
    requestsPerSecond: Math.round(median(own.map((sample) => sample.requestsPerSecond))),
    cpuMicrosPerRequest: rounded(median(own.map((sample) => sample.cpuMicrosPerRequest))),
    heliosThroughputRatio: rounded(median(ratio((sample) => sample.requestsPerSecond))),
    heliosCpuRatio: rounded(median(ratio((sample) => sample.cpuMicrosPerRequest)), 3),
    samples: own,
  };
}
