import { userIdAt } from '@helios/profile-svc/mock-profiles';
import { sumOf } from '@helios/scripts/metrics-text';
import { describe, expect, it, vi } from 'vitest';
import { redisAbsent, RedisServer } from '../../../profile-svc/test/redis-server.js';
import { accountOf, BidStream, nothingLost, simpleRequest } from './bid-stream.js';
import { type HeliosUnderTest, withHelios } from './helios-under-test.js';
import { runProgram } from './processes.js';

/** Profiles fail and come back under a stream of bids for users that have profiles. Source: spec S2.5 and section 5. */

const PER_SECOND = 50;
const USERS = 500;
/** From the fault until bids go out unenriched, and from its end until they are enriched again: breaker, reconnects and a restart. */
const CHANGE_LIMIT_MS = 30_000;

interface Outcome {
  readonly bid_request_id: string;
  readonly enriched: boolean;
}

async function newest(helios: HeliosUnderTest, since: Date): Promise<Outcome[]> {
  const query = new URLSearchParams({ since: since.toISOString(), limit: '20' });
  const response = await fetch(`${helios.addresses.api}/api/outcomes/?${query.toString()}`);
  return ((await response.json()) as { results: Outcome[] }).results;
}

/** Waits until 20 outcomes in a row, all of them decided after this call, are enriched (or all are not). */
async function untilEnriched(helios: HeliosUnderTest, enriched: boolean): Promise<void> {
  const since = new Date();
  await vi.waitFor(
    async () =>
      expect((await newest(helios, since)).map((outcome) => outcome.enriched)).toEqual(Array.from({ length: 20 }, () => enriched)),
    { timeout: CHANGE_LIMIT_MS, interval: 100 },
  );
}

async function breakers(helios: HeliosUnderTest): Promise<Record<'open' | 'closed', number>> {
  const scrape = [await helios.metrics('bidder')];
  const count = (state: string) => sumOf(scrape, 'helios_profile_breakers', { state });
  return { open: count('open'), closed: count('closed') };
}

const saidByBidder = (helios: HeliosUnderTest, message: string) =>
  helios.logLines('bidder').filter((line) => String(line['msg']).startsWith(message)).length;

/** One outage under the stream: enrichment stops, the breaker opens, and both mend themselves when `end` has brought profiles back. */
async function outage(helios: HeliosUnderTest, begin: () => void | Promise<void>, end: () => void | Promise<void>): Promise<void> {
  await untilEnriched(helios, true);
  const [opened, closed] = [saidByBidder(helios, 'profile breaker opened'), saidByBidder(helios, 'profile breaker closed')];
  await begin();
  await untilEnriched(helios, false);
  await vi.waitFor(async () => expect((await breakers(helios)).open).toBeGreaterThan(0), { timeout: CHANGE_LIMIT_MS, interval: 50 });
  expect(saidByBidder(helios, 'profile breaker opened')).toBeGreaterThan(opened);
  await end();
  await untilEnriched(helios, true);
  await vi.waitFor(
    async () => expect(await breakers(helios)).toMatchObject({ open: 0, closed: expect.toSatisfy((count: number) => count > 0) }),
    {
      timeout: CHANGE_LIMIT_MS,
      interval: 50,
    },
  );
  expect(saidByBidder(helios, 'profile breaker closed')).toBeGreaterThan(closed);
}

/** Runs outages under a stream of bids and accounts for every bid of the stream. */
async function underBids(helios: HeliosUnderTest, outages: () => Promise<void>): Promise<void> {
  const stream = new BidStream(helios.addresses.bid, PER_SECOND, (id, index) => simpleRequest(id, userIdAt(index % USERS)));
  try {
    await outages();
  } finally {
    await stream.stop();
  }
  expect(stream.answers).toEqual({ '202': stream.posted.length });
  const report = await accountOf(helios, stream.prefix, stream.posted);
  expect(report).toMatchObject({ ...nothingLost, outcomes: stream.posted.length, noBids: 0 });
}

/** profile-svc hangs first, so that calls run into their deadline, and is killed then; the launcher starts it again. */
async function profileServiceOutage(helios: HeliosUnderTest): Promise<void> {
  const pid = helios.pid('profile-svc');
  await outage(
    helios,
    () => void process.kill(pid, 'SIGSTOP'),
    () => void process.kill(pid, 'SIGKILL'),
  );
  expect(helios.deaths('profile-svc')).toBe(1);
}

// Both mostly wait: they do it together.
describe.concurrent('under a stream of bids for users that have profiles', () => {
  it(
    'profile-svc on its store in memory hangs, dies and comes back: no bid is lost, enrichment stops and returns',
    { timeout: 200_000 },
    () => withHelios({}, (helios) => underBids(helios, () => profileServiceOutage(helios))),
  );

  it.skipIf(redisAbsent !== undefined)(
    `profile-svc on Redis hangs, dies and comes back, then Redis does: no bid is lost, enrichment stops and returns${redisAbsent === undefined ? '' : ` (skipped: ${redisAbsent})`}`,
    { timeout: 240_000 },
    async () => {
      const redis = await RedisServer.start();
      try {
        await withHelios({ REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) }, (helios) => bothOutages(helios, redis));
      } finally {
        await redis.close();
      }
    },
  );
});

async function bothOutages(helios: HeliosUnderTest, redis: RedisServer): Promise<void> {
  await seed(redis);
  await underBids(helios, async () => {
    await profileServiceOutage(helios);
    await outage(
      helios,
      () => redis.signal('SIGSTOP'),
      async () => {
        // It keeps nothing: back with the same profiles.
        await redis.kill();
        await redis.start();
        await seed(redis);
      },
    );
    expect(helios.deaths('profile-svc')).toBe(1);
  });
}

async function seed(redis: RedisServer): Promise<void> {
  const address = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) };
  expect(await runProgram('profile-svc/dist/seed.js', ['--count', String(USERS)], address)).toMatchObject({ code: 0 });
}
