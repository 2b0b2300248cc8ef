import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, type Measured, scrape, until } from '@helios/bench/processes';
import { createLogger } from '@helios/runtime/log';
import { EventProducer } from '@helios/runtime/kafka/producer';
import { Metrics } from '@helios/runtime/metrics';
import type { CheckReport } from '@helios/scripts/accounting/check';
import type { Poison } from '@helios/scripts/accounting/identity';
import type { PostedRequest } from '@helios/scripts/accounting/slot-table';
import { kafkaConfigOf } from '@helios/scripts/topic-reader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersOf, BidStream, freshPrefix, generatedRequests } from './bid-stream.js';
import { check, expectNothingFound, faultsIn, LIMIT_MS, postAll, untilStored } from './lane-account.js';
import { defect, end, type Lane, type Program, type Reader, realPrograms, type Running, SharedServers } from './lanes.js';

/**
 * The checker turns red: each defect of fault matrix C1 is planted in a service that is the real one but for a single part (bench/faults/defects,
 * whose README says what each shows), the fault that makes it bite is injected, and the check must say what is wrong. Beside each the same
 * happens to the real services, and the check must find nothing.
 */

/** With this linger and this load, kills find dozens of events that were produced and not acknowledged. */
const lingering = { KAFKA_LINGER_MS: '1000' };
const PER_SECOND = 100;
const IN_FLIGHT = 40;
const TEST_LIMIT = { timeout: 180_000 };
/** Longer than a consumer waits before it commits, and shorter than the linger. */
const COMMITTED_MS = 300;

let servers: SharedServers;
/** Real services throughout, which nobody kills. */
let base: Lane;
let bidUrl: string;

beforeAll(async () => {
  servers = await SharedServers.start();
  base = await servers.lane('base');
  const [ingest] = await Promise.all([base.start('ingest'), base.start('bidder'), base.start('auction'), base.start('writer')]);
  bidUrl = ingest.bidUrl;
});
afterAll(() => servers?.stop());

// They mostly wait: for groups to form, for killed members to be missed.
describe.concurrent('the check finds', () => {
  it('202 before the ack: requests without an end, after a kill -9 of ingest', TEST_LIMIT, async () => {
    const programs = { faulty: defect('ack-before-broker'), real: realPrograms.ingest };
    const { faulty } = await untilItBites(() => both(programs, ingestKilled), expectNothingFound);
    expect(faultsIn(faulty)).toEqual(['missing', 'lost on the way']);
  });

  it(
    'an offset committed before the write: requests without an end, after a kill -9 of the writer while PostgreSQL is away',
    TEST_LIMIT,
    async () => {
      const { faulty, real } = await writersKilledInAnOutage();
      expect(faultsIn(faulty)).toEqual(['missing', 'lost on the way']);
      expectNothingFound(real);
    },
  );

  it('no unique key, spend added twice, and a retry with a new id, when ids are posted again', TEST_LIMIT, async () => {
    const { real, keyless, twiceAdded, newIds } = await postedTwice();
    expect(faultsIn(keyless)).toEqual(['more than one end']);
    expect(faultsIn(twiceAdded)).toEqual(['rollups']);
    expect(faultsIn(newIds)).toEqual(['more than one end', 'dead letters', 'lost on the way', 'from nowhere']);
    expectNothingFound(real);
  });

  it('a dead-letter write that is not awaited: letters that are not there, after a kill -9 of the bidder', TEST_LIMIT, async () => {
    const programs = { faulty: defect('dead-letter-not-awaited'), real: realPrograms.bidder };
    const scenario = async (attempt: number) => {
      const { faulty, real } = await both(programs, (program, which) => bidderKilledAmongPoison(program, `${which}-${attempt}`));
      expect(real.report.identity.poisonLetters).toBe(real.planted);
      return { faulty: faulty.report, real: real.report };
    };
    const { faulty } = await untilItBites(scenario, (real) => expect(real).toMatchObject({ findings: [], holds: true }));
    expect(faultsIn(faulty)).toEqual(['poison']);
  });

  it('an id trimmed at 64 characters: requests without an end, and ends of requests that nobody posted', TEST_LIMIT, async () => {
    const { faulty, real } = await both({ faulty: defect('id-trimmed'), real: realPrograms.ingest }, longIds);
    expect(faultsIn(faulty)).toEqual(['missing', 'unexpected', 'lost on the way', 'from nowhere']);
    expectNothingFound(real);
  });

  it('a shutdown without flush: requests without an end, after a SIGTERM to the auction', TEST_LIMIT, async () => {
    const { faulty } = await untilItBites(auctionsStopped, expectNothingFound);
    expect(faultsIn(faulty)).toEqual(['missing', 'lost on the way']);
  });
});

