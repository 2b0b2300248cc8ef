import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiUnderTest, startApi } from './api-under-test.js';
import { ask } from './http-client.js';

let api: ApiUnderTest;
beforeAll(async () => {
  const absent = () => Promise.reject(new Error('the page needs no database'));
  api = await startApi({ query: absent, pool: () => ({ open: 0, idle: 0, waiting: 0 }), close: () => Promise.resolve() });
});
afterAll(() => api.app.close());

describe('the documentation page', () => {
  it.each(['/api/docs', '/api/docs/', '/api/analytics/docs', '/api/analytics/docs/'])('is served strictly at %s', async (path) => {
    const { statusCode, headers, body } = await ask(api.port, path);
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toContain('text/html');
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(policy).not.toMatch(/https?:|unsafe-eval|\*/);
    expect(body).not.toMatch(/https?:\/\/|<script(?![^>]* src=)/);
  });

  it.each(['/api', '/api/analytics'])('has the paths below %s in its JSON', async (prefix) => {
    const { value, headers } = await ask(api.port, `${prefix}/docs/json`);
    expect(headers['content-type']).toContain('application/json');
    const { paths } = value as { paths: Record<string, unknown> };
    expect(Object.keys(paths)).toContain(`${prefix}/outcomes/{bid_id}/`);
    for (const path of Object.keys(paths))
      expect(path.startsWith(`${prefix}/`) && path.includes('analytics') === prefix.includes('analytics')).toBe(true);
  });
});
