import { loadConfig } from '@helios/runtime/config';
import { describe, expect, it } from 'vitest';
import { apiFaults, apiSettings } from '../src/api/settings.js';
import { writerFaults, writerSettings } from '../src/writer/settings.js';

const writer = (env: Record<string, string>) =>
  loadConfig({ service: 'writer', schema: writerSettings, env, knownVariables: [], check: writerFaults });
const api = (env: Record<string, string>) =>
  loadConfig({ service: 'analytics-api', schema: apiSettings, env, knownVariables: [], check: apiFaults });

describe('the settings of analytics', () => {
  it('have defaults that work', () => {
    expect(writer({})).toMatchObject({ adminPort: 9105, retentionDays: 90, groupId: 'helios-analytics' });
    expect(writer({})).toMatchObject({ maintenanceIntervalMs: 60_000, removeBatchRows: 2000, removePauseMs: 100 });
    expect(api({})).toMatchObject({ adminPort: 9106, apiPort: 8000, corsOrigins: 'http://127.0.0.1:3000,http://localhost:3000' });
  });

  it('name every fault in one message, and never show the password', () => {
    const env = { WRITER_BATCH_MAX_MESSAGES: '-1', WRITER_LINGRE_MS: '5', DB_PORT: 'text', DB_TLS: 'maybe', DB_PASSWORD: 'hunter2' };
    expect(() => writer(env)).toThrow(/WRITER_BATCH_MAX_MESSAGES[^]*WRITER_LINGER_MS|WRITER_LINGER_MS[^]*WRITER_BATCH_MAX_MESSAGES/);
    expect(() => writer(env)).toThrow(/DB_PORT/);
    expect(() => writer(env)).toThrow(/DB_TLS/);
    expect(() => writer(env)).not.toThrow(/hunter2/);
  });

  it.each([
    [{ DB_TLS_CA: '/ca.pem' }, /DB_TLS=verify/],
    [{ WRITER_RETRY_MIN_MS: '6000' }, /WRITER_RETRY_MAX_MS/],
  ])('refuse what cannot work together: %j', (env, expected) => {
    expect(() => writer(env)).toThrow(expected);
  });

  it.each(['*', 'dash.example.com', 'https://a.example/', 'https://a.example, https://b.example', ''])(
    'refuse %j as an allow-list of origins',
    (origins) => {
      expect(() => api({ ANALYTICS_CORS_ORIGINS: origins })).toThrow(/ANALYTICS_CORS_ORIGINS/);
    },
  );
});
