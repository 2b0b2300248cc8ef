import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LatencyHistogram, latencyBucketsSeconds, Metrics } from '../src/metrics.js';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of one metric family, read from the exposition text as Prometheus would. */
async function samplesOf(metrics: Metrics, family: string): Promise<{ type: string; help: string; samples: Sample[] }> {
  const lines = (await metrics.registry.metrics()).split('\n');
  const named = (keyword: string) =>
    lines.find((line) => line.startsWith(`# ${keyword} ${family} `))?.slice(keyword.length + family.length + 4);
  const samples: Sample[] = [];
  for (const line of lines) {
    const match = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (match === null || !(match[1] as string).startsWith(family)) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)) labels[name as string] = value as string;
    samples.push({ name: match[1] as string, labels, value: match[3] === '+Inf' ? Infinity : Number(match[3]) });
  }
  return { type: named('TYPE') ?? '', help: named('HELP') ?? '', samples };
}

describe('counters and gauges', () => {
  test('are read when they are scraped, not before', async () => {
    const metrics = new Metrics('test', '1.2.3');
    let requests = 0;
    metrics.counter('helios_requests_total', 'Requests.', () => requests);
    requests = 7;
    expect(await samplesOf(metrics, 'helios_requests_total')).toEqual({
      type: 'counter',
      help: 'Requests.',
      samples: [{ name: 'helios_requests_total', labels: {}, value: 7 }],
    });
    requests = 8;
    expect((await samplesOf(metrics, 'helios_requests_total')).samples[0]?.value).toBe(8);
  });

  test('with a label show every value of its closed list from the start', async () => {
    const metrics = new Metrics('test', '1');
    const counts = { won: 0, lost: 0 };
    metrics.gauge('helios_results', 'Results.', () => counts, 'result');
    metrics.counter('helios_map_total', 'From a map.', () => new Map([['a "quoted" one', 3]]), 'kind');
    expect((await samplesOf(metrics, 'helios_results')).samples).toEqual([
      { name: 'helios_results', labels: { result: 'won' }, value: 0 },
      { name: 'helios_results', labels: { result: 'lost' }, value: 0 },
    ]);
    expect((await samplesOf(metrics, 'helios_map_total')).samples).toEqual([
      { name: 'helios_map_total', labels: { kind: String.raw`a \"quoted\" one` }, value: 3 },
    ]);
  });

  test('of the process itself keep their names, and a service names its version', async () => {
    const text = await new Metrics('ingest', '1.2.3').registry.metrics();
    expect(text).toMatch(/^process_cpu_user_seconds_total/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds/m);
    expect(text).toMatch(/version="1\.2\.3"/);
  });
});

describe('a scrape', () => {
  test('gives the event loop back between metrics that take long', async () => {
    const metrics = new Metrics('test', '1');
    const order: string[] = [];
    const busy = (name: string) => () => {
      const endMonoMs = performance.now() + 1;
      while (performance.now() < endMonoMs);
      order.push(name);
      // What comes after this metric in the event loop, and must not wait for the next.
      setImmediate(() => order.push(`after ${name}`));
      return 1;
    };
    for (const name of ['helios_first', 'helios_second']) metrics.gauge(name, 'Takes 1 ms.', busy(name));
    await metrics.registry.metrics();
    expect(order.slice(0, 3)).toEqual(['helios_first', 'after helios_first', 'helios_second']);
  });

  test('fails when a metric cannot be read, and a name is taken once', async () => {
    const metrics = new Metrics('test', '1');
    metrics.gauge('helios_broken', 'Broken.', () => {
      throw new Error('no figure');
    });
    await expect(metrics.registry.metrics()).rejects.toThrow('no figure');
    expect(() => metrics.counter('helios_broken', 'Again.', () => 1)).toThrow('helios_broken');
  });

  test('says how the event loop does and how many files are open', async () => {
    const metrics = new Metrics('test', '1');
    const valueOf = async (name: string) => (await samplesOf(metrics, name)).samples.find((sample) => sample.name === name)?.value;
    const busyBefore = await valueOf('helios_event_loop_busy_seconds_total');
    const endMonoMs = performance.now() + 50;
    while (performance.now() < endMonoMs);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await valueOf('helios_event_loop_busy_seconds_total')).toBeGreaterThan((busyBefore ?? 0) + 0.04);
    expect(await valueOf('nodejs_eventloop_lag_max_seconds')).toBeLessThan(10);
    expect(await valueOf('nodejs_eventloop_lag_seconds')).toBeGreaterThan(0);
    if (process.platform === 'linux') expect(await valueOf('process_open_fds')).toBe(readdirSync('/proc/self/fd').length - 1);
  });
});

