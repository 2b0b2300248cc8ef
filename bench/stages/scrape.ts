import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { HttpPoster } from '@helios/scripts/http-poster';
import { sendOpenLoop } from '@helios/scripts/open-loop';
import { SeededRandom } from '@helios/scripts/random';
import { freePort, type Measured, startHelper, startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';

/**
 * Question: for how long does a scrape hold up the event loop of a service that is at work?
 * Method: a probe inside the real process notes every turn of its event loop that took 0.1 ms or more. Scrapes come one after the other; each
 * has a control, a span of the same length a little later without a scrape. Compared: the longest turn within either. Checked: every answer
 * is a 200 that holds the service's metrics, and every posted request a 202.
 */

const out = fileURLToPath(new URL('../../../bench/.out', import.meta.url));
const probeFile = fileURLToPath(new URL('loop-probe.js', import.meta.url));
const LIMIT_MS = 1;
const REQUESTS_PER_SECOND = 500;
const PAUSE_MS = 60;
const WARM_UP_SCRAPES = 10;
const probed = ['ingest', 'bidder'] as const;

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export async function benchScrape(options: { scrapes: number }): Promise<void> {
  const results: Record<string, object> = {};
  for (const service of probed) {
    for (const load of ['idle', 'loaded'] as const) {
      const figures = await measure(service, load === 'loaded' ? REQUESTS_PER_SECOND : 0, options.scrapes);
      results[`${service}, ${load}`] = figures;
      console.log(`${service}, ${load}: ${JSON.stringify(figures)}`);
    }
  }
  const path = writeResult('scrape', 'npm run bench -- scrape', {
    question: 'longest turn of the event loop during a scrape of /metrics, beside a span of the same length without one; milliseconds',
    limitMs: LIMIT_MS,
    requestsPerSecondUnderLoad: REQUESTS_PER_SECOND,
    scrapes: options.scrapes,
    results,
  });
  console.log(path);
}

async function measure(service: (typeof probed)[number], perSecond: number, count: number): Promise<object> {
  mkdirSync(out, { recursive: true });
  const turnsFile = join(out, `turns-${service}.bin`);
  rmSync(turnsFile, { force: true });
  const probe = (name: string): readonly string[] => (name === service ? ['--import', pathToFileURL(probeFile).href] : []);
  const started: { stop(): Promise<void> }[] = [];
  try {
    const broker = await startHelper('scripts/dist/broker.js', []);
    started.push(broker);
    const profilePort = String(await freePort());
    started.push(await startService('profile-svc/dist/main.js', [], { PROFILE_STORE: 'memory', PROFILE_PORT: profilePort }));
    const env = {
      KAFKA_BROKERS: String(broker.ready['bootstrap']),
      KAFKA_FETCH_WAIT_MAX_MS: '5',
      KAFKA_SESSION_TIMEOUT_MS: '3000',
      USER_PROFILE_SVC_ADDR: `127.0.0.1:${profilePort}`,
      BENCH_LOOP_PROBE_FILE: turnsFile,
    };
    const port = await freePort();
    const bidder = await startService('engine/dist/main.js', ['bidder'], env, probe('bidder'));
    started.push(bidder);
    const ingest = await startService('engine/dist/main.js', ['ingest'], { ...env, INGEST_PORT: String(port) }, probe('ingest'));
    started.push(ingest);
    const spans = await underLoad(port, perSecond, () => scrapes(service === 'ingest' ? ingest : bidder, service, count));
    for (const part of started.splice(0).toReversed()) await part.stop();
    return compare(spans, readFileSync(turnsFile));
  } finally {
    for (const part of started.toReversed()) await part.stop();
    rmSync(turnsFile, { force: true });
  }
}

/** Runs `work` while requests are posted to `port` on a fixed schedule; 0: none. */
async function underLoad<T>(port: number, perSecond: number, work: () => Promise<T>): Promise<T> {
  if (perSecond === 0) return work();
  const random = new SeededRandom(1);
  const poster = new HttpPoster(`http://127.0.0.1:${port}/bid`, 128);
  const ended = new AbortController();
  let refused = 0;
  const sending = sendOpenLoop({
    items: endless(),
    perSecond,
    maxInFlight: perSecond,
    signal: ended.signal,
    send: async () => {
      const answer = await poster.post(JSON.stringify(nextBidRequest(random, { shape: 'short', floors: 'split' })));
      if (answer.status !== 202) refused++;
    },
  });
  let result: T;
  try {
    result = await work();
  } finally {
    ended.abort();
    await sending;
    poster.close();
  }
  if (refused > 0) throw new Error(`${refused} requests were not answered 202`);
  return result;
}

function* endless(): Generator<undefined> {
  for (;;) yield undefined;
}

/** Scrapes `count` times after a warm-up; each with its control, which begins when the loop had time to rest. */
async function scrapes(service: Measured, name: string, count: number): Promise<{ scrape: Span; control: Span }[]> {
  const spans: { scrape: Span; control: Span }[] = [];
  for (let number = -WARM_UP_SCRAPES; number < count; number++) {
    const startMs = monotonicMs();
    const response = await fetch(`http://127.0.0.1:${service.adminPort}/metrics`);
    const text = await response.text();
    const endMs = monotonicMs();
    if (!response.ok || !text.includes(`service="${name}"`)) throw new Error(`/metrics of ${name} answered ${response.status}`);
    await sleep(PAUSE_MS);
    const controlMs = monotonicMs();
    await sleep(endMs - startMs + PAUSE_MS);
    if (number >= 0) spans.push({ scrape: { startMs, endMs }, control: { startMs: controlMs, endMs: controlMs + endMs - startMs } });
  }
  return spans;
}

function compare(spans: readonly { scrape: Span; control: Span }[], noted: Buffer): object {
  const turns = new Float64Array(noted.buffer.slice(noted.byteOffset, noted.byteOffset + noted.byteLength));
  const ofScrapes = spans.map(({ scrape }) => longestTurnMs(turns, scrape));
  const ofControls = spans.map(({ control }) => longestTurnMs(turns, control));
  const over = (lengths: readonly number[]): number => lengths.filter((length) => length > LIMIT_MS).length;
  return {
    scrapeTookMs: rounded(median(spans.map(({ scrape }) => scrape.endMs - scrape.startMs)), 2),
    withScrape: { ...summary(ofScrapes), overLimit: over(ofScrapes) },
    without: { ...summary(ofControls), overLimit: over(ofControls) },
  };
}

/** The longest turn that any part of `span` fell into; 0 when all were shorter than the probe notes. */
function longestTurnMs(turns: Float64Array, span: Span): number {
  let longest = 0;
  for (let index = 0; index < turns.length; index += 2) {
    const [startMs, endMs] = [turns[index] as number, turns[index + 1] as number];
    if (startMs < span.endMs && endMs > span.startMs) longest = Math.max(longest, endMs - startMs);
  }
  return longest;
}

function summary(values: readonly number[]): { median: number; p99: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const p99 = sorted[Math.min(sorted.length - 1, Math.ceil(0.99 * sorted.length) - 1)] as number;
  return { median: rounded(median(values), 3), p99: rounded(p99, 3), max: rounded(sorted.at(-1) as number, 3) };
}

/** Milliseconds of the system's monotonic clock, as in the probe. */
function monotonicMs(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e3 + nanos / 1e6;
}