async function ingestKilled(program: Program): Promise<CheckReport> {
  const ingest = await base.start('ingest', program, lingering);
  const stream = new BidStream(ingest.bidUrl, PER_SECOND, generatedRequests(51));
  await until(async () => stream.posted.some(({ status }) => status === 202) && (await inFlight(ingest)) >= IN_FLIGHT, LIMIT_MS);
  await end(ingest, 'SIGKILL');
  await stream.stop();
  expect(answersOf(stream.posted)).toEqual({ 202: expect.any(Number), none: expect.any(Number) });
  return check(base, stream.prefix, stream.posted);
}

async function writersKilledInAnOutage(): Promise<Pair<CheckReport>> {
  const started = await both({ faulty: defect('commit-before-write'), real: realPrograms.writer }, async (program, which) => {
    const lane = await servers.lane(`commit-${which}`, { from: base, at: 'writer' });
    // Nobody listens there.
    return { lane, writer: await lane.start('writer', program, { DB_PORT: String(await freePort()) }) };
  });
  const { prefix, posted } = await postGenerated(52, 100);
  await untilStored(base, prefix, posted);
  return both(started, async ({ lane, writer }) => {
    await untilTaken(writer);
    await end(writer, 'SIGKILL');
    await lane.start('writer');
    return check(lane, prefix, posted);
  });
}

async function postedTwice(): Promise<Record<'real' | 'keyless' | 'twiceAdded' | 'newIds', CheckReport>> {
  const [keyless, twiceAdded, newIds] = await Promise.all([
    branch('writer', 'no-unique-key'),
    branch('writer', 'spend-added-twice'),
    branch('bidder', 'retry-with-new-id', ['auction', 'writer']),
  ]);
  const { prefix, bodies, posted } = await postGenerated(53, 100);
  // The second time must not meet the first in one batch, which the writer itself clears of repeats.
  for (const lane of [base, keyless, twiceAdded]) await untilStored(lane, prefix, posted);
  posted.push(...(await postAll(bidUrl, bodies)));
  expect(answersOf(posted)).toEqual({ 202: 200 });
  return {
    real: await check(base, prefix, posted),
    keyless: await check(keyless, prefix, posted),
    twiceAdded: await check(twiceAdded, prefix, posted),
    newIds: await check(newIds, prefix, posted),
  };
}

async function bidderKilledAmongPoison(program: Program, name: string): Promise<{ report: CheckReport; planted: number }> {
  const lane = await servers.lane(`letters-${name}`);
  // Batches wait for their letters: enough of them at once, so that the real bidder has as many letters under way as the faulty one.
  const bidder = await lane.start('bidder', program, { ...lingering, BIDDER_MAX_BATCHES_IN_FLIGHT: '100' });
  const prefix = freshPrefix();
  const planted: Poison[] = [];
  const enough = new AbortController();
  const planting = plant(lane, prefix, planted, enough.signal);
  try {
    await until(async () => (await inFlight(bidder)) >= IN_FLIGHT, LIMIT_MS);
    await sleep(COMMITTED_MS);
    await end(bidder, 'SIGKILL');
  } finally {
    enough.abort();
    await planting;
  }
  await lane.start('bidder');
  return { report: await check(lane, prefix, [], planted), planted: planted.length };
}

