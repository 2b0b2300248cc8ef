import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Server as SocketServer } from 'node:net';
import { HeliosError } from './errors.js';
import type { Metrics } from './metrics.js';

/**
 * Whether a service may be given work: ready when no reason speaks against it.
 * Reasons are kept by name, so several parts of a service speak for themselves.
 */
export class Health {
  readonly #reasons = new Map<string, string>();

  constructor(startingReason = 'starting') {
    this.#reasons.set('start', startingReason);
  }

  /** Sets or clears (`null`) one part's reason not to be ready. */
  set(part: string, reason: string | null): void {
    if (reason === null) this.#reasons.delete(part);
    else this.#reasons.set(part, reason);
  }

  started(): void {
    this.#reasons.delete('start');
  }

  get reasons(): string[] {
    return [...this.#reasons].map(([part, reason]) => `${part}: ${reason}`);
  }

  get ready(): boolean {
    return this.#reasons.size === 0;
  }
}

/** Time for the head and for the whole of a request; Node looks at connections every 30 s unless it is told otherwise. */
const limits = { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000, maxHeaderSize: 16_384 };
const CONNECTIONS_MAX = 100;
/** Requests on one connection, which is then closed: pipelined ones are all begun at once, and reading the metrics costs milliseconds each. */
const CONNECTION_REQUESTS_MAX = 10;
/** Node counts it twice for a client that does not take what is being sent. */
const SILENCE_MAX_MS = 5000;

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/healthz` (the event loop turns), `/readyz` (200, or 503 with the reasons) and `/metrics` (Prometheus text).
 * @throws HeliosError PORT_TAKEN when the port is in use.
 */
export async function startAdminServer(options: { host: string; port: number; health: Health; metrics: Metrics }): Promise<AdminServer> {
  const { registry } = options.metrics;
  let reading: Promise<string> | undefined;
  /** Readings that are asked for at the same time are one. */
  const metricsText = (): Promise<string> => (reading ??= registry.metrics().finally(() => (reading = undefined)));
  const server = createServer(limits, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, 'text/plain', 'Only GET is served here.\n', { allow: 'GET, HEAD' });
    if (path === '/healthz') return answer(response, 200, 'application/json', '{"status":"alive"}\n');
    if (path === '/readyz') return answerReady(response, options.health);
    if (path === '/metrics') return void answerMetrics(response, registry.contentType, metricsText());
    return answer(response, 404, 'text/plain', 'Served here: /healthz, /readyz, /metrics.\n');
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.maxRequestsPerSocket = CONNECTION_REQUESTS_MAX;
  // A client that takes or sends nothing for so long, such as one that does not read its answer, gives its connection back.
  server.setTimeout(SILENCE_MAX_MS);
  const port = await listen(server, options.host, options.port, 'ADMIN_PORT');
  return { port, close: () => closeServer(server) };
}

/**
 * Listens, and names the variable to change when the port is taken. Port 0 takes a free one.
 * @returns the port listened on.
 */
export function listen(server: SocketServer, host: string, port: number, variable: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' || error.code === 'EACCES' ? portTaken(host, port, variable, error.code) : error);
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

export function portTaken(host: string, port: number, variable: string, why = 'EADDRINUSE'): HeliosError {
  const reason = why === 'EACCES' ? 'may not be bound by this user' : 'is taken by another process';
  return new HeliosError('PORT_TAKEN', `${host}:${port} ${reason}. Stop that process, or set ${variable} to a free port.`, {
    host,
    port,
    variable,
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function answerReady(response: ServerResponse, health: Health): void {
  const body = JSON.stringify(health.ready ? { status: 'ready' } : { status: 'not ready', reasons: health.reasons });
  answer(response, health.ready ? 200 : 503, 'application/json', `${body}\n`);
}

async function answerMetrics(response: ServerResponse, type: string, text: Promise<string>): Promise<void> {
  try {
    answer(response, 200, type, await text);
  } catch (error) {
    answer(response, 500, 'text/plain', `The metrics could not be read: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers });
  response.end(body);
}
