import { measuredRun, type MeasuredRun } from '../end-to-end/run.js';
import { LOAD } from '../end-to-end/snapshot.js';
import { saturate, saturationBodies } from '../load/saturation.js';
import { freePort, type Measured, scrape, startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';
import type { CostPerBid } from '../scaling/capacity.js';
import { startBroker } from '../servers.js';
import { openStage, type StageSample } from './consumers.js';
import { startWholeStack } from './end-to-end.js';
import type { StageName } from './stage-feeds.js';

/**
 * Question: does the cost of a message stay the same when there is more load, and what do batches, worker threads, partitions and processes
 * change about it, and about memory?
 * Method: the whole stack on real servers at one, two and four times a rate that it sustains, each run accounted for exactly; single stages with
 * their input ready, one setting varied, everything else as it is by default (partitions on real Kafka, the rest on the embedded broker);
 * ingest with one and with two processes on one port. CPU of each process and its memory. The cost of a bid at the highest rate is what
 * the capacity table extrapolates from.
 */
export const scalingParts = ['load', 'batches', 'threads', 'partitions', 'ingest'] as const;
export type ScalingPart = (typeof scalingParts)[number];

export interface ScalingOptions {
  readonly parts: readonly ScalingPart[];
  /** Requests a second at one time the load. */
  readonly perSecond: number;
  readonly seconds: number;
  readonly messages: number;
  readonly samples: number;
  readonly command: string;
}

const FACTORS = [1, 2, 4] as const;
const BATCHES: Readonly<Record<StageName, readonly number[]>> = {
  bidder: [10, 100, 500, 1000],
  auction: [10, 100, 1000, 5000],
  writer: [10, 100, 1000, 5000],
};
const BATCH_VARIABLE: Readonly<Record<StageName, string>> = {
  bidder: 'BIDDER_BATCH_MAX_MESSAGES',
  auction: 'AUCTION_BATCH_MAX_MESSAGES',
  writer: 'WRITER_BATCH_MAX_MESSAGES',
};
const THREADS = [0, 1, 2] as const;
const PARTITIONS = [1, 6, 24] as const;
const INGESTS = [1, 2] as const;

export async function benchScaling(options: ScalingOptions): Promise<void> {
  const result: Record<string, object> = {};
  for (const part of options.parts) {
    console.log(`scaling: ${part}`);
    result[part] = await measurePart[part](options);
  }
  const path = writeResult('scaling', options.command, {
    question: 'cost of a message and memory of each process at more load, and by batch size, worker threads, partitions and processes',
    parts: options.parts,
    ...result,
  });
  console.log(`scaling: ${path}`);
}

const measurePart: Readonly<Record<ScalingPart, (options: ScalingOptions) => Promise<object>>> = {
  load: measureLoad,
  batches: async (options) => {
    const stages: Record<string, object> = {};
    for (const stage of ['bidder', 'auction', 'writer'] as const) {
      const variants = BATCHES[stage].map((size) => ({ name: String(size), env: { [BATCH_VARIABLE[stage]]: String(size) } }));
      stages[stage] = await measureVariants(stage, variants, options);
    }
    return stages;
  },
  threads: async (options) => ({
    bidder: await measureVariants(
      'bidder',
      THREADS.map((threads) => ({ name: String(threads), env: { BIDDER_THREADS: String(threads) } })),
      options,
    ),
  }),
  partitions: async (options) => ({
    auction: await measureVariants(
      'auction',
      PARTITIONS.map((partitions) => ({ name: String(partitions), env: {}, partitions })),
      options,
    ),
  }),
  ingest: measureIngest,
};

async function measureLoad({ perSecond, seconds }: ScalingOptions): Promise<object> {
  const stack = await startWholeStack();
  try {
    const runs: { factor: number; run: MeasuredRun }[] = [];
    for (const factor of FACTORS) {
      const prefix = `scale-${Date.now().toString(36)}-${factor}-`;
      const run = await measuredRun(stack, { perSecond: perSecond * factor, warmUpSeconds: seconds / 6, seconds, prefix, seed: factor });
      if (!run.account.holds) throw new Error(`not every slot is accounted for: ${run.account.findings.slice(0, 5).join('; ')}`);
      console.log(
        `${factor} x: ${run.window.bidsPerSecond} bids a second, ${run.window.coresBusy} cores busy, ${run.unsustained.join('; ') || 'sustained'}, ${JSON.stringify(run.window.cpuMicrosPerBid)}`,
      );
      runs.push({ factor, run });
    }
    return { requestsPerSecond: perSecond, factors: Object.fromEntries(runs.map(({ factor, run }) => [factor, run])), ...linearity(runs) };
  } finally {
    await stack.stop();
  }
}

/** CPU of a bid at each load beside that at the least, and the cost at the greatest that was sustained. */
function linearity(runs: readonly { factor: number; run: MeasuredRun }[]): {
  cpuPerBidRatio: object;
  costPerBid: CostPerBid;
  costAtFactor: number;
} {
  const [first] = runs;
  const last = runs.findLast(({ run }) => run.unsustained.length === 0) ?? first;
  if (first === undefined || last === undefined) throw new Error('nothing was measured');
  const ratios = runs.map(({ factor, run }) => {
    const { cpuMicrosPerBid } = run.window;
    const entries = Object.entries(cpuMicrosPerBid).map(([name, micros]) => [
      name,
      rounded(micros / (first.run.window.cpuMicrosPerBid[name] ?? 0)),
    ]);
    return [factor, Object.fromEntries(entries)] as const;
  });
  const { window, perBid, rowBytes } = last.run;
  if (window.networkBytesPerBid === null) throw new Error('the traffic of loopback cannot be read: this is not Linux');
  const { [LOAD]: _, ...cpuMicros } = window.cpuMicrosPerBid;
  return {
    costAtFactor: last.factor,
    cpuPerBidRatio: Object.fromEntries(ratios),
    costPerBid: {
      cpuMicros,
      requestsPerBid: rounded(window.requestsPerSecond / window.bidsPerSecond, 3),
      kafkaBytes: perBid.kafkaBytes,
      walBytes: perBid.walBytes,
      rowBytes,
      networkBytes: window.networkBytesPerBid,
    },
  };
}

interface Variant {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** On real Kafka; without it the stage runs on the embedded broker. */
  readonly partitions?: number;
}

async function measureVariants(stage: StageName, variants: readonly Variant[], options: ScalingOptions): Promise<object> {
  const figures: Record<string, object> = {};
  for (const { name, env, partitions } of variants) {
    console.log(`${stage}: ${name}`);
    const where = partitions === undefined ? { broker: 'embedded' as const } : { broker: 'kafka' as const, partitions };
    const opened = await openStage(stage, { ...where, env });
    try {
      const samples: StageSample[] = [];
      for (let sample = 0; sample < options.samples; sample++) samples.push(await opened.sample(options.messages));
      figures[name] = {
        cpuMicrosPerMessage: rounded(median(samples.map((sample) => sample.cpuMicrosPerMessage))),
        messagesPerSecond: Math.round(median(samples.map((sample) => sample.messagesPerSecond))),
        rssMb: Math.max(...samples.map((sample) => sample.rssMb)),
        samples,
      };
    } finally {
      await opened.stop();
    }
  }
  return figures;
}

/** Processes that share one port, at saturation: what a request costs them together, and what each holds. */
async function measureIngest(options: ScalingOptions): Promise<object> {
  const { lines } = saturationBodies();
  const figures: Record<string, object> = {};
  for (const count of INGESTS) {
    const started: { stop(): Promise<void> }[] = [];
    try {
      const broker = await startBroker('embedded');
      started.push(broker);
      const port = await freePort();
      const services: Measured[] = [];
      for (let index = 0; index < count; index++) {
        const env = { KAFKA_BROKERS: broker.bootstrap, INGEST_PORT: String(port), INGEST_SHARED_PORT: '1' };
        const service = await startService('engine/dist/main.js', ['ingest'], env);
        started.push(service);
        services.push(service);
      }
      await saturate(port, Math.min(2, options.seconds), lines);
      const samples = [];
      for (let sample = 0; sample < options.samples; sample++) samples.push(await ingestSample(services, port, options.seconds / 6, lines));
      figures[count] = {
        requestsPerSecond: Math.round(median(samples.map((sample) => sample.requestsPerSecond))),
        cpuMicrosPerRequest: rounded(median(samples.map((sample) => sample.cpuMicrosPerRequest))),
        shareOfLeast: rounded(median(samples.map((sample) => sample.shareOfLeast)), 3),
        rssMb: samples.at(-1)?.rssMb,
        samples,
      };
      console.log(`${count} ingest: ${JSON.stringify({ ...figures[count], samples: undefined })}`);
    } finally {
      for (const part of started.toReversed()) await part.stop();
    }
  }
  return figures;
}

async function ingestSample(
  services: readonly Measured[],
  port: number,
  seconds: number,
  lines: string,
): Promise<{ requestsPerSecond: number; cpuMicrosPerRequest: number; shareOfLeast: number; rssMb: number[] }> {
  const look = () => Promise.all(services.map(({ adminPort }) => scrape(adminPort)));
  const before = await look();
  const load = await saturate(port, seconds, lines);
  const after = await look();
  const grew = (name: string): number[] => after.map((read, index) => read(name) - (before[index]?.(name) ?? 0));
  const acknowledged = grew('helios_kafka_deliveries_total{result="acknowledged"}');
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  if (load.others > 0 || sum(acknowledged) < load.accepted)
    throw new Error(`ingest answered ${load.accepted} x 202 and ${load.others} others while the broker acknowledged ${sum(acknowledged)}`);
  return {
    requestsPerSecond: Math.round(load.accepted / load.seconds),
    cpuMicrosPerRequest: rounded((sum(grew('process_cpu_seconds_total')) * 1e6) / sum(acknowledged)),
    shareOfLeast: rounded(Math.min(...acknowledged) / sum(acknowledged), 3),
    rssMb: after.map((read) => Math.round(read('process_resident_memory_bytes') / 1e6)),
  };
}
