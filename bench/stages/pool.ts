import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createPool } from '@helios/engine/bidder/pool';
import { type BidderConfig, bidderSettings } from '@helios/engine/bidder/settings';
import { packMessages } from '@helios/engine/bidder/worker-messages';
import { createLogger } from '@helios/runtime/log';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';
import { startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';

/**
 * Question: does pricing on worker threads pay, and from which batch size on?
 * Method: the bidder's own pool, inline (0 threads), with 1 and with 2, at batches of 1, 10, 100 and 1000, profiles looked up over gRPC from
 * a real profile-svc; four batches in flight; the variants in turns, several rounds. Checked: bids made. Measured: requests a second, CPU
 * microseconds a request of this process (all threads), and how late the main thread's event loop runs (p99), which is what a consumer
 * and a producer that share it feel.
 */
const THREADS = [0, 1, 2] as const;
const BATCHES = [1, 10, 100, 1000] as const;
const IN_FLIGHT = 4;

interface Sample {
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
  readonly loopDelayP99Ms: number;
}

export async function benchPool(options: { seconds: number; rounds: number }): Promise<void> {
  const profilePort = String(50_000 + (process.pid % 10_000));
  const profiles = await startService('profile-svc/dist/main.js', [], { PROFILE_STORE: 'memory', PROFILE_PORT: profilePort });
  const defaults = Object.fromEntries(Object.entries(bidderSettings).map(([name, field]) => [name, field.fallback]));
  const config = {
    ...defaults,
    profileAddress: `127.0.0.1:${profilePort}`,
    profileTimeoutMs: 5000,
    maxBatchesInFlight: IN_FLIGHT,
    logLevel: 'error',
  } as unknown as BidderConfig;
  const random = new SeededRandom(1);
  const values = Array.from({ length: 2000 }, () =>
    Buffer.from(JSON.stringify(nextBidRequest(random, { shape: 'short', floors: 'split' }))),
  );
  const samples = new Map<string, Sample[]>();
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const threads of THREADS) {
        const pool = createPool({ ...config, threads }, createLogger('bench', 'error'));
        try {
          for (const batch of BATCHES) {
            const sample = await measure(pool, values, batch, options.seconds);
            const key = `${threads} threads, batches of ${batch}`;
            samples.set(key, [...(samples.get(key) ?? []), sample]);
            console.log(
              `round ${round}: ${key}: ${sample.requestsPerSecond} requests/s, ${sample.cpuMicrosPerRequest} us a request, loop delay p99 ${sample.loopDelayP99Ms} ms`,
            );
          }
        } finally {
          await pool.close();
        }
      }
    }
  } finally {
    await profiles.stop();
  }
  const variants = Object.fromEntries(
    [...samples].map(([key, list]) => [
      key,
      {
        requestsPerSecond: median(list.map((sample) => sample.requestsPerSecond)),
        cpuMicrosPerRequest: rounded(median(list.map((sample) => sample.cpuMicrosPerRequest))),
        loopDelayP99Ms: rounded(median(list.map((sample) => sample.loopDelayP99Ms))),
        samples: list,
      },
    ]),
  );
  console.log(
    writeResult('pool', 'npm run bench -- pool', {
      question: 'worker pool against inline, by batch size and threads',
      inFlight: IN_FLIGHT,
      variants,
    }),
  );
}

async function measure(pool: ReturnType<typeof createPool>, values: readonly Buffer[], batch: number, seconds: number): Promise<Sample> {
  let next = 0;
  const price = async (): Promise<number> => {
    const messages = Array.from({ length: batch }, (_, index) => values[(next + index) % values.length] as Buffer);
    next = (next + batch) % values.length;
    const result = await pool.price(packMessages(messages, []));
    if (result.faults.length > 0 || result.lookup.result === 'failed')
      throw new Error(`a batch of ${batch} was not priced: ${JSON.stringify(result.faults[0] ?? result.lookup)}`);
    return result.ends.length;
  };
  await price();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpuBefore = process.cpuUsage();
  const startedMonoMs = performance.now();
  let requests = 0;
  let bids = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - startedMonoMs < seconds * 1000) {
      bids += await price();
      requests += batch;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const elapsedSeconds = (performance.now() - startedMonoMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  delay.disable();
  if (bids === 0) throw new Error('no bids were made');
  return {
    requestsPerSecond: Math.round(requests / elapsedSeconds),
    cpuMicrosPerRequest: rounded((cpu.user + cpu.system) / requests),
    loopDelayP99Ms: rounded(delay.percentile(99) / 1e6),
  };
}