describe('numbers', () => {
  test('that are not finite, and texts with marks, are written as Prometheus reads them', async () => {
    const metrics = new Metrics('test', '1');
    metrics.gauge(
      'helios_odd',
      'A back\\slash\nand a line.',
      () => ({ nan: Number.NaN, up: Infinity, down: -Infinity, large: 1e21 }),
      'kind',
    );
    const text = await metrics.registry.metrics();
    expect(text).toContain('# HELP helios_odd A back\\\\slash\\nand a line.\n');
    expect(text).toContain(
      'helios_odd{kind="nan"} NaN\nhelios_odd{kind="up"} +Inf\nhelios_odd{kind="down"} -Inf\nhelios_odd{kind="large"} 1e+21\n',
    );
  });
});

describe('histograms', () => {
  test('observe how long ago instants were, leave out those unknown, and count none as negative', () => {
    const histogram = new LatencyHistogram([1, 2]);
    histogram.observeAges([9000, Number.NaN, 8500, 11_000], 10_000);
    expect([...histogram.counts]).toEqual([2, 1, 0]);
    expect(histogram.sum).toBe(2.5);
  });

  test('export cumulative buckets, a sum and a count', async () => {
    const metrics = new Metrics('test', '1');
    const histogram = new LatencyHistogram([0.01, 0.1, 1]);
    metrics.histogram('helios_wait_seconds', 'Waits.', () => histogram);
    for (const seconds of [0.005, 0.01, 0.05, 0.5, 3]) histogram.observe(seconds);
    const { type, samples } = await samplesOf(metrics, 'helios_wait_seconds');
    expect(type).toBe('histogram');
    expect(
      samples.filter((sample) => sample.name === 'helios_wait_seconds_bucket').map((sample) => [sample.labels['le'], sample.value]),
    ).toEqual([
      ['0.01', 2],
      ['0.1', 3],
      ['1', 4],
      ['+Inf', 5],
    ]);
    expect(samples.find((sample) => sample.name === 'helios_wait_seconds_sum')?.value).toBeCloseTo(3.565, 9);
    expect(samples.find((sample) => sample.name === 'helios_wait_seconds_count')?.value).toBe(5);
  });

  test('told apart by a label are complete for each value, empty ones included', async () => {
    const metrics = new Metrics('test', '1');
    const stages = { price: new LatencyHistogram([1]), publish: new LatencyHistogram([1]) };
    metrics.histogram('helios_stage_seconds', 'Stages.', () => stages, 'stage');
    stages.price.observe(0.5);
    const { samples } = await samplesOf(metrics, 'helios_stage_seconds');
    const counts = samples.filter((sample) => sample.name === 'helios_stage_seconds_count');
    expect(counts.map((sample) => [sample.labels['stage'], sample.value])).toEqual([
      ['price', 1],
      ['publish', 0],
    ]);
    expect(samples.filter((sample) => sample.labels['stage'] === 'publish' && sample.labels['le'] !== undefined)).toHaveLength(2);
  });

  test('have a bucket edge exactly at every objective', () => {
    for (const seconds of [0.001, 0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.5]) expect(latencyBucketsSeconds).toContain(seconds);
    expect([...latencyBucketsSeconds].sort((a, b) => a - b)).toEqual([...latencyBucketsSeconds]);
  });
});
