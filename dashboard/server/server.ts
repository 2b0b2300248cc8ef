import { access } from 'node:fs/promises';
import { join, sep } from 'node:path';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import { portTaken } from '@helios/runtime/admin-server';
import { HeliosError } from '@helios/runtime/errors';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';

/**
 * Serves the dashboard: the built page, its hashed assets, and `/config.json`, by which the page learns at run time where the API is.
 * It holds no data and passes nothing on: a path it does not know is a 404, below `/api/` too.
 */

const allowedMethods: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const ONE_YEAR_S = 31_536_000;

export interface DashboardOptions {
  /** Folder of the built page. */
  readonly clientFolder: string;
  /** Scheme, host and port of the API, or `same-origin`. */
  readonly analyticsApiUrl: string;
  readonly answered: (status: number, seconds: number) => void;
}

/**
 * Builds the server; the caller listens and closes.
 * @throws HeliosError CONFIG_INVALID when the page was not built.
 */
export async function buildDashboard(options: DashboardOptions): Promise<FastifyInstance> {
  const { clientFolder, answered } = options;
  const apiUrl = options.analyticsApiUrl === 'same-origin' ? '' : options.analyticsApiUrl;
  try {
    await access(join(clientFolder, 'index.html'));
  } catch (error) {
    throw new HeliosError(
      'CONFIG_INVALID',
      `The dashboard's page is not built (${clientFolder}): run npm run build.`,
      { clientFolder },
      error,
    );
  }

  const app = Fastify({ logger: false });
  app.addHook('onRequest', async (request, reply) => {
    if (allowedMethods.has(request.method)) return undefined;
    return sendProblem(reply, 405, 'Method not allowed', request.url, { allow: 'GET, HEAD', connection: 'close' });
  });
  app.addHook('onResponse', async (_request, reply) => answered(reply.statusCode, reply.elapsedTime / 1000));
  await app.register(helmet, securityHeaders(apiUrl));
  app.route({
    method: 'GET',
    url: '/config.json',
    handler: (_request, reply) => reply.header('cache-control', 'no-cache').send({ analyticsApiUrl: apiUrl }),
  });
  await app.register(fastifyStatic, {
    root: clientFolder,
    wildcard: false,
    preCompressed: true,
    cacheControl: false,
    // Assets carry a hash of their content in their name; the page that names them must be asked for anew.
    setHeaders: (reply, path) => {
      const hashed = path.includes(`${sep}assets${sep}`);
      void reply.header('cache-control', hashed ? `public, max-age=${ONE_YEAR_S}, immutable` : 'no-cache');
    },
  });
  app.setNotFoundHandler((request, reply) => sendProblem(reply, 404, 'Not found', request.url));
  return app;
}

/** Listens; port 0 takes a free one. @throws HeliosError PORT_TAKEN naming DASHBOARD_PORT. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') throw portTaken(host, port, 'DASHBOARD_PORT', code);
    throw error;
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Scripts and styles from here only, none inline; data from here and the API. TLS and its headers are the gateway's. */
function securityHeaders(apiUrl: string) {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: apiUrl === '' ? ["'self'"] : ["'self'", apiUrl],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: false,
  };
}

function sendProblem(reply: FastifyReply, status: number, title: string, url: string, headers: Record<string, string> = {}): FastifyReply {
  const [instance] = url.split('?', 1);
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify({ type: 'about:blank', title, status, instance }));
}
