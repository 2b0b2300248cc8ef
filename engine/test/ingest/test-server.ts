import { Health } from '@helios/runtime/admin-server';
import { Metrics } from '@helios/runtime/metrics';
import pino from 'pino';
import { createIngestServer, type IngestServer, type IngestServerConfig } from '../../src/ingest/server.js';
import { FakeSink } from './fake-sink.js';

export interface TestServer {
  readonly server: IngestServer;
  readonly port: number;
  readonly sink: FakeSink;
  readonly health: Health;
  readonly logged: Record<string, unknown>[];
  /** The value of one sample at `/metrics`, such as `bid_requests_total{outcome="accepted"}`. */
  metric(sample: string): Promise<number>;
  stop(): Promise<void>;
}

/** The real server on a free port, with a producer whose delivery reports the test gives. */
export async function startTestServer(overrides: Partial<IngestServerConfig> = {}): Promise<TestServer> {
  const sink = new FakeSink();
  const metrics = new Metrics('ingest', 'test');
  const health = new Health();
  health.started();
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) });
  const config: IngestServerConfig = {
    bindHost: '127.0.0.1',
    ingestPort: 0,
    sharedPort: false,
    maxBodyBytes: 262_144,
    bodyMemoryMaxBytes: 67_108_864,
    maxInFlight: 1000,
    ackTimeoutMs: 2000,
    bidRequestsTopic: 'bid_requests',
    logSampleRate: 1,
    logMaxPerSecond: 100_000,
    ...overrides,
  };
  const server = await createIngestServer({ config, producer: sink, log, metrics, health });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= server.stop();
    return stopped;
  };
  const metric = async (sample: string): Promise<number> => {
    const text = await metrics.registry.metrics();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `));
    if (line === undefined) throw new Error(`no sample ${sample} in\n${text}`);
    return Number(line.slice(sample.length + 1));
  };
  return { server, port: server.port, sink, health, logged, metric, stop };
}

/** A small valid request in the short form. */
export function validBody(id = 'req-1', extra: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id,
    user: { id: 'user-1' },
    site: { domain: 'news.example' },
    ad_slots: [{ id: 'top', w: 300, h: 250 }],
    ...extra,
  });
}

/** Waits until `holds`, looking every few milliseconds; the test's own time limit is the bound. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
}
