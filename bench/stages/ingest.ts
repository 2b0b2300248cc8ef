import { CONNECTIONS, saturate, saturationBodies } from '../load/saturation.js';
import { peerCpuMicros } from '../peers/peer-life.js';
import { freePort, scrape, startHelper, startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';
import { type BrokerKind, startBroker } from '../servers.js';

/**
 * Question: what does an acknowledged, parsed and validated 202 cost beside a handler that does nothing?
 * Method: pairs of saturation runs, ingest and the bare handler in turns, same bodies, 256 connections, one broker for all. Checked: every
 * answer counted is a 202, and the broker acknowledged as many events. Judged as the median of the pairs' ratios.
 */

interface Sample {
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
}

export async function benchIngest(options: { seconds: number; pairs: number; broker: BrokerKind }): Promise<void> {
  const { lines: bodies, bytesMean } = saturationBodies();
  const broker = await startBroker(options.broker);
  const started: { stop(): Promise<void> }[] = [broker];
  const pairs: { ingest: Sample; bare: Sample; throughputRatio: number; cpuRatio: number }[] = [];
  try {
    const port = await freePort();
    const env = { KAFKA_BROKERS: broker.bootstrap, INGEST_PORT: String(port) };
    const ingest = await startService('engine/dist/main.js', ['ingest'], env);
    started.push(ingest);
    const bare = await startHelper('bench/dist/peers/bare-handler.js', []);
    started.push(bare);
    const barePort = Number(bare.ready['port']);
    await saturate(port, 2, bodies);
    await saturate(barePort, 2, bodies);
    for (let pair = 1; pair <= options.pairs; pair++) {
      const ours = await ingestSample(port, ingest.adminPort, options.seconds, bodies);
      const theirs = await bareSample(barePort, options.seconds, bodies);
      const throughputRatio = ours.requestsPerSecond / theirs.requestsPerSecond;
      const cpuRatio = ours.cpuMicrosPerRequest / theirs.cpuMicrosPerRequest;
      pairs.push({ ingest: ours, bare: theirs, throughputRatio: rounded(throughputRatio, 3), cpuRatio: rounded(cpuRatio, 3) });
      console.log(
        `pair ${pair}: ingest ${ours.requestsPerSecond} req/s at ${ours.cpuMicrosPerRequest} us, bare ${theirs.requestsPerSecond} req/s at ${theirs.cpuMicrosPerRequest} us, ratio ${throughputRatio.toFixed(2)}`,
      );
    }
  } finally {
    for (const part of started.toReversed()) await part.stop();
  }
  const summary = {
    question: 'throughput and CPU of an acknowledged 202 beside a bare uWebSockets.js handler, 256 connections',
    broker: options.broker,
    bodyBytesMean: bytesMean,
    throughputRatio: rounded(median(pairs.map((pair) => pair.throughputRatio)), 3),
    cpuRatio: rounded(median(pairs.map((pair) => pair.cpuRatio)), 3),
    ingestRequestsPerSecond: median(pairs.map((pair) => pair.ingest.requestsPerSecond)),
    ingestCpuMicrosPerRequest: median(pairs.map((pair) => pair.ingest.cpuMicrosPerRequest)),
    bareRequestsPerSecond: median(pairs.map((pair) => pair.bare.requestsPerSecond)),
    bareCpuMicrosPerRequest: median(pairs.map((pair) => pair.bare.cpuMicrosPerRequest)),
    pairs,
  };
  const [name, flag] = options.broker === 'kafka' ? ['ingest-kafka', ' --kafka'] : ['ingest', ''];
  const path = writeResult(name, `npm run bench -- ingest${flag}`, summary);
  console.log(`ratio to the bare handler: throughput ${summary.throughputRatio}, CPU ${summary.cpuRatio}; ${path}`);
}

async function ingestSample(port: number, adminPort: number, seconds: number, bodies: string): Promise<Sample> {
  const before = await scrape(adminPort);
  const load = await saturate(port, seconds, bodies);
  const after = await scrape(adminPort);
  const acknowledged =
    after('helios_kafka_deliveries_total{result="acknowledged"}') - before('helios_kafka_deliveries_total{result="acknowledged"}');
  // Requests under way when the load stops are acknowledged without a counted answer: at most one a connection.
  if (load.others > 0 || acknowledged < load.accepted || acknowledged > load.accepted + CONNECTIONS) {
    throw new Error(`ingest answered ${load.accepted} x 202 and ${load.others} others while the broker acknowledged ${acknowledged}`);
  }
  const cpuSeconds = after('process_cpu_seconds_total') - before('process_cpu_seconds_total');
  return { requestsPerSecond: Math.round(load.accepted / load.seconds), cpuMicrosPerRequest: rounded((cpuSeconds * 1e6) / acknowledged) };
}

async function bareSample(port: number, seconds: number, bodies: string): Promise<Sample> {
  const before = await peerCpuMicros(port);
  const load = await saturate(port, seconds, bodies);
  if (load.others > 0) throw new Error(`the bare handler gave ${load.others} answers that are no 202`);
  return {
    requestsPerSecond: Math.round(load.accepted / load.seconds),
    cpuMicrosPerRequest: rounded(((await peerCpuMicros(port)) - before) / load.accepted),
  };
}
