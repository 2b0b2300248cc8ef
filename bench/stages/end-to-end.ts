import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaVersion } from '@helios/scripts/kafka-jars';
import { measuredRun, type MeasuredRun, type Step, tryRate } from '../end-to-end/run.js';
import { RateSearch } from '../end-to-end/rate-search.js';
import { databaseVersion } from '../end-to-end/stored-bytes.js';
import { Stack, type StackShape } from '../faults/stack.js';
import { median, rounded, writeResult } from '../result-file.js';

/**
 * Question: how many bids a second does the whole of Helios sustain on this machine with real Kafka, Redis and PostgreSQL beside it, how long
 * does a bid take from the answer's acceptance to its row, what does every process spend on it, and is nothing lost?
 * Method: the accounted open-loop load in this process; first a search for the highest rate at which 99.9 % of requests are answered 202, lag is
 * bounded and neither lag nor latency grows; then full runs at nine tenths of it (or at a given rate), each with the exact accounting
 * identity, rollups and hops checked. CPU from /proc (Linux only) over the window of a run, children of PostgreSQL included, load too.
 */
export interface EndToEndOptions {
  /** Requests a second; null: what the search finds. */
  readonly perSecond: number | null;
  readonly seconds: number;
  readonly stepSeconds: number;
  readonly runs: number;
  readonly command: string;
}

const GOALS = { bidsPerSecond: 5000, acceptedToRowP99Ms: 500 };
/** A rate that holds for a step need not hold for a minute: runs leave a tenth of it. */
const RUN_SHARE = 0.9;
const SEARCH = { firstPerSecond: 1000, leastPerSecond: 100, mostPerSecond: 20_000, stepsMax: 12, toleranceShare: 0.08 };
/** Before the search: a stack whose code is not compiled yet does not hold what it will hold, and the first rate that fails bounds the search. */
const WARM_UP = { perSecond: 400, seconds: 20 };
/** One request in a thousand is logged step by step: what a deployment of this size can read. */
const LOG_SAMPLE_RATE = '0.001';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const logFolder = join(root, 'bench/.out/end-to-end/logs');

/** No fault proxies, and every setting that matters as a deployment has it. */
const shape: StackShape = {
  name: 'end to end',
  brokers: 1,
  proxied: [],
  env: { LOG_SAMPLE_RATE, KAFKA_SESSION_TIMEOUT_MS: '10000', KAFKA_MAX_POLL_INTERVAL_MS: '300000' },
};

/** The servers and every service; an interrupted bench leaves none of their data behind. */
export async function startWholeStack(): Promise<Stack> {
  const stack = await Stack.start(shape, logFolder, console.log);
  process.once('exit', () => rmSync(stack.folder, { recursive: true, force: true }));
  return stack;
}

export async function benchEndToEnd(options: EndToEndOptions): Promise<void> {
  const stack = await startWholeStack();
  try {
    const prefix = `e2e-${Date.now().toString(36)}-`;
    const steps: Step[] = [];
    const perSecond = options.perSecond ?? Math.round((await findRate(stack, options.stepSeconds, prefix, steps)) * RUN_SHARE);
    const runs: MeasuredRun[] = [];
    for (let run = 1; run <= options.runs; run++) {
      console.log(`run ${run} of ${options.runs}: ${perSecond} requests a second for ${options.seconds} s`);
      const plan = { perSecond, warmUpSeconds: options.seconds / 6, seconds: options.seconds, prefix: `${prefix}${run}-`, seed: run };
      const measured = await measuredRun(stack, plan);
      sayRun(measured);
      runs.push(measured);
    }
    const ends = stack.takeEnds().filter(({ asked }) => !asked);
    const broken = [
      ...runs.flatMap(({ account }, index) => (account.holds ? [] : [`run ${index + 1}: ${account.findings.slice(0, 5).join('; ')}`])),
      ...ends.map(({ name, code, signal }) => `${name} ended by itself (${signal ?? code})`),
    ];
    const path = writeResult('end-to-end', options.command, {
      question: 'bids a second that Kafka, Redis, PostgreSQL and all of Helios sustain on one machine, each run accounted for exactly',
      goals: GOALS,
      servers: { kafka: kafkaVersion(readFileSync(join(root, 'scripts/kafka/pom.xml'), 'utf8')), ...(await serverVersions(stack)) },
      logSampleRate: Number(LOG_SAMPLE_RATE),
      search: options.perSecond === null ? { ...SEARCH, warmUp: WARM_UP, stepSeconds: options.stepSeconds, steps } : null,
      requestsPerSecondSent: perSecond,
      secondsPerRun: options.seconds,
      summary: summaryOf(runs),
      broken,
      runs,
    });
    console.log(`end to end: ${path}`);
    if (broken.length > 0) throw new Error(`what must hold does not: ${broken.join('; ')}`);
  } finally {
    await stack.stop();
  }
}

