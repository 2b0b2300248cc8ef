import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { problem, sendProblem } from './problem.js';

/** What every answer has: headers that keep browsers strict, 405 for what would write, and an entity tag. */

const ALLOWED = 'GET, HEAD, OPTIONS';
const allowedMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function addAnswerHeaders(app: Pick<FastifyInstance, 'addHook'>): void {
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
  // An answer's bytes tell whether there is news; the query runs either way.
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
