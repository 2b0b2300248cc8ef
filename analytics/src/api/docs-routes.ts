import swaggerUi from '@fastify/swagger-ui';
import type { FastifyPluginAsync } from 'fastify';
import { belowGateway, GATEWAY_PREFIX } from './openapi.js';

/**
 * `GET docs` (a page of Swagger UI) and `GET docs/json` (the OpenAPI document), below whatever prefix they are registered. Nothing comes from
 * another host, and no script stands in the page.
 */

/** The page's own styles are set by its script, as attributes: no hash can name them. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const docsRoutes: FastifyPluginAsync = async (app) => {
  const isGateway = `${app.prefix}/` === GATEWAY_PREFIX;
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // The links of the page are absolute: they need the whole prefix.
    indexPrefix: app.prefix,
    staticCSP: CONTENT_SECURITY_POLICY,
    theme: { title: 'Helios analytics API' },
    // The validator would be another host.
    uiConfig: { validatorUrl: null, layout: 'BaseLayout', deepLinking: true, displayOperationId: true },
    ...(isGateway ? { transformSpecification: belowGateway } : {}),
  });
};
