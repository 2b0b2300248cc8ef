import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { userIdAt } from '@helios/profile-svc/mock-profiles';
import { outcomePages } from '@helios/scripts/outcomes-client';
import { sumOf } from '@helios/scripts/metrics-text';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshPrefix, generatedRequests, simpleRequest } from './bid-stream.js';
import { consumers, HeliosUnderTest, stopped } from './helios-under-test.js';
import { type FinishedProgram, runProgram } from './processes.js';
import { sharedCorpus } from './shared-corpus.js';

/** The accounting identity, by the command that people use: `npm run replay -- FILE --verify API`. */

const GENERATED = 2000;
const RECORDED = 500;

let helios: HeliosUnderTest;
beforeAll(async () => {
  // Nothing is sampled: what the log says of a request, it says because of its trace.
  helios = await HeliosUnderTest.start({ LOG_SAMPLE_RATE: '0' });
});
afterAll(() => stopped(helios));

function fileOf(name: string, lines: readonly string[]): string {
  const path = join(helios.folder, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

function replay(file: string, ...flags: string[]): Promise<FinishedProgram> {
  return runProgram('scripts/dist/replay.js', [file, '--url', helios.addresses.bid, '--rate', '500', ...flags]);
}

function verifiedReplay(file: string, ...flags: string[]): Promise<FinishedProgram> {
  const { addresses, kafkaBrokers } = helios.facts;
  return replay(file, '--verify', addresses.api, '--brokers', kafkaBrokers, ...flags);
}

async function storedOutcomes(): Promise<number> {
  let count = 0;
  for await (const page of outcomePages(helios.addresses.api, new Date(0))) count += page.length;
  return count;
}

/** Outcomes that came again: the same, or (what is stored stays) another one. */
async function repeatedRows(): Promise<number> {
  const scrape = [await helios.metrics('writer')];
  return ['duplicate', 'conflicting'].reduce((sum, result) => sum + sumOf(scrape, 'helios_writer_rows_total', { result }), 0);
}

// They mostly wait for outcomes: both at once.
describe.concurrent('a replay at 500 requests a second', () => {
  it(
    `of ${GENERATED} generated requests is answered 202 throughout and accounted for exactly, twice in a row`,
    { timeout: 120_000 },
    async () => {
      const request = generatedRequests(11);
      const file = fileOf(
        'generated.jsonl',
        Array.from({ length: GENERATED }, (_, index) => JSON.stringify(request(`generated-${index}`))),
      );
      for (const round of [1, 2]) {
        const { code, output } = await verifiedReplay(file);
        expect({ round, code, output }).toMatchObject({ code: 0, output: expect.stringContaining('The accounting identity holds.') });
        expect(output).toContain(`answered: 202: ${GENERATED}\n`);
        expect(output).toMatch(
          new RegExp(
            `accepted: ${GENERATED} requests with \\d+ slots = [1-9]\\d* outcomes \\+ [1-9]\\d* without a bid \\+ 0 in dead letters\n`,
          ),
        );
      }
    },
  );

  const recorded = sharedCorpus('traffic.jsonl');
  it.skipIf(recorded === null)(
    `of ${RECORDED} recorded requests of the shared corpus is answered 202 throughout and accounted for exactly, twice in a row`,
    { timeout: 120_000 },
    async () => {
      const file = fileOf('recorded.jsonl', (recorded ?? []).slice(0, RECORDED));
      for (const round of [1, 2]) {
        const { code, output } = await verifiedReplay(file);
        expect({ round, code, output }).toMatchObject({ code: 0, output: expect.stringContaining('The accounting identity holds.') });
        expect(output).toContain(`answered: 202: ${RECORDED}\n`);
      }
    },
  );
});

describe('a request of a sampled trace', () => {
  const path = ['ingest', 'bidder', 'profile-svc', 'auction', 'writer'] as const;
  const messagesOf = (traceId: string) =>
    Object.fromEntries(
      path.map((service) => [
        service,
        helios
          .logLines(service)
          .filter((line) => line['trace_id'] === traceId)
          .map((line) => line['msg']),
      ]),
    );

  it('is in the log of every service that it passes and in its row, under one id; one of a trace that is not sampled is in its row', async () => {
    const [sampled, unsampled] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
    const ids = await Promise.all(
      [`00-${sampled}-00f067aa0ba902b7-01`, `00-${unsampled}-00f067aa0ba902b7-00`, 'nonsense'].map(async (traceparent, index) => {
        const id = `${freshPrefix()}traced`;
        const body = JSON.stringify(simpleRequest(id, userIdAt(index)));
        expect((await fetch(helios.addresses.bid, { method: 'POST', headers: { traceparent }, body })).status).toBe(202);
        return id;
      }),
    );
    const rows = await vi.waitFor(
      async () => {
        const answers = await Promise.all(ids.map((id) => fetch(`${helios.addresses.api}/api/outcomes/${id}:slot-1/`)));
        expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
        return Promise.all(answers.map((answer) => answer.json() as Promise<{ trace_id: string | null }>));
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(rows.map((row) => row.trace_id)).toEqual([sampled, unsampled, null]);
    await vi.waitFor(
      () =>
        expect(messagesOf(sampled)).toEqual({
          ingest: ['bid request accepted'],
          bidder: ['bid request received'],
          'profile-svc': ['profile request', 'profile response'],
          auction: ['auction decided'],
          writer: ['auction outcome stored'],
        }),
      { timeout: 5000, interval: 100 },
    );
    expect(Object.values(messagesOf(unsampled)).flat()).toEqual([]);
  });
});

describe('a replay', () => {
  it('of ids that were posted before is answered 202 and changes nothing', { timeout: 120_000 }, async () => {
    const prefix = freshPrefix();
    const request = generatedRequests(12);
    const file = fileOf(
      'kept-ids.jsonl',
      Array.from({ length: 300 }, (_, index) => JSON.stringify(request(`${prefix}${index}`))),
    );
    const before = await storedOutcomes();
    expect(await verifiedReplay(file, '--keep-ids')).toMatchObject({ code: 0 });
    const stored = await storedOutcomes();
    const [repeatedBefore, added] = [await repeatedRows(), stored - before];
    expect(added).toBeGreaterThan(0);
    expect(await replay(file, '--keep-ids')).toMatchObject({ code: 0, output: expect.stringContaining('answered: 202: 300\n') });
    // Every outcome has come a second time, and was recognised.
    await vi.waitFor(async () => expect(await repeatedRows()).toBe(repeatedBefore + added), { timeout: 20_000, interval: 100 });
    expect(await storedOutcomes()).toBe(stored);
  });

  it('lost no event in the broker and needed no restart', async () => {
    for (const service of consumers) {
      expect([service, sumOf([await helios.metrics(service)], 'helios_events_lost_total'), helios.deaths(service)]).toEqual([
        service,
        0,
        0,
      ]);
    }
  });
});
