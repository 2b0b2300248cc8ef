import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openApiText } from '../../src/api/openapi-document.js';
import { problemTable } from '../../src/api/problem-table.js';

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters: { name: string; description?: string }[];
  responses: Record<string, { description?: string; $ref?: string }>;
}
const document = JSON.parse(await openApiText()) as {
  openapi: string;
  info: { version: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: object; responses: object };
};
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, each]) => ({ path, method, each })),
);

describe('the OpenAPI document', () => {
  it('is 3.1, of the version of the package, and has each path once', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version } });
    expect(Object.keys(document.paths).filter((path) => !/^\/api\/(?!analytics\/)/.test(path))).toEqual([]);
    expect(Object.keys(document.components.responses)).toEqual(Object.keys(problemTable));
  });

  it('names, describes and tags every operation, and describes every parameter', () => {
    expect(new Set(operations.map(({ each }) => each.operationId)).size).toBe(operations.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { path, method, each } of operations) {
      expect(method).toBe('get');
      expect(each.summary, path).toBeTruthy();
      expect(tags).toEqual(expect.arrayContaining(each.tags));
      expect(each.parameters.filter(({ description }) => description === undefined)).toEqual([]);
    }
  });

  it('has the faults of every operation', () => {
    for (const { path, each } of operations) {
      for (const status of ['400', '429', '500', '503'])
        expect(each.responses[status], path).toEqual({ $ref: `#/components/responses/${status}` });
      expect(each.responses['200']?.description, path).not.toBe('Default Response');
      expect('404' in each.responses, path).toBe(path.includes('{'));
    }
  });
});
