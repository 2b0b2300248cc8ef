import { byteMutants, type Mutant, ruleMutants } from '@helios/bench/faults/hostile/mutants';
import { fuzz } from '@helios/bench/faults/hostile/fuzz';
import { runSlowClients, type SlowKind } from '@helios/bench/faults/hostile/slow-clients';
import { runVanishingClients } from '@helios/bench/faults/hostile/vanish';
import { readCaseFiles, runWrittenCases } from '@helios/bench/faults/hostile/written-cases';
import { scrape } from '@helios/bench/processes';
import { parseBidRequest } from '@helios/proto/bid-request';
import type { PostedRequest } from '@helios/scripts/accounting/identity';
import { nextBidRequest } from '@helios/scripts/bid-request-mix';
import { SeededRandom } from '@helios/scripts/random';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IngestProcess, startIngestProcess } from './ingest-process.js';

const RSS_GROWTH_MAX_BYTES = 50_000_000;
const SEED = 20_261;

let ingest: IngestProcess;
beforeEach(async () => {
  ingest = await startIngestProcess();
});
afterEach(() => ingest.stop());

const delivered = async () => (await scrape(ingest.adminPort))('helios_kafka_deliveries_total{result="acknowledged"}');

/** Good traffic that is not there, for what is not about it. */
const noTraffic = { sent: 0, latencies: () => [] };

describe('ingest under hostile input', () => {
  it(
    'answers every written case as written, harms nobody by it, and stores what it answered 202 and nothing else',
    { timeout: 60_000 },
    async () => {
      const files = readCaseFiles();
      const result = await runWrittenCases({ port: ingest.port, files });
      expect(result.failures).toEqual([]);
      expect(result.cases).toBeGreaterThanOrEqual(300);
      expect(await delivered()).toBe(result.accepted + result.storedUnanswered);
      expect((await scrape(ingest.adminPort))('helios_ingest_body_memory_bytes')).toBe(0);
    },
  );

  it('answers one-fault mutants as the tables say, and changed bytes as the parser says', { timeout: 60_000 }, async () => {
    const random = new SeededRandom(SEED);
    const mutants: Mutant[] = [];
    for (const shape of ['short', 'openrtb'] as const) {
      const request = nextBidRequest(random, { shape, floors: 'split' });
      const body = Buffer.from(JSON.stringify(request));
      mutants.push(...ruleMutants(request), ...byteMutants(body, (below) => random.integer(0, below - 1), 150));
    }
    expect(mutants.length).toBeGreaterThan(800);
    const wrong: string[] = [];
    let accepted = 0;
    const post = async ({ fault, body, expected }: Mutant): Promise<void> => {
      const due = expected ?? (parseBidRequest(body).ok ? 202 : 400);
      if (due === 202) accepted++;
      const answer = await fetch(`http://127.0.0.1:${ingest.port}/bid`, { method: 'POST', body: Uint8Array.from(body) });
      const text = await answer.text();
      if (answer.status !== due) wrong.push(`${fault}: ${answer.status} where ${due} was due: ${text}`);
    };
    for (let first = 0; first < mutants.length; first += 32) await Promise.all(mutants.slice(first, first + 32).map(post));
    expect(wrong).toEqual([]);
    expect(await delivered()).toBe(accepted);
  });

  it(`answers fuzzed bodies as the parser says (seed ${SEED})`, { timeout: 60_000 }, async () => {
    const posted: PostedRequest[] = [];
    const result = await fuzz({
      ...ingest,
      seed: SEED,
      count: 8000,
      prefix: 'fuzz-',
      connections: 32,
      posted: (request) => posted.push(request),
    });
    expect(result).toMatchObject({ bodies: 8000, wrong: 0, examples: [], sameProcess: true, fault: null });
    expect(Object.keys(result.answers).sort()).toEqual(['202', '400', '413', '415']);
    expect(result.rssGrowthBytes).toBeLessThan(RSS_GROWTH_MAX_BYTES);
    expect(posted.length).toBe(result.answers['202']);
    expect(posted.every(({ id, slots }) => id.startsWith('fuzz-') && slots.length > 0)).toBe(true);
    expect(await delivered()).toBe(posted.length);
  });

  it('closes slow clients of each kind by itself and gives back their descriptors', { timeout: 60_000 }, async () => {
    const kinds: readonly SlowKind[] = ['head', 'body', 'reader', 'deaf'];
    const results = await Promise.all(kinds.map((kind) => runSlowClients({ ...ingest, kind, count: 40, traffic: noTraffic, aloneMs: 0 })));
    for (const result of results) {
      expect(result).toMatchObject({ clients: 40, refused: 0, closed: 40, sameProcess: true, fault: null });
      expect(result.rssGrowthBytes).toBeLessThan(RSS_GROWTH_MAX_BYTES);
    }
    expect(await delivered()).toBe(0);
  });

  it('is rid of clients that vanish, and stores their requests at most once', { timeout: 60_000 }, async () => {
    const posted: PostedRequest[] = [];
    const result = await runVanishingClients({
      ...ingest,
      seed: SEED,
      count: 1000,
      prefix: 'gone-',
      posted: (request) => posted.push(request),
    });
    expect(result).toMatchObject({ clients: 1000, hanging: 0, sameProcess: true, fault: null });
    expect(result.descriptorsAfter).toBeLessThanOrEqual(result.descriptorsBefore);
    expect(Object.values(result.byWay).every((count) => count > 0)).toBe(true);
    const accepted = posted.filter(({ status }) => status === 202).length;
    expect(accepted).toBeGreaterThanOrEqual(result.byWay.answered_reset);
    const stored = await delivered();
    expect(stored).toBeGreaterThanOrEqual(accepted);
    expect(stored).toBeLessThanOrEqual(posted.length);
  });
});
