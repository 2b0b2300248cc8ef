/**
 * What Helios reads of a bid request, of either shape, as a JSON schema for Fastify's ajv: types and bounds, not the structural rules of
 * OpenRTB nor unique ids, which a schema of this kind says badly and ajv checks slowly. Source: spec section 2.2.
 */
const id = { type: 'string', minLength: 1, maxLength: 256 } as const;
const size = { type: 'integer', minimum: 0 } as const;
const price = { type: 'number', minimum: 0 } as const;

const slot = { type: 'object', required: ['id'], properties: { id, w: size, h: size, floor: price } } as const;
const format = { type: 'object', properties: { w: size, h: size } } as const;
const banner = { type: 'object', properties: { w: size, h: size, format: { type: 'array', items: format } } } as const;
const impression = {
  type: 'object',
  required: ['id'],
  properties: { id, banner, video: { type: 'object' }, bidfloor: price, bidfloorcur: { type: 'string' } },
} as const;
const domain = { type: 'string', maxLength: 255 } as const;
const user = {
  type: 'object',
  properties: { id: { type: 'string', maxLength: 256 }, buyeruid: { type: 'string', maxLength: 256 } },
} as const;

export const bidRequestSchema = {
  type: 'object',
  required: ['id'],
  oneOf: [{ required: ['ad_slots'] }, { required: ['imp'] }],
  properties: {
    id,
    ad_slots: { type: 'array', minItems: 1, maxItems: 100, items: slot },
    imp: { type: 'array', minItems: 1, maxItems: 100, items: impression },
    site: { type: 'object', properties: { domain } },
    app: { type: 'object', properties: { bundle: domain } },
    user,
    at: { type: 'integer' },
    tmax: { type: 'number', minimum: 0 },
    test: { type: 'integer' },
    cur: { type: 'array', items: { type: 'string' } },
  },
} as const;
