import { createHash, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Logger } from '@helios/runtime/log';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { DatabaseState } from '../database-state.js';
import type { Database } from '../db.js';
import type { ApiMetrics } from './api-metrics.js';
import { failFast } from './fail-fast.js';
import { outcomesRoutes } from './outcomes-routes.js';
import { problem, type Problem, PROBLEM_TYPE, problemBody, problemOf, RequestProblem, sendProblem } from './problem.js';
import { statsRoutes } from './stats-routes.js';

/**
 * The read-only API over the stored outcomes: everything below `/api/` answers below `/api/analytics/` too.
 * It writes nothing, it answers every fault as problem+json, and it says nothing of the database's own errors. Source: spec section 2.7.
 */

/** A bid_id of 1025 bytes with each byte percent-encoded, and room. */
const PARAM_MAX_LENGTH = 4096;
const ALLOWED = 'GET, HEAD, OPTIONS';
const allowedMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const PREFLIGHT_MAX_AGE_S = 7200;
const RATE_WINDOW_MS = 1000;
/** Client addresses remembered; the one longest unseen is forgotten first. */
const RATE_LIMIT_CLIENTS_MAX = 10_000;

export interface ApiOptions {
  readonly database: Database;
  readonly state: DatabaseState;
  readonly metrics: ApiMetrics;
  /** Requests per second and client address; 0: no limit. */
  readonly rateLimitPerSecond: number;
  readonly corsOrigins: readonly string[];
  readonly log: Logger;
}

/** Builds the server; the caller listens and closes. */
export async function buildApi(options: ApiOptions): Promise<FastifyInstance> {
  const { database, state, metrics, log } = options;
  const app = Fastify({
    logger: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PARAM_MAX_LENGTH },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // A misspelt parameter must not be dropped in silence, and one given twice is no list.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: true } },
    genReqId: () => randomUUID(),
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, pathProblem(error.code)),
  }).withTypeProvider<TypeBoxTypeProvider>();

  // First, so that a page of another origin can read the faults too.
  await app.register(cors, {
    origin: [...options.corsOrigins],
    methods: ['GET', 'HEAD'],
    exposedHeaders: ['etag', 'retry-after', 'x-request-id'],
    maxAge: PREFLIGHT_MAX_AGE_S,
    strictPreflight: false,
  });
  app.addHook('onResponse', async (_request, reply) => metrics.answered(reply.statusCode, reply.elapsedTime / 1000));
  addHooks(app);
  await app.register(rateLimit, {
    // Off is a limit that no client reaches: the not-found handler below takes part either way.
    max: options.rateLimitPerSecond === 0 ? Number.MAX_SAFE_INTEGER : options.rateLimitPerSecond,
    timeWindow: RATE_WINDOW_MS,
    cache: RATE_LIMIT_CLIENTS_MAX,
    enableDraftSpec: true,
    onExceeded: () => {
      metrics.limited++;
    },
    errorResponseBuilder: () =>
      new RequestProblem(problem(429, 'Too many requests from this address.', { headers: { 'retry-after': '1' } })),
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof RequestProblem) return sendProblem(request, reply, error.fault);
    const { fault, logged } = problemOf(error, state, parametersOf(request));
    if (logged)
      log.error({ requestId: request.id, path: request.routeOptions.url, err: error.message, stack: error.stack }, 'request failed');
    return sendProblem(request, reply, fault);
  });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
    sendProblem(request, reply, problem(404, 'Nothing is served here. Try /api/outcomes/.')),
  );

  const guarded = failFast(database, state);
  const answered = (): void => state.succeeded();
  for (const prefix of ['/api', '/api/analytics']) {
    await app.register(outcomesRoutes(guarded, answered), { prefix });
    await app.register(statsRoutes(guarded, answered), { prefix });
  }
  return app;
}

/** The query parameters that the route of `request` takes. */
function parametersOf(request: FastifyRequest): string[] {
  const query = request.routeOptions.schema?.querystring as { readonly properties?: object } | undefined;
  return Object.keys(query?.properties ?? {});
}

/** A path that cannot be read never reaches a route. An id longer than any bid_id is not there; the rest is no valid percent-encoding. */
function pathProblem(code: string): Problem {
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return problem(404, 'There is no outcome with this bid_id.');
  return problem(400, 'The path is not valid percent-encoded text.');
}

function addHooks(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    });
    if (!allowedMethods.has(request.method)) {
      return sendProblem(request, reply, problem(405, 'This API is read-only.', { headers: { allow: ALLOWED, connection: 'close' } }));
    }
    return undefined;
  });
  // Outcomes never change, so a page's bytes tell whether there is news; the query runs either way.
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const etag = `"${createHash('sha1').update(payload).digest('base64url')}"`;
    reply.headers({ etag, 'cache-control': 'private, no-cache' });
    if (!matches(request.headers['if-none-match'], etag)) return payload;
    reply.code(304).removeHeader('content-length').removeHeader('content-type');
    return null;
  });
}

/** Weak comparison, as RFC 9110 has it for If-None-Match. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag || candidate.trim() === '*');
}

/** What is not HTTP, or too large a head: Fastify has no request to answer, so the socket is written to. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const fault =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? problem(431, 'The head of the request is too large.')
      : problem(400, 'This is not a valid HTTP request.');
  const body = problemBody(fault, randomUUID(), '');
  socket.end(
    `HTTP/1.1 ${fault.status} ${fault.title}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
