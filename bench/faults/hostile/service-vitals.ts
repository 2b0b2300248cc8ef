import { setTimeout as sleep } from 'node:timers/promises';
import { scrape } from '../../processes.js';

/** What a service's own /metrics tells of its process. */
export interface Vitals {
  readonly startedUnixSeconds: number;
  readonly rssBytes: number;
  readonly openDescriptors: number;
}

export async function readVitals(adminPort: number): Promise<Vitals> {
  const metric = await scrape(adminPort);
  return {
    startedUnixSeconds: metric('process_start_time_seconds'),
    rssBytes: metric('process_resident_memory_bytes'),
    openDescriptors: metric('process_open_fds'),
  };
}

/** Follows a service's memory from a first reading on, about once a second. A scrape that fails is a service that is gone. */
export class VitalsWatch {
  readonly before: Vitals;
  readonly #adminPort: number;
  #peakRssBytes: number;
  #fault: string | null = null;
  #ending = false;
  readonly #running: Promise<void>;

  static async start(adminPort: number): Promise<VitalsWatch> {
    return new VitalsWatch(adminPort, await readVitals(adminPort));
  }

  private constructor(adminPort: number, before: Vitals) {
    this.#adminPort = adminPort;
    this.before = before;
    this.#peakRssBytes = before.rssBytes;
    this.#running = this.#run();
  }

  /** Ends the watch with a last reading. */
  async end(): Promise<VitalsReport> {
    this.#ending = true;
    await this.#running;
    await this.#look();
    return {
      sameProcess: this.#fault === null,
      fault: this.#fault,
      rssGrowthBytes: this.#peakRssBytes - this.before.rssBytes,
      rssPeakBytes: this.#peakRssBytes,
    };
  }

  async #run(): Promise<void> {
    while (!this.#ending) {
      await this.#look();
      await sleep(500);
    }
  }

  async #look(): Promise<void> {
    try {
      const now = await readVitals(this.#adminPort);
      if (now.startedUnixSeconds !== this.before.startedUnixSeconds) this.#fault ??= 'the process was started anew';
      this.#peakRssBytes = Math.max(this.#peakRssBytes, now.rssBytes);
    } catch (error) {
      this.#fault ??= `its metrics could not be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

export interface VitalsReport {
  /** The process that was there at the start was there at every reading. */
  readonly sameProcess: boolean;
  readonly fault: string | null;
  /** Highest reading less the first one. */
  readonly rssGrowthBytes: number;
  readonly rssPeakBytes: number;
}