/** @throws Error when not even the least rate is sustained. */
async function findRate(stack: Stack, stepSeconds: number, prefix: string, steps: Step[]): Promise<number> {
  await tryRate(stack, WARM_UP.perSecond, WARM_UP.seconds, `${prefix}w-`);
  const search = new RateSearch(SEARCH);
  for (let perSecond = search.next(); perSecond !== null; perSecond = search.next()) {
    const step = await tryRate(stack, perSecond, stepSeconds, `${prefix}s${steps.length}-`);
    steps.push(step);
    search.observe(perSecond, step.held);
    console.log(
      `${perSecond} requests a second (${step.bidsPerSecond ?? '?'} bids): ${step.held ? 'sustained' : `not sustained: ${step.why.join('; ')}`}`,
    );
  }
  if (search.found === null) throw new Error(`not even ${SEARCH.leastPerSecond} requests a second are sustained`);
  return search.found;
}

function sayRun({ window, unsustained, account, answerMs, lagMessagesMost }: MeasuredRun): void {
  const { acceptedToRow, cpuMicrosPerBid } = window;
  console.log(
    `  ${window.requestsPerSecond} requests, ${window.slotsPerSecond} slots, ${window.bidsPerSecond} bids a second; accepted to row p50 ${acceptedToRow.p50?.aboutMs ?? '?'} ms, p99 about ${acceptedToRow.p99?.aboutMs ?? '?'} (at most ${acceptedToRow.p99?.atMostMs ?? '?'}) ms; answers p99 ${answerMs.p99} ms; lag at most ${lagMessagesMost}`,
  );
  console.log(
    `  CPU us a bid: ${Object.entries(cpuMicrosPerBid)
      .map(([name, micros]) => `${name} ${micros}`)
      .join(', ')}; ${window.coresBusy} cores busy`,
  );
  console.log(
    `  ${unsustained.length === 0 ? 'sustained' : `NOT sustained: ${unsustained.join('; ')}`}; ${account.holds ? 'every slot accounted for' : `NOT accounted for: ${account.findings.join('; ')}`} (${account.acceptedSlots} slots)`,
  );
}

/** Medians over the runs, and how far they lie apart. */
function summaryOf(runs: readonly MeasuredRun[]): object {
  const of = (pick: (run: MeasuredRun) => number, digits = 2): { median: number; least: number; most: number; spreadShare: number } => {
    const values = runs.map(pick);
    const [least, most, middle] = [Math.min(...values), Math.max(...values), median(values)];
    return {
      median: rounded(middle, digits),
      least: rounded(least, digits),
      most: rounded(most, digits),
      spreadShare: rounded((most - least) / middle, 3),
    };
  };
  const names = Object.keys(runs[0]?.window.cpuMicrosPerBid ?? {});
  return {
    bidsPerSecond: of(({ window }) => window.bidsPerSecond),
    requestsPerSecond: of(({ window }) => window.requestsPerSecond),
    slotsPerSecond: of(({ window }) => window.slotsPerSecond),
    acceptedShare: of(({ window }) => window.acceptedShare, 5),
    // Above the last edge of the histogram counts as that edge: a minute.
    acceptedToRowP50Ms: of(({ window }) => window.acceptedToRow.p50?.aboutMs ?? 60_000),
    acceptedToRowP99Ms: of(({ window }) => window.acceptedToRow.p99?.aboutMs ?? 60_000),
    acceptedToRowP99AtMostMs: of(({ window }) => window.acceptedToRow.p99?.atMostMs ?? 60_000),
    cpuMicrosPerBid: Object.fromEntries(names.map((name) => [name, of(({ window }) => window.cpuMicrosPerBid[name] ?? 0)])),
    cpuShare: Object.fromEntries(names.map((name) => [name, of(({ window }) => window.cpuShare[name] ?? 0, 3).median])),
    coresBusy: of(({ window }) => window.coresBusy),
    sustained: runs.every(({ unsustained }) => unsustained.length === 0),
    everySlotAccountedFor: runs.every(({ account }) => account.holds),
  };
}

async function serverVersions(stack: Stack): Promise<object> {
  const redis = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout;
  return { redis: /v=(\S+)/.exec(redis)?.[1] ?? 'unknown', postgresql: await databaseVersion(stack) };
}
