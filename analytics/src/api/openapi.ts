import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { problemCodes, problemTable } from './problem-table.js';

/**
 * The OpenAPI 3.1 document of the API, made from the schemas of whatever routes are registered. What every route shares is added here:
 * 304, and the faults as RFC 9457 problem details.
 */

/** Checked against package.json by a test. */
export const API_VERSION = '0.1.0';
const PREFIX = '/api/';
/** Everything below `PREFIX` answers here too; the document has each route once. */
export const GATEWAY_PREFIX = '/api/analytics/';
/** Answered before a route is found, so part of no operation: described in the text. */
const outsideOfOperations: readonly string[] = ['405', '408', '431'];

const text = (description: string, examples: readonly unknown[]) => ({ type: 'string', description, examples: [...examples] });

const problemDetails = {
  type: 'object',
  description: 'A fault (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'instance', 'request_id'],
  properties: {
    type: text('Always about:blank: the status says what kind of fault it is', ['about:blank']),
    title: text('The name of the status', ['Invalid request']),
    status: { type: 'integer', description: 'The HTTP status', examples: [400] },
    detail: text('What is wrong with this request, in a sentence', ['limit must be an integer from 1 to 500; only CSV takes more.']),
    instance: text('The path of the request', ['/api/outcomes/']),
    request_id: text('Also in the header x-request-id; the log has a fault of ours under it', ['5f0c6b9e-2b53-4d0e-9c0e-0d4c4f6a1b7d']),
    code: {
      type: 'string',
      enum: Object.keys(problemCodes),
      description: 'Which of the faults with this status, where a program must tell them apart',
    },
    errors: {
      type: 'array',
      description: 'What is wrong, by parameter',
      items: {
        type: 'object',
        required: ['parameter', 'detail'],
        properties: {
          parameter: text('Its name', ['limit']),
          detail: text('What would be right', ['must be an integer from 1 to 500; only CSV takes more.']),
        },
      },
    },
  },
} as const;

const description = `Auction outcomes and their statistics, read-only. Times are RFC 3339, ranges half-open: \`since\` <= t < \`until\`. Prices are USD CPM with at most six places.
Everything below \`/api/\` answers below \`/api/analytics/\` too. Every answer has \`x-request-id\`; a 200 of JSON has an \`ETag\` for \`If-None-Match\`.
Before a route is found a request can be answered ${outsideOfOperations.join(', ')}, also as problem details. docs/api.md has examples.`;

type Operation = { responses: Record<string, unknown> };

/** Registers the generator; routes registered later are in the document, those below the gateway's prefix are not. */
export async function registerOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Helios analytics API',
        version: API_VERSION,
        description,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'The server that this document came from' }],
      tags: [
        { name: 'outcomes', description: 'What became of each bid' },
        { name: 'statistics', description: 'Figures over a range of time' },
      ],
    },
    transform: ({ schema, url }) => ({ schema: url.startsWith(GATEWAY_PREFIX) ? { ...schema, hide: true } : schema, url }),
    transformObject: (made) => {
      if (!('openapiObject' in made)) throw new Error('the document is not OpenAPI 3');
      const { openapiObject } = made;
      for (const [path, item] of Object.entries(openapiObject.paths ?? {})) {
        for (const operation of Object.values(item as Record<string, Operation>)) addShared(operation, path);
      }
      const components = { schemas: { ProblemDetails: problemDetails }, responses: problemResponses() };
      return { ...openapiObject, components } as unknown as typeof openapiObject;
    },
  });
}

/** The document with its paths below the gateway's prefix. */
export function belowGateway<T extends { paths?: object }>(document: T): T {
  const paths = Object.entries(document.paths ?? {}).map(([path, item]) => [path.replace(PREFIX, GATEWAY_PREFIX), item as unknown]);
  return { ...document, paths: Object.fromEntries(paths) };
}

function addShared(operation: Operation, path: string): void {
  operation.responses['304'] = { description: 'Not modified: the answer is the one that If-None-Match names' };
  for (const status of Object.keys(problemTable)) {
    if (outsideOfOperations.includes(status) || (status === '404' && !path.includes('{'))) continue;
    operation.responses[status] ??= { $ref: `#/components/responses/${status}` };
  }
}

function problemResponses(): Record<string, unknown> {
  const responses = Object.entries(problemTable).map(([status, { title, when, mend }]) => [
    status,
    {
      description: `${title}. ${when} ${mend}`,
      headers: {
        'x-request-id': { description: 'Identity of the request', schema: { type: 'string' } },
        ...(status === '429' || status === '503' ? { 'retry-after': { description: 'Seconds to wait', schema: { type: 'integer' } } } : {}),
      },
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDetails' } } },
    },
  ]);
  return Object.fromEntries(responses) as Record<string, unknown>;
}
