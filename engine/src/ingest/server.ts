import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Health, listen as listenOnNode, portTaken } from '@helios/runtime/admin-server';
import { HeliosError, messageOf } from '@helios/runtime/errors';
import { type Logger, LogSampler } from '@helios/runtime/log';
import type { Metrics } from '@helios/runtime/metrics';
import type { us_listen_socket } from 'uWebSockets.js';
import { IngestMetrics } from './ingest-metrics.js';
import { type BidRequestSink, Intake } from './intake.js';
import { problems } from './problem.js';
import type { IngestConfig } from './settings.js';
import { IngestWatch } from './watch.js';

/**
 * The HTTP server of ingest on uWebSockets.js: `POST /bid` and nothing else. The only file that knows the library.
 *
 * It registers the abort handler before all else, never touches a response after its abort, and writes every answer in one cork.
 * uWebSockets.js itself closes connections that are idle or too slow (10 to 12 s) and those that send a second request before the first
 * is answered.
 */

export type IngestServerConfig = Pick<
  IngestConfig,
  | 'bindHost'
  | 'ingestPort'
  | 'sharedPort'
  | 'maxBodyBytes'
  | 'bodyMemoryMaxBytes'
  | 'maxInFlight'
  | 'ackTimeoutMs'
  | 'bidRequestsTopic'
  | 'logSampleRate'
  | 'logMaxPerSecond'
>;

export interface IngestServerOptions {
  readonly config: IngestServerConfig;
  readonly producer: BidRequestSink;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
}

export interface IngestServer {
  /** The port listened on; tells what port 0 became. */
  readonly port: number;
  /**
   * Stops listening, answers what is in flight (bounded by the ack timeout), flushes and closes the producer, closes all connections.
   * Meanwhile new requests on kept connections are answered 503 and their connections closed.
   */
  stop(): Promise<void>;
}

const SWEEP_INTERVAL_MS = 25;
const WATCH_INTERVAL_MS = 1000;
/** Reports are expected within the ack timeout, which is the producer's own limit, and a little after. */
const REPORT_GRACE_MS = 500;
const FLUSH_LIMIT_MS = 2000;
const POLL_INTERVAL_MS = 5;

/**
 * Starts the server.
 * @throws HeliosError NATIVE_MODULE_MISSING, PORT_TAKEN, or CONFIG_INVALID when BIND_HOST cannot be bound.
 */
export async function createIngestServer(options: IngestServerOptions): Promise<IngestServer> {
  const { config, producer, log, metrics, health } = options;
  const uws = await loadUws();
  const counts = new IngestMetrics();
  const sampler = new LogSampler(config.logSampleRate, config.logMaxPerSecond);
  const intake = new Intake({ ...config, topic: config.bidRequestsTopic, producer, counts, sampler, log });
  const { admission, bodyMemory } = intake;
  const app = routes(uws.App(), intake);
  const listening = await listen(app, config);
  counts.register(metrics, {
    inFlight: () => admission.inFlight,
    inFlightMax: config.maxInFlight,
    bodyMemoryBytes: () => bodyMemory.usedBytes,
    bodyMemoryMaxBytes: config.bodyMemoryMaxBytes,
    sampler,
  });

  const watch = new IngestWatch(health, log);
  const look = () => watch.tick(producer.brokerSilenceMs(), counts.requests);
  look();
  const timers = [setInterval(() => admission.sweep(performance.now()), SWEEP_INTERVAL_MS), setInterval(look, WATCH_INTERVAL_MS)];

  const stop = async (): Promise<void> => {
    intake.stopping = true;
    uws.us_listen_socket_close(listening);
    const limitMonoMs = performance.now() + config.ackTimeoutMs + REPORT_GRACE_MS;
    while (admission.inFlight > 0 && performance.now() < limitMonoMs) await delay(POLL_INTERVAL_MS);
    await producer.close(FLUSH_LIMIT_MS);
    for (const timer of timers) clearInterval(timer);
    if (admission.inFlight > 0) log.warn({ in_flight: admission.inFlight }, 'ingest stopped before all events were reported');
    app.close();
  };
  return { port: uws.us_socket_local_port(listening), stop };
}

type Uws = Awaited<ReturnType<typeof loadUws>>;
type App = ReturnType<Uws['App']>;

/** Imported late, so that a build that does not load on this system is one sentence and not a stack trace. */
async function loadUws() {
  try {
    return (await import('uWebSockets.js')).default;
  } catch (error) {
    const first = messageOf(error).trim().split('\n').at(-1) ?? '';
    throw new HeliosError(
      'NATIVE_MODULE_MISSING',
      `uWebSockets.js did not load (${first}). It needs glibc 2.27 on Node 20 and glibc 2.38 on Node 22 and 24, and has no build for musl; this is Node ${process.version} on ${process.platform} ${process.arch}.`,
      { module: 'uWebSockets.js' },
      error,
    );
  }
}

function routes(app: App, intake: Intake): App {
  app.post('/bid', (response, request) => intake.begin(response, request));
  app.any('/bid', (response, request) => {
    intake.refuseHead(response, problems.methodNotAllowed, performance.now(), request.getMethod() === 'head');
  });
  app.any('/*', (response, request) => {
    intake.refuseHead(response, problems.notFound, performance.now(), request.getMethod() === 'head');
  });
  return app;
}

/** `listen` with options, which the library has and its types lack. */
interface Listener {
  listen(host: string, port: number, options: number, listening: (token: us_listen_socket | false) => void): void;
}

/** LIBUS_LISTEN_DEFAULT and LIBUS_LISTEN_EXCLUSIVE_PORT of uSockets. */
const LISTEN_SHARED = 0;
const LISTEN_EXCLUSIVE = 1;

async function listen(app: App, config: IngestServerConfig): Promise<us_listen_socket> {
  // Without the exclusive option uWebSockets.js sets SO_REUSEPORT, and a stale process would silently share the port.
  const token = await new Promise<us_listen_socket | false>((resolve) => {
    (app as unknown as Listener).listen(config.bindHost, config.ingestPort, config.sharedPort ? LISTEN_SHARED : LISTEN_EXCLUSIVE, resolve);
  });
  if (token !== false) return token;
  app.close();
  throw await whyNot(config.bindHost, config.ingestPort);
}

/** uWebSockets.js does not say why it cannot listen; Node's own listener does. */
async function whyNot(host: string, port: number): Promise<Error> {
  const probe = createServer();
  try {
    await listenOnNode(probe, host, port, 'INGEST_PORT');
    await new Promise((resolve) => probe.close(resolve));
    return portTaken(host, port, 'INGEST_PORT');
  } catch (error) {
    if (error instanceof HeliosError) return error;
    return new HeliosError(
      'CONFIG_INVALID',
      `BIND_HOST is ${JSON.stringify(host)}: it cannot be bound (${messageOf(error)}).`,
      { host },
      error,
    );
  }
}
