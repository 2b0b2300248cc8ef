import { collectDefaultMetrics, Registry } from 'prom-client';

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
}

/** One process's registry. Every reader runs at scrape time only and must be quick and not throw. */
export class Metrics {
  readonly registry = new Registry();

  constructor(service: string, version: string) {
    collectDefaultMetrics({ register: this.registry });
    this.gauge('helios_build_info', 'Version of this service; always 1.', () => ({ [service]: 1 }), 'service', {
      version,
      node: process.version,
    });
  }

  /** A counter without labels, or with one label whose values `read` returns with their counts. */
  counter(name: string, help: string, read: () => number | LabelledCounts, label?: string): void {
    this.#register(name, help, 'counter', read, label, {});
  }

  gauge(name: string, help: string, read: () => number | LabelledCounts, label?: string, constant: Record<string, string> = {}): void {
    this.#register(name, help, 'gauge', read, label, constant);
  }

  /** A histogram, or several under one name told apart by one label. */
  histogram(name: string, help: string, read: () => LatencyHistogram | Readonly<Record<string, LatencyHistogram>>, label?: string): void {
    this.#add(name, help, 'histogram', () => {
      const value = read();
      const all = value instanceof LatencyHistogram ? [['', value] as const] : Object.entries(value);
      return all.flatMap(([labelValue, histogram]) =>
        histogramSamples(name, histogram, label === undefined ? {} : { [label]: labelValue }),
      );
    });
  }

  #register(
    name: string,
    help: string,
    type: 'counter' | 'gauge',
    read: () => number | LabelledCounts,
    label: string | undefined,
    constant: Record<string, string>,
  ): void {
    this.#add(name, help, type, () => {
      const value = read();
      if (typeof value === 'number') return [{ value, labels: constant }];
      const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
      return entries.map(([labelValue, count]) => ({
        value: count as number,
        labels: { ...constant, [label ?? 'value']: String(labelValue) },
      }));
    });
  }

  #add(name: string, help: string, type: string, values: () => object[]): void {
    // prom-client's registry asks a metric for nothing but these fields when it is scraped; see "Custom metrics" in its aggregate().
    const metric = { name, help, type, aggregator: 'sum', get: async () => ({ name, help, type, values: values(), aggregator: 'sum' }) };
    this.registry.registerMetric(metric as never);
  }
}

function histogramSamples(name: string, histogram: LatencyHistogram, labels: Record<string, string>): object[] {
  const samples: object[] = [];
  let cumulative = 0;
  for (let index = 0; index < histogram.edges.length; index++) {
    cumulative += histogram.counts[index] as number;
    samples.push({ metricName: `${name}_bucket`, value: cumulative, labels: { ...labels, le: histogram.edges[index] } });
  }
  samples.push({ metricName: `${name}_bucket`, value: histogram.count, labels: { ...labels, le: '+Inf' } });
  samples.push({ metricName: `${name}_sum`, value: histogram.sum, labels });
  samples.push({ metricName: `${name}_count`, value: histogram.count, labels });
  return samples;
}
