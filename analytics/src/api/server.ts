import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Logger } from '@helios/runtime/log';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { DatabaseState } from '../database-state.js';
import type { Database } from '../db.js';
import { addAnswerHeaders } from './answer-headers.js';
import { type ApiMetrics, apiRouteOf } from './api-metrics.js';
import { answerClientError, pathProblem } from './client-errors.js';
import { docsRoutes } from './docs-routes.js';
import { failFast } from './fail-fast.js';
import { refuseInfinities } from './finite-parameters.js';
import { type ExportLimits, OutcomeExports } from './outcome-exports.js';
import { registerOpenApi } from './openapi.js';
import { outcomesRoutes } from './outcomes-routes.js';
import { problem, problemOf, RequestProblem, sendProblem } from './problem.js';
import { statsRoutes } from './stats-routes.js';

/**
 * The read-only API over the stored outcomes: everything below `/api/` answers below `/api/analytics/` too.
 * It writes nothing, it answers every fault as problem+json, and it says nothing of the database's own errors. Source: spec section 2.7.
 */

/** A bid_id of 1025 bytes with each byte percent-encoded, and room. */
const PARAM_MAX_LENGTH = 4096;
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
  readonly exports: ExportLimits;
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
  app.addHook('onRequest', async () => {
    metrics.inFlight++;
  });
  app.addHook('onResponse', async (request, reply) => {
    metrics.inFlight--;
    const { operationId } = (request.routeOptions.schema ?? {}) as { readonly operationId?: string };
    metrics.answered(apiRouteOf(operationId, reply.getHeader('content-type')), reply.statusCode, reply.elapsedTime / 1000);
  });
  addAnswerHeaders(app);
  refuseInfinities(app);
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
  const outcomeExports = new OutcomeExports(guarded, state, metrics, options.exports);
  app.addHook('preClose', async () => outcomeExports.stop());
  const answered = (): void => state.succeeded();
  await registerOpenApi(app);
  for (const prefix of ['/api', '/api/analytics']) {
    await app.register(outcomesRoutes(guarded, outcomeExports, answered), { prefix });
    await app.register(statsRoutes(guarded, answered), { prefix });
    await app.register(docsRoutes, { prefix });
  }
  return app;
}

/** The query parameters that the route of `request` takes. */
function parametersOf(request: FastifyRequest): string[] {
  const query = request.routeOptions.schema?.querystring as { readonly properties?: object } | undefined;
  return Object.keys(query?.properties ?? {});
}
