import { randomBytes } from 'node:crypto';
import { type BrokerKind, startBroker } from '../servers.js';
import { type LoadResult, loadResult } from '../load/load-run.js';
import { OpenLoopSender } from '../load/open-loop-sender.js';
import { CONNECTIONS, saturate, saturationBodies } from '../load/saturation.js';
import { freePort, scrapeText, startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';
import { type OwnShare, ownShareBetween } from './own-share.js';

/**
 * Question: how long does an acknowledged 202 take at a fifth of what ingest can do, and how much of that is Helios' own?
 * Method: a saturation run over 256 connections gives the throughput of this machine now; the open-loop sender then posts at 20 % of it over 256
 * connections in turn, in several samples. Latency counts from the intended send; every answer must be 202 with the id sent. Judged as the
 * median of the samples' p99, with every sample in the result; a sample whose schedule was not kept is named.
 */
export interface IngestLatencyOptions {
  /** Of one sample. */
  readonly seconds: number;
  readonly samples: number;
  readonly broker: BrokerKind;
}

const RATE_SHARE = 0.2;
const SATURATION_SECONDS = 5;
const WARMUP_SECONDS = 2;
const WORKERS = 2;
const GOALS = { p99Ms: 10, ownP99Ms: 1 };

interface Sample {
  readonly load: LoadResult;
  readonly own: OwnShare;
}

export async function benchIngestLatency(options: IngestLatencyOptions): Promise<void> {
  const broker = await startBroker(options.broker);
  const sender = await OpenLoopSender.start(WORKERS);
  const port = await freePort();
  const ingest = await startService('engine/dist/main.js', ['ingest'], { KAFKA_BROKERS: broker.bootstrap, INGEST_PORT: String(port) });
  const samples: Sample[] = [];
  let saturatedPerSecond: number;
  try {
    saturatedPerSecond = await saturated(port);
    const perSecond = Math.round(saturatedPerSecond * RATE_SHARE);
    console.log(`${saturatedPerSecond} requests a second at saturation; now ${perSecond} a second`);
    for (let index = 1; index <= options.samples; index++) {
      const before = await scrapeText(ingest.adminPort);
      const load = await sampleOf(sender, port, perSecond, options.seconds);
      const own = ownShareBetween(before, await scrapeText(ingest.adminPort));
      samples.push({ load, own });
      const { latency, schedule } = load;
      console.log(
        `sample ${index}: p50 ${latency.p50Ms} ms, p99 ${latency.p99Ms} ms, p99.9 ${latency.p999Ms} ms, N ${latency.n}` +
          `; own share p99 at most ${own.sumP99AtMostMs} ms; schedule ${schedule.kept ? 'kept' : `NOT KEPT: ${schedule.reason}`}`,
      );
    }
  } finally {
    sender.stop();
    await ingest.stop();
    await broker.stop();
  }
  report(options, saturatedPerSecond, samples);
}

async function saturated(port: number): Promise<number> {
  const { lines } = saturationBodies();
  await saturate(port, WARMUP_SECONDS, lines);
  const { accepted, others, seconds } = await saturate(port, SATURATION_SECONDS, lines);
  if (others > 0) throw new Error(`ingest gave ${others} answers that are no 202`);
  return Math.round(accepted / seconds);
}

async function sampleOf(sender: OpenLoopSender, port: number, perSecond: number, seconds: number): Promise<LoadResult> {
  const slice = await sender.run({
    host: '127.0.0.1',
    port,
    path: '/bid',
    perSecond,
    warmupSeconds: WARMUP_SECONDS,
    seconds,
    connectionsMax: CONNECTIONS,
    spread: true,
    answerTimeoutMs: 10_000,
    idPrefix: `latency-${randomBytes(6).toString('hex')}-`,
    seed: 1,
    shape: 'short',
    expects: 'id',
  });
  const result = loadResult([slice]);
  if (result.wrong > 0 || result.answers['202'] !== result.requests) {
    throw new Error(`wrong answers: ${JSON.stringify(result.answers)}, ${result.wrong} of another id; ${result.firstWrong}`);
  }
  return result;
}

function report({ broker }: IngestLatencyOptions, saturatedPerSecond: number, samples: readonly Sample[]): void {
  const p99Ms = rounded(median(samples.map(({ load }) => load.latency.p99Ms)), 3);
  const ownP99AtMostMs = rounded(median(samples.map(({ own }) => own.sumP99AtMostMs)), 4);
  const flag = broker === 'kafka' ? ' --kafka' : '';
  const path = writeResult(`ingest-latency${flag.replace(' --', '-')}`, `npm run bench -- ingest-latency${flag}`, {
    question: 'latency of an acknowledged 202 from the intended send at 20 % of the saturation throughput, 256 connections',
    broker,
    saturatedPerSecond,
    perSecond: Math.round(saturatedPerSecond * RATE_SHARE),
    goals: GOALS,
    p99Ms,
    ownP99AtMostMs,
    ownShareBound: 'p99 of the sum of the two parts is at most p99.5 of the one plus p99.5 of the other, each as a bucket edge',
    schedulesKept: samples.filter(({ load }) => load.schedule.kept).length,
    samples,
  });
  const verdict = (value: number, goal: number): string => `${value} ms (${value <= goal ? 'within' : 'OVER'} ${goal})`;
  console.log(`p99 ${verdict(p99Ms, GOALS.p99Ms)}, own share p99 at most ${verdict(ownP99AtMostMs, GOALS.ownP99Ms)}; ${path}`);
}