/** Puts requests without slots on the topic of bid requests, `PER_SECOND` of them however long each takes, until told to end. */
async function plant(lane: Lane, prefix: string, planted: Poison[], signal: AbortSignal): Promise<void> {
  const kafka = kafkaConfigOf(lane.env);
  const producer = EventProducer.start({
    kafka,
    clientId: 'poison',
    log: createLogger('poison', 'error'),
    metrics: new Metrics('poison', '0'),
    messageTimeoutMs: 10_000,
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    const sent: Promise<void>[] = [];
    while (!signal.aborted) {
      const requestId = `${prefix}${sent.length}`;
      const value = Buffer.from(JSON.stringify({ id: requestId, ad_slots: [] }));
      sent.push(producer.send(kafka.bidRequestsTopic, requestId, value).then(() => void planted.push({ requestId, slotId: null })));
      await sleep(1000 / PER_SECOND);
    }
    await Promise.all(sent);
  } finally {
    await producer.close(2000);
  }
}

/** Ids of more than 64 characters that differ in the last ones only. */
async function longIds(program: Program): Promise<CheckReport> {
  const ingest = await base.start('ingest', program);
  const prefix = freshPrefix();
  const request = generatedRequests(54);
  const bodies = Array.from({ length: 50 }, (_, index) => JSON.stringify(request(`${prefix.padEnd(64, 'x')}${index}`)));
  const posted = await postAll(ingest.bidUrl, bodies);
  expect(answersOf(posted)).toEqual({ 202: bodies.length });
  return check(base, prefix, posted);
}

async function auctionsStopped(attempt: number): Promise<Pair<CheckReport>> {
  const started = await both({ faulty: defect('shutdown-without-flush'), real: realPrograms.auction }, async (program, which) => {
    const lane = await servers.lane(`flush-${which}-${attempt}`, { from: base, at: 'auction' });
    // As many batches at once as it takes for the real auction to have as much under way as the faulty one.
    const env = { ...lingering, AUCTION_MAX_BATCHES_IN_FLIGHT: '100' };
    const [auction] = await Promise.all([lane.start('auction', program, env), lane.start('writer')]);
    return { lane, auction };
  });
  const stream = new BidStream(bidUrl, PER_SECOND, generatedRequests(55));
  try {
    await until(async () => stream.posted.length >= PER_SECOND, LIMIT_MS);
    await both(started, async ({ auction }) => {
      await until(async () => (await inFlight(auction)) >= IN_FLIGHT, LIMIT_MS);
      expect(await end(auction, 'SIGTERM')).toBe(0);
    });
  } finally {
    await stream.stop();
  }
  expect(answersOf(stream.posted)).toEqual({ 202: stream.posted.length });
  return both(started, async ({ lane }) => {
    await lane.start('auction');
    return check(lane, stream.prefix, stream.posted);
  });
}

/**
 * A signal hits what is in flight at that moment, which on a busy machine may be nothing: then the scenario is played again, at most three
 * times in all. The real service must be found faultless every time.
 */
async function untilItBites(
  scenario: (attempt: number) => Promise<Pair<CheckReport>>,
  expectFaultless: (real: CheckReport) => void,
): Promise<Pair<CheckReport>> {
  for (let attempt = 1; ; attempt++) {
    const pair = await scenario(attempt);
    expectFaultless(pair.real);
    if (faultsIn(pair.faulty).length > 0 || attempt === 3) return pair;
  }
}

/** A faulty service and the real one under the same fault, at the same time. */
interface Pair<T> {
  readonly faulty: T;
  readonly real: T;
}

async function both<T, R>({ faulty, real }: Pair<T>, run: (one: T, which: keyof Pair<T>) => Promise<R>): Promise<Pair<R>> {
  const [ofFaulty, ofReal] = await Promise.all([run(faulty, 'faulty'), run(real, 'real')]);
  return { faulty: ofFaulty, real: ofReal };
}

/** A lane that branches off the real services at the one with the defect, and real services for what follows it. */
async function branch(at: Reader, name: string, following: readonly Reader[] = []): Promise<Lane> {
  const lane = await servers.lane(name, { from: base, at });
  await Promise.all([lane.start(at, defect(name)), ...following.map((role) => lane.start(role))]);
  return lane;
}

async function postGenerated(seed: number, count: number): Promise<{ prefix: string; bodies: string[]; posted: PostedRequest[] }> {
  const prefix = freshPrefix();
  const request = generatedRequests(seed);
  const bodies = Array.from({ length: count }, (_, index) => JSON.stringify(request(`${prefix}${index}`)));
  return { prefix, bodies, posted: await postAll(bidUrl, bodies) };
}

/** Waits until a consumer has taken messages, and then for it to commit them all, should it do so. */
async function untilTaken(service: Running): Promise<void> {
  await until(async () => (await scrape(service.adminPort))('helios_consumed_messages_total') > 0, LIMIT_MS);
  const deadlineMonoMs = performance.now() + 2000;
  while ((await scrape(service.adminPort))('helios_consumer_lag_messages') > 0 && performance.now() < deadlineMonoMs) await sleep(20);
}

/** Events that the service produced and the broker has not acknowledged. */
async function inFlight(service: Measured): Promise<number> {
  return (await scrape(service.adminPort))('helios_kafka_produce_queue_messages');
}
