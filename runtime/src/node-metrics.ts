import { opendirSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * The metrics of the process itself, under the names that Node's Prometheus client gave them. Most come from that client; those that would
 * hold the event loop up are read here, piece by piece.
 */

/** One metric that is read when it is scraped: its help, and its value. */
export interface ProcessMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly read: () => number | Promise<number>;
}

/** Left out of what the client offers: each walks over every socket of the process, or twice over all of a histogram (0.7 ms), in one go. */
const walks = [
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_eventloop_lag_stddev_seconds',
];
/** Read here instead; the client looks at the event loop's histogram six times in one go, which took 0.8 ms. */
const readHere = [
  'process_open_fds',
  'nodejs_eventloop_lag_seconds',
  ...['min', 'max', 'mean', 'p50', 'p90', 'p99'].map((part) => `nodejs_eventloop_lag_${part}_seconds`),
];

const LAG_RESOLUTION_MS = 10;
const HOUR_MS = 3_600_000;
const FOLDER_ENTRIES_AT_ONCE = 128;

/** The client's own default metrics, without those above: their names, and the text of each. */
export function clientMetrics(): { readonly names: readonly string[]; readonly textOf: (name: string) => Promise<string> } {
  const registry = new Registry();
  // The loop is watched below: the client's own watch of it fires once an hour, that is hardly ever.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: HOUR_MS });
  for (const name of [...walks, ...readHere]) registry.removeSingleMetric(name);
  return {
    names: registry.getMetricsAsArray().map(({ name }) => name),
    textOf: async (name) => `${await registry.getSingleMetricAsString(name)}\n`,
  };
}

/** Resolves in a later turn of the event loop, after sockets and timers had theirs. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How the event loop does, and open files. The figures of its lag are those since the scrape before; whoever reads them reads all. */
export function ownProcessMetrics(): ProcessMetric[] {
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();
  const gauge = (name: string, help: string, read: ProcessMetric['read']): ProcessMetric => ({ name, type: 'gauge', help, read });
  const lag = (part: string, help: string, readNanos: () => number): ProcessMetric =>
    gauge(
      `nodejs_eventloop_lag_${part}_seconds`,
      `${help} since the last scrape; ${LAG_RESOLUTION_MS} ms when nothing is late.`,
      // Without a single sample Node says NaN, and a huge number for the least.
      () => (delay.count === 0 ? 0 : readNanos() / 1e9),
    );
  return [
    {
      name: 'helios_event_loop_busy_seconds_total',
      type: 'counter',
      help: 'Time that the event loop of the main thread did not wait for events; its rate is the share of the thread that is used.',
      read: () => performance.eventLoopUtilization().active / 1000,
    },
    gauge('nodejs_eventloop_lag_seconds', 'How long a turn of the event loop takes just now.', turnSeconds),
    lag('min', 'Least delay of the event loop', () => delay.min),
    lag('max', 'Greatest delay of the event loop', () => delay.max),
    lag('mean', 'Mean delay of the event loop', () => delay.mean),
    lag('p50', '50th percentile of the delay of the event loop', () => delay.percentile(50)),
    lag('p90', '90th percentile of the delay of the event loop', () => delay.percentile(90)),
    lag('p99', '99th percentile of the delay of the event loop', () => {
      const p99 = delay.percentile(99);
      delay.reset();
      return p99;
    }),
    ...(process.platform === 'linux' ? [gauge('process_open_fds', 'Open file descriptors.', openFileDescriptors)] : []),
  ];
}

async function turnSeconds(): Promise<number> {
  const startedMonoMs = performance.now();
  await nextTurn();
  return (performance.now() - startedMonoMs) / 1000;
}

/** Counted some at a time: a process with ten thousand connections has as many. Not in the thread pool, where Kafka's calls may hold every thread. */
async function openFileDescriptors(): Promise<number> {
  const folder = opendirSync('/proc/self/fd', { bufferSize: FOLDER_ENTRIES_AT_ONCE });
  try {
    let count = 0;
    while (folder.readSync() !== null) if (++count % FOLDER_ENTRIES_AT_ONCE === 0) await nextTurn();
    // The folder itself is one of them.
    return count - 1;
  } finally {
    folder.closeSync();
  }
}
