import type { FastifyInstance } from 'fastify';
import { parameterProblem } from './parameters.js';

/**
 * Refuses a number that is not finite in any query parameter. The validator turns `1e400` into an infinity, and then leaves out the
 * bounds of the schema: they hold for finite numbers only.
 */
export function refuseInfinities(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('preHandler', async (request) => {
    for (const [name, value] of Object.entries(request.query as Record<string, unknown>)) {
      if (typeof value === 'number' && !Number.isFinite(value)) throw parameterProblem(name, 'must be a finite number.');
    }
  });
}
