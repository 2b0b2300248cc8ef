import { loadConfig } from '@helios/runtime/config';
import { HeliosError } from '@helios/runtime/errors';
import { describe, expect, it } from 'vitest';
import { ingestFaults, ingestSettings } from '../../src/ingest/settings.js';

const load = (env: Record<string, string>) =>
  loadConfig({ service: 'ingest', schema: ingestSettings, env, knownVariables: [], check: ingestFaults });

function faults(env: Record<string, string>): string[] {
  try {
    load(env);
  } catch (error) {
    if (error instanceof HeliosError) return error.fields['faults'] as string[];
    throw error;
  }
  return [];
}

describe('settings of ingest', () => {
  it('have the defaults of the contract', () => {
    expect(load({})).toMatchObject({
      ingestPort: 8080,
      adminPort: 9101,
      bindHost: '127.0.0.1',
      maxBodyBytes: 262_144,
      maxInFlight: 20_000,
      ackTimeoutMs: 2000,
      sharedPort: false,
      readerGroupId: 'helios-bidder',
      bidRequestsTopic: 'bid_requests',
    });
  });

  it('name every fault at once', () => {
    const found = faults({ KAFKA_BROKERS: '', INGEST_PORT: 'http', INGEST_MAX_IN_FLIGHT: '-1', INGEST_ACK_TIMEOUT: '5' });
    expect(found).toHaveLength(4);
    expect(found.join('\n')).toMatch(/KAFKA_BROKERS[\s\S]*INGEST_PORT|INGEST_PORT[\s\S]*KAFKA_BROKERS/);
    expect(found.join('\n')).toContain('did you mean INGEST_ACK_TIMEOUT_MS?');
  });

  it.each<[Record<string, string>, string | null]>([
    [{ KAFKA_QUEUE_MAX_MESSAGES: '19999' }, 'KAFKA_QUEUE_MAX_MESSAGES'],
    [{ INGEST_MAX_IN_FLIGHT: '100001' }, 'INGEST_MAX_IN_FLIGHT'],
    [{ INGEST_MAX_BODY_BYTES: '921600', INGEST_BODY_MEMORY_MAX_BYTES: '1048576', KAFKA_QUEUE_MAX_KBYTES: '1024' }, null],
    [{ INGEST_PORT: '9101' }, 'ADMIN_PORT'],
    [{ KAFKA_SECURITY_PROTOCOL: 'sasl_ssl' }, 'KAFKA_SASL_USERNAME'],
  ])('%j is refused for %s', (env, named) => {
    const found = faults(env).join('\n');
    if (named === null) expect(found).toBe('');
    else expect(found).toContain(named);
  });
});
