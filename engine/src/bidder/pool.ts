import { fileURLToPath } from 'node:url';
import type { Logger } from '@helios/runtime/log';
import { Piscina } from 'piscina';
import type { BidRules } from './bid.js';
import { highestInterest } from './pricing.js';
import { priceBatch } from './price-batch.js';
import { ProfileClient } from './profile-client.js';
import { type BidderConfig, tiersOf } from './settings.js';
import { type BidResult, type BidTask, type BreakerState, breakerStates, type WorkerSettings } from './worker-messages.js';

/** Where batches are priced: on worker threads, or inline on the main thread. Both give the same answers; docs/adr/0006 has the figures. */
export interface PricingPool {
  /** Rejects when the batch killed its worker, or the worker failed otherwise; the batch is then whole and unpriced. */
  price(task: BidTask): Promise<BidResult>;
  /** Live breakers by state. */
  breakers(): Record<BreakerState, number>;
  /** How often breakers opened so far. */
  breakerOpenings(): number;
  /** Batches that wait for a thread. */
  queued(): number;
  close(): Promise<void>;
}

/** Slots of the shared breaker states; more than threads can live at once, restarts included. */
const BREAKER_SLOTS = 1024;

/** The pool that the configuration asks for. `workerFile` is replaced in tests that need a worker which dies. */
export function createPool(
  config: BidderConfig,
  log: Logger,
  workerFile = fileURLToPath(new URL('./worker.js', import.meta.url)),
): PricingPool {
  return config.threads === 0 ? new InlinePool(config, log) : new ThreadPool(config, log, workerFile);
}

class ThreadPool implements PricingPool {
  readonly #piscina: Piscina<BidTask, BidResult>;
  readonly #settings: WorkerSettings;

  constructor(config: BidderConfig, log: Logger, workerFile: string) {
    this.#settings = workerSettings(config);
    this.#piscina = new Piscina<BidTask, BidResult>({
      filename: workerFile,
      minThreads: config.threads,
      maxThreads: config.threads,
      idleTimeout: Infinity,
      maxQueue: config.maxBatchesInFlight * 2,
      // While batches wait for their profiles the worker parses the next ones: with two at once, lookups that take their whole deadline
      // of 100 ms, breaker still closed, held the bidder to 10,000 requests/s.
      concurrentTasksPerWorker: config.maxBatchesInFlight,
      // The worker's event loop has to turn between tasks: its gRPC channel lives there.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: config.workerMaxMib },
      workerData: this.#settings,
    });
    this.#piscina.on('error', (error: Error) => log.error({ err: error.message }, 'worker failed'));
  }

  price(task: BidTask): Promise<BidResult> {
    return this.#piscina.run(task, { transferList: [task.bytes, task.ends.buffer] });
  }

  breakers(): Record<BreakerState, number> {
    const counts = { closed: 0, open: 0, half_open: 0 };
    const states = this.#settings.breakerStates;
    for (const thread of this.#piscina.threads) counts[stateAt(Atomics.load(states, thread.threadId % states.length))]++;
    return counts;
  }

  breakerOpenings(): number {
    return Atomics.load(this.#settings.breakerOpenings, 0);
  }

  queued(): number {
    return this.#piscina.queueSize;
  }

  close(): Promise<void> {
    return this.#piscina.destroy();
  }
}

class InlinePool implements PricingPool {
  readonly #profiles: ProfileClient;
  readonly #rules: BidRules;
  readonly #states: Int32Array;
  #openings = 0;

  constructor(config: BidderConfig, log: Logger) {
    const settings = workerSettings(config);
    this.#states = settings.breakerStates;
    this.#rules = { pricing: highestInterest(settings.tiers), auctionType: settings.auctionType };
    this.#profiles = new ProfileClient(settings, log, (state) => {
      this.#states[0] = breakerStates.indexOf(state);
      if (state === 'open') this.#openings++;
    });
  }

  price(task: BidTask): Promise<BidResult> {
    return priceBatch(task, this.#profiles, this.#rules);
  }

  breakers(): Record<BreakerState, number> {
    const counts = { closed: 0, open: 0, half_open: 0 };
    counts[stateAt(this.#states[0] ?? 0)]++;
    return counts;
  }

  breakerOpenings(): number {
    return this.#openings;
  }

  /** Nothing waits: a batch is priced where it is. */
  queued(): number {
    return 0;
  }

  async close(): Promise<void> {
    this.#profiles.close();
  }
}

function workerSettings(config: BidderConfig): WorkerSettings {
  return {
    tiers: tiersOf(config),
    auctionType: config.auctionType === '1' ? 1 : 2,
    profileAddress: config.profileAddress,
    profileTimeoutMs: config.profileTimeoutMs,
    breakerErrorPercent: config.breakerErrorPercent,
    breakerMinCalls: config.breakerMinCalls,
    breakerWindowMs: config.breakerWindowMs,
    breakerResetMs: config.breakerResetMs,
    logLevel: config.logLevel,
    breakerStates: new Int32Array(new SharedArrayBuffer(BREAKER_SLOTS * Int32Array.BYTES_PER_ELEMENT)),
    breakerOpenings: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
  };
}

function stateAt(code: number): BreakerState {
  return breakerStates[code] ?? 'closed';
}
