import { expect, it } from 'vitest';
import { extract, type OpenApiDocument } from '../../src/manifests/schema-extract.js';
import { schemaFaults } from '../../src/manifests/schema.js';

const reference = (name: string) => ({ allOf: [{ $ref: `#/components/schemas/${name}` }], description: 'for people' });
const document: OpenApiDocument = {
  components: {
    schemas: {
      Job: {
        type: 'object',
        properties: {
          apiVersion: { type: 'string' },
          kind: { type: 'string' },
          metadata: { type: 'object' },
          spec: reference('Spec'),
          status: reference('Status'),
        },
        'x-kubernetes-group-version-kind': [{ group: 'batch', version: 'v1', kind: 'Job' }],
      },
      Spec: {
        type: 'object',
        required: ['port'],
        properties: {
          port: reference('Port'),
          policy: { type: 'string', enum: ['Always', 'Never'] },
          labels: { type: 'object', additionalProperties: { type: 'string' } },
          steps: { type: 'array', items: reference('Spec') },
        },
      },
      Port: { oneOf: [{ type: 'integer' }, { type: 'string' }] },
      Status: { type: 'object' },
      Unused: { type: 'object' },
    },
  },
};
const schemas = extract([document], ['batch/v1/Job'], '9.9');
const job = (spec: unknown) => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec });

it('keeps the kinds that are asked for and what they refer to, without what only people read', () => {
  expect(Object.keys(schemas.definitions)).toEqual(['Job', 'Port', 'Spec']);
  expect(JSON.stringify(schemas)).not.toContain('for people');
});

it('refuses a kind that is in none of the documents', () => {
  expect(() => extract([document], ['v1/Pod'], '9.9')).toThrow('Kubernetes 9.9 has no v1/Pod.');
});

it.each([
  [{ port: 80 }, []],
  [{ port: 'http', policy: 'Never', labels: { a: 'b' }, steps: [{ port: 1 }] }, []],
  [{}, ['Job/j: spec.port is missing']],
  [{ port: true }, ['Job/j: spec.port must be of type integer or string']],
  [{ port: 1.5 }, ['Job/j: spec.port must be of type integer or string']],
  [{ port: 80, policy: 'Sometimes' }, ['Job/j: spec.policy must be one of Always, Never']],
  [{ port: 80, labels: { a: 1 } }, ['Job/j: spec.labels.a must be of type string']],
  [{ port: 80, prot: 1 }, ['Job/j: spec.prot is no field that Kubernetes 9.9 knows']],
  [
    { port: 80, steps: [{ port: 1 }, { porch: 2 }] },
    ['Job/j: spec.steps[1].port is missing', 'Job/j: spec.steps[1].porch is no field that Kubernetes 9.9 knows'],
  ],
  [{ port: 80, steps: {} }, ['Job/j: spec.steps must be of type array']],
])('judges %j', (spec, faults) => {
  expect(schemaFaults(job(spec), schemas)).toEqual(faults);
});
