import { expositionContentType, familyHead, HistogramLines, SampleLines } from './exposition.js';
import { clientMetrics, nextTurn, ownProcessMetrics } from './node-metrics.js';

/**
 * Metrics that cost the hot path an increment of a plain number: services count in fields and `LatencyHistogram`s of their own,
 * and the registry reads them when it is scraped. Names: Prometheus base units; label values are closed lists, preset to 0.
 */

export type LabelledCounts = ReadonlyMap<string, number> | Readonly<Record<string, number>>;

/** Bucket edges in seconds, with an edge at every objective (1, 5, 10, 20, 25, 50, 100, 500 ms). */
export const latencyBucketsSeconds = [
  0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
] as const;

/** A histogram whose `observe` is a search in 20 edges and two additions; exported on scrape. */
export class LatencyHistogram {
  readonly edges: readonly number[];
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(edges: readonly number[] = latencyBucketsSeconds) {
    this.edges = edges;
    this.counts = new Float64Array(edges.length + 1);
  }

  observe(seconds: number): void {
    let index = 0;
    while (index < this.edges.length && seconds > (this.edges[index] as number)) index++;
    this.counts[index] = (this.counts[index] as number) + 1;
    this.sum += seconds;
    this.count++;
  }

  /** Observes how long ago each instant was; one that is NaN is passed over, and two machines' clocks may differ by more than it took. */
  observeAges(instantsUnixMs: readonly number[], nowUnixMs: number): void {
    for (const instant of instantsUnixMs) if (!Number.isNaN(instant)) this.observe(Math.max(0, nowUnixMs - instant) / 1000);
  }
}

type Read = () => string | Promise<string>;

/** A turn of the event loop in which a scrape has worked for so long is its last: what else waits goes first. */
const TURN_MAX_MS = 0.1;

/**
 * One process's metrics. Every reader runs at scrape time only and must be quick and not throw.
 *
 * A scrape reads metric after metric and gives the event loop back between two of them, so that it holds up nothing for longer than
 * `TURN_MAX_MS` and the one metric that exceeds it. What one metric says is of one moment; two metrics may be of two.
 */
export class Metrics {
  /** What the admin server needs. */
  readonly registry = { contentType: expositionContentType, metrics: () => this.#text() };
  readonly #reads = new Map<string, Read>();

  constructor(service: string, version: string) {
    const client = clientMetrics();
    for (const name of client.names) this.#add(name, () => client.textOf(name));
    for (const { name, type, help, read } of ownProcessMetrics()) {
      const head = familyHead(name, help, type);
      const lines = new SampleLines(name, '', {});
      this.#add(name, async () => head + lines.one(await read()));
    }
    this.gauge('helios_build_info', 'Version of this service; always 1.', () => ({ [service]: 1 }), 'service', {
      version,
      node: process.version,
    });
  }

  /** A counter without labels, or with one label whose values `read` returns with their counts. */
  counter(name: string, help: string, read: () => number | LabelledCounts, label?: string): void {
    this.#addSamples(name, help, 'counter', read, label, {});
  }

  gauge(name: string, help: string, read: () => number | LabelledCounts, label?: string, constant: Record<string, string> = {}): void {
    this.#addSamples(name, help, 'gauge', read, label, constant);
  }

  /** A histogram, or several under one name told apart by one label. */
  histogram(name: string, help: string, read: () => LatencyHistogram | Readonly<Record<string, LatencyHistogram>>, label = ''): void {
    const head = familyHead(name, help, 'histogram');
    const lines = new Map<string, HistogramLines>();
    const textOf = (labels: Readonly<Record<string, string>>, key: string, histogram: LatencyHistogram): string => {
      let its = lines.get(key);
      if (its === undefined) lines.set(key, (its = new HistogramLines(name, labels, histogram.edges)));
      return its.of(histogram);
    };
    this.#add(name, () => {
      const value = read();
      if (value instanceof LatencyHistogram) return head + textOf({}, '', value);
      let text = head;
      for (const [labelValue, histogram] of Object.entries(value)) text += textOf({ [label]: labelValue }, labelValue, histogram);
      return text;
    });
  }

  #addSamples(
    name: string,
    help: string,
    type: 'counter' | 'gauge',
    read: () => number | LabelledCounts,
    label = 'value',
    constant: Record<string, string>,
  ): void {
    const head = familyHead(name, help, type);
    const lines = new SampleLines(name, label, constant);
    this.#add(name, () => {
      const value = read();
      if (typeof value === 'number') return head + lines.one(value);
      return head + lines.many(value instanceof Map ? value : Object.entries(value));
    });
  }

  #add(name: string, read: Read): void {
    if (this.#reads.has(name)) throw new Error(`the metric ${name} is registered already`);
    this.#reads.set(name, read);
  }

  async #text(): Promise<string> {
    let text = '';
    // The turn that brought the request has worked already.
    await nextTurn();
    let turnStartedMonoMs = performance.now();
    for (const read of this.#reads.values()) {
      text += `${await read()}\n`;
      if (performance.now() - turnStartedMonoMs < TURN_MAX_MS) continue;
      await nextTurn();
      turnStartedMonoMs = performance.now();
    }
    // Sending it is work for a turn of its own.
    await nextTurn();
    return text;
  }
}
