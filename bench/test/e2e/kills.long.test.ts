import { sumOf } from '@helios/scripts/metrics-text';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accountOf, type Answers, BidStream, generatedRequests, nothingLost } from './bid-stream.js';
import { consumers, HeliosUnderTest, stopped } from './helios-under-test.js';

/** `kill -9` of every hop while bids arrive. Source: spec section 5. */

const PER_SECOND = 400;
const TAIL_MS = 1000;

let helios: HeliosUnderTest;
beforeAll(async () => {
  helios = await HeliosUnderTest.start();
});
afterAll(() => stopped(helios));

it(
  'kill -9 of bidder, auction, writer and ingest one after the other, while bids arrive, loses and repeats nothing',
  { timeout: 240_000 },
  async () => {
    const stream = new BidStream(helios.addresses.bid, PER_SECOND, generatedRequests(21));
    const acceptedBetween: number[] = [];
    let before: Answers = {};
    try {
      for (const service of ['bidder', 'auction', 'writer', 'ingest'] as const) {
        await new Promise((resolve) => setTimeout(resolve, TAIL_MS));
        acceptedBetween.push((stream.answers['202'] ?? 0) - (before['202'] ?? 0));
        before = stream.answers;
        await helios.killAndAwaitRestart(service);
        expect([service, helios.deaths(service)]).toEqual([service, 1]);
      }
      await new Promise((resolve) => setTimeout(resolve, TAIL_MS));
    } finally {
      await stream.stop();
    }
    // Bids were accepted before each kill and after the last one: each hop was killed at work.
    acceptedBetween.push((stream.answers['202'] ?? 0) - (before['202'] ?? 0));
    expect(acceptedBetween.filter((count) => count < PER_SECOND / 4)).toEqual([]);
    // While ingest is down nothing answers; those requests are in doubt, and the identity treats them so.
    expect(stream.answers['none']).toBeGreaterThan(0);

    const report = await accountOf(helios, stream.prefix, stream.posted);
    expect(report).toMatchObject(nothingLost);
    expect(report.acceptedRequests).toBe(stream.answers['202']);
    for (const service of consumers)
      expect([service, sumOf([await helios.metrics(service)], 'helios_events_lost_total')]).toEqual([service, 0]);
  },
);
