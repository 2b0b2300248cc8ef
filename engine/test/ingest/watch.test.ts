import { Health } from '@helios/runtime/admin-server';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { IngestMetrics } from '../../src/ingest/ingest-metrics.js';
import { BROKER_SILENCE_MAX_MS, IngestWatch } from '../../src/ingest/watch.js';

function watched() {
  const lines: Record<string, unknown>[] = [];
  const health = new Health();
  health.started();
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  const watch = new IngestWatch(health, log);
  const { requests } = new IngestMetrics();
  return { watch, health, requests, lines, messages: () => lines.map((line) => line['msg']) };
}

describe('readiness of ingest', () => {
  it('waits for the first metadata, ends after 10 s without a live broker, and comes back by itself', () => {
    const { watch, health, requests, messages } = watched();
    expect(health.ready).toBe(false);
    watch.tick(Number.POSITIVE_INFINITY, requests);
    expect(health.reasons).toEqual(['broker: no broker has answered yet']);
    watch.tick(0, requests);
    expect(health.ready).toBe(true);
    watch.tick(BROKER_SILENCE_MAX_MS, requests);
    expect(health.ready).toBe(true);
    watch.tick(BROKER_SILENCE_MAX_MS + 1, requests);
    watch.tick(BROKER_SILENCE_MAX_MS + 1001, requests);
    expect(health.ready).toBe(false);
    expect(messages()).toEqual(['broker lost']);
    watch.tick(20, requests);
    watch.tick(20, requests);
    expect(health.ready).toBe(true);
    expect(messages()).toEqual(['broker lost', 'broker is back']);
  });
});

describe('the log of refusals', () => {
  it('has one line when they begin and one when they have ended, with the counts', () => {
    const { watch, requests, lines, messages } = watched();
    watch.tick(0, requests);
    requests.accepted += 100;
    requests.invalid += 7;
    watch.tick(0, requests);
    expect(messages()).toEqual([]);
    requests.overloaded += 3;
    watch.tick(0, requests);
    requests.overloaded += 4;
    requests.ack_timeout += 2;
    watch.tick(0, requests);
    for (let tick = 0; tick < 4; tick++) watch.tick(0, requests);
    expect(messages()).toEqual(['bid requests are being refused']);
    expect(lines[0]).toMatchObject({ overloaded: 3, ack_timeout: 0, ack_failed: 0, no_broker: 0 });
    watch.tick(0, requests);
    expect(messages()).toEqual(['bid requests are being refused', 'bid requests are taken again']);
    expect(lines[1]).toMatchObject({ overloaded: 7, ack_timeout: 2, ack_failed: 0, no_broker: 0 });
    for (let tick = 0; tick < 10; tick++) watch.tick(0, requests);
    expect(lines).toHaveLength(2);
  });

  it('is one episode while refusals come back before it is quiet', () => {
    const { watch, requests, messages } = watched();
    for (let episode = 0; episode < 5; episode++) {
      requests.ack_failed++;
      watch.tick(0, requests);
      watch.tick(0, requests);
    }
    expect(messages()).toEqual(['bid requests are being refused']);
  });
});
