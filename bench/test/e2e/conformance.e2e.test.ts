import { readFileSync } from 'node:fs';
import { HttpPoster } from '@helios/scripts/http-poster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IngestAlone, startIngestAlone } from './ingest-alone.js';
import { sharedCorpus } from './shared-corpus.js';

/** The verdict on every known bid request, as an exchange gets it: over HTTP. */

let ingest: IngestAlone;
beforeAll(async () => {
  ingest = await startIngestAlone();
});
afterAll(async () => ingest?.stop());

interface CorpusLine {
  readonly source: string;
  readonly name: string;
  readonly want: 'accept' | 'reject';
  readonly strength: 'must' | 'type' | 'ext' | 'policy' | null;
  readonly rule?: string;
  readonly body: unknown;
}

/** One of `body` (sent as JSON), `raw` (this text) and `base64` (these bytes). */
interface OwnCase {
  readonly name: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly base64?: string;
  readonly want: 'accept' | 'reject';
  readonly field?: string;
  readonly code?: string;
}

interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly value: Record<string, unknown>;
}

async function post(body: string | Buffer): Promise<Answer> {
  const response = await fetch(ingest.bidUrl, { method: 'POST', body: Buffer.from(body) });
  return {
    status: response.status,
    contentType: response.headers.get('content-type'),
    value: (await response.json()) as Record<string, unknown>,
  };
}

describe('POST /bid', () => {
  const lines = sharedCorpus('conformance.jsonl')?.map((line) => JSON.parse(line) as CorpusLine) ?? null;
  it.skipIf(lines === null)(
    'answers every request of the shared corpus by its verdict: 202, or 400 with the field',
    { timeout: 60_000 },
    async () => {
      const short: string[] = [];
      let judged = 0;
      for (const [index, { source, name, want, strength, rule, body }] of (lines ?? []).entries()) {
        // A wrong type is a fault only in what Helios reads: proto/test/conformance.test.ts judges those lines.
        if (want === 'reject' && strength !== 'must') continue;
        judged++;
        const { status, contentType, value } = await post(JSON.stringify(body));
        const where = `line ${index + 1} (${source}, ${name})`;
        if (want === 'accept' && status !== 202) short.push(`${where}: wanted 202, got ${status}: ${JSON.stringify(value)}`);
        if (want === 'reject' && status !== 400) short.push(`${where}: wanted 400 for "${rule}", got ${status}`);
        if (status === 400 && (contentType !== 'application/problem+json' || typeof value['field'] !== 'string')) {
          short.push(`${where}: 400 without a problem that names the field: ${contentType} ${JSON.stringify(value)}`);
        }
      }
      expect(short.join('\n')).toBe('');
      expect(judged).toBeGreaterThan(0);
    },
  );

  it("answers every case of the project's own by its verdict: 202, or 400 with code and field", { timeout: 60_000 }, async () => {
    const file = new URL('../../../proto/test/cases/bid-requests.json', import.meta.url);
    const cases = JSON.parse(readFileSync(file, 'utf8')) as OwnCase[];
    const short: string[] = [];
    for (const one of cases) {
      const body = one.base64 === undefined ? (one.raw ?? JSON.stringify(one.body)) : Buffer.from(one.base64, 'base64');
      const { status, contentType, value } = await post(body);
      const got = status === 202 ? 'accept' : `${status} ${contentType} ${String(value['code'])} at "${String(value['field'])}"`;
      const wanted = one.want === 'accept' ? 'accept' : `400 application/problem+json ${one.code} at "${one.field}"`;
      if (got !== wanted) short.push(`${one.name}: wanted ${wanted}, got ${got}`);
    }
    expect(short.join('\n')).toBe('');
    expect(cases.length).toBeGreaterThan(0);
  });

  it('answers 202 on the same connection after each kind of refusal', async () => {
    const poster = new HttpPoster(ingest.bidUrl, 1);
    const good = JSON.stringify({ id: 'good', ad_slots: [{ id: '1', w: 300, h: 250 }] });
    const statuses: (number | null)[] = [];
    for (const body of ['', '{', '[]', '{"id":1}', '{"id":"no-slots"}'])
      for (const sent of [body, good]) statuses.push((await poster.post(sent)).status);
    poster.close();
    expect(statuses).toEqual([400, 202, 400, 202, 400, 202, 400, 202, 400, 202]);
  });
});
