import { createLogger } from '@helios/runtime/log';
import { EventProducer } from '@helios/runtime/kafka/producer';
import { Metrics } from '@helios/runtime/metrics';
import type { RunFacts } from '../../src/run-file.js';
import { kafkaConfigOf } from '../../src/topic-reader.js';

/** What the live test does to a running stack, beside its own traffic, so that every panel has something to show. */

const encoded = { 'content-encoding': 'br' };

/** Requests that ingest refuses, each for another reason. */
export async function refusedRequests(facts: RunFacts): Promise<number[]> {
  const bid = facts.addresses.bid;
  const requests: [string, RequestInit][] = [
    [bid, { method: 'POST', body: '{"id":' }],
    [bid, { method: 'POST', body: '{"id":"a1"}' }],
    [bid, { method: 'POST', body: 'x'.repeat(300 * 1024) }],
    [bid, { method: 'POST', body: '{}', headers: encoded }],
    [bid, { method: 'PUT', body: '{}' }],
    [bid.replace('/bid', '/nothing'), {}],
  ];
  return statuses(requests);
}

/** Every route of the API, well asked and badly; the pages of the dashboard. */
export async function readers(facts: RunFacts): Promise<number[]> {
  const { api, dashboard } = facts.addresses;
  const range = `since=${new Date(Date.now() - 3_600_000).toISOString()}&until=${new Date(Date.now() + 3_600_000).toISOString()}`;
  const paths = [
    '/api/outcomes/?limit=50',
    '/api/outcomes/nothing%3Ahere/',
    '/api/outcomes/?limit=nonsense',
    `/api/outcomes/?${range}&format=csv`,
    `/api/stats/summary/?${range}`,
    `/api/stats/timeseries/?${range}`,
    `/api/stats/breakdown/?by=site&${range}`,
  ];
  return statuses([
    ...paths.map((path): [string, RequestInit] => [`${api}${path}`, { headers: path.includes('csv') ? { accept: 'text/csv' } : {} }]),
    [`${dashboard}/`, {}],
    [`${dashboard}/nothing.js`, {}],
  ]);
}

/** More requests at once than the API's limit allows. */
export async function burst(facts: RunFacts, count: number): Promise<number[]> {
  const url = `${facts.addresses.api}/api/outcomes/?limit=1`;
  return statuses(Array.from({ length: count }, (): [string, RequestInit] => [url, {}]));
}

/** Puts messages that no service can handle on two topics. */
export async function poison(facts: RunFacts): Promise<void> {
  const kafka = kafkaConfigOf({ KAFKA_BROKERS: facts.kafkaBrokers });
  const producer = EventProducer.start({
    kafka,
    clientId: 'observe-test',
    log: createLogger('observe-test', 'silent'),
    metrics: new Metrics('observe-test', '0'),
    messageTimeoutMs: 15_000,
    onFatal: (error) => {
      throw error;
    },
  });
  const event = { key: 'poison', value: Buffer.from('no JSON'), headers: undefined };
  try {
    for (const topic of [kafka.bidRequestsTopic, kafka.bidResponsesTopic])
      await producer.sendAll(topic, [event], AbortSignal.timeout(60_000));
  } finally {
    await producer.close(5000);
  }
}

/** The statuses in order; 0 where the connection ended without one. */
async function statuses(requests: readonly [string, RequestInit][]): Promise<number[]> {
  return Promise.all(
    requests.map(async ([url, init]) => {
      try {
        const response = await fetch(url, { ...init, signal: AbortSignal.timeout(15_000) });
        await response.arrayBuffer();
        return response.status;
      } catch {
        return 0; // a fault is under way, or the server closed on a body that is too large
      }
    }),
  );
}
