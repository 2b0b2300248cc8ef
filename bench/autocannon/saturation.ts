import autocannon from 'autocannon';
import { bidTemplates, type BodyShape } from '../load/bid-bodies.js';
import { newHistogram, type Percentiles, percentilesOf, recordMs } from '../load/latency-histogram.js';
import { rightAnswer } from '../load/open-loop-share.js';

/**
 * Saturation by autocannon: every connection sends its next request when it has its answer. It tells throughput and, beside the CPU time of
 * the server, the cost of a request. It does not tell latency at a rate: a slow server is asked less often. Its rate limit is not used
 * (bursts at the start of each second, and a correction for coordinated omission that takes seconds for milliseconds).
 */
export interface SaturationOptions {
  /** On loopback. */
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface SaturationResult {
  /** Answers of status 2xx that were right. */
  readonly right: number;
  /** Other statuses, broken connections and answers without the expected content. */
  readonly others: number;
  /** The first of these. */
  readonly firstOther: string | null;
  readonly seconds: number;
  readonly perSecond: number;
  /** From the send to the answer, at saturation: how long the queue is, not how fast the server. */
  readonly service: Percentiles;
}

/** Every connection keeps a copy of each. */
const BODIES = 50;
const TIMEOUT_SECONDS = 10;
/** A run ends at one of autocannon's ticks. */
const SAMPLE_MS = 100;

export interface BidSaturationOptions extends SaturationOptions {
  readonly shape: BodyShape;
  readonly seed: number;
  /** What the server can know of a request, its id or, without parsing it, its bytes. */
  readonly expects: 'id' | 'bytes';
}

/** Posts generated bid requests. */
export function saturateBid(options: BidSaturationOptions): Promise<SaturationResult> {
  const bodies = bidTemplates(options.seed, BODIES, options.shape).map(({ beforeId, afterId }, index) => {
    const id = `autocannon-${index}`;
    return { id, body: `${beforeId}${id}${afterId}` };
  });
  return saturate(options, (check) =>
    bodies.map(({ id, body }) => {
      const expected = options.expects === 'id' ? { id } : { bytes: Buffer.byteLength(body) };
      return { method: 'POST', body, onResponse: (status, text) => check(status === 202 && rightAnswer(text, expected), status, text) };
    }),
  );
}

/** Asks the analytics API for `paths` in turn; a right answer is 200 with JSON. */
export function saturateApi(options: SaturationOptions, paths: readonly string[]): Promise<SaturationResult> {
  return saturate(options, (check) =>
    paths.map((path) => ({ method: 'GET', path, onResponse: (status, text) => check(status === 200 && isJson(text), status, text) })),
  );
}

type Check = (right: boolean, status: number, text: string) => void;

async function saturate(options: SaturationOptions, requestsOf: (check: Check) => autocannon.Request[]): Promise<SaturationResult> {
  const service = newHistogram();
  const counts = { right: 0, others: 0, firstOther: null as string | null };
  const other = (what: string): void => {
    counts.others++;
    counts.firstOther ??= what.slice(0, 300);
  };
  const requests = requestsOf((right, status, text) => {
    if (right) counts.right++;
    else other(`${status} ${text}`);
  });
  const { url, connections, seconds } = options;
  const startedMonoMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    const instance = autocannon(
      {
        url,
        connections,
        duration: seconds,
        requests,
        pipelining: 1,
        timeout: TIMEOUT_SECONDS,
        skipAggregateResult: true,
        sampleInt: SAMPLE_MS,
      },
      (error) => (error ? reject(error as Error) : resolve()),
    );
    instance.on('response', (_client, _status, _bytes, responseMs) => recordMs(service, responseMs));
    instance.on('reqError', (error) => other(String(error)));
  });
  const elapsedSeconds = (performance.now() - startedMonoMs) / 1000;
  return { ...counts, seconds: elapsedSeconds, perSecond: Math.round(counts.right / elapsedSeconds), service: percentilesOf(service) };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
