import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { auditRollups } from '@helios/analytics/audit/rollup-audit';
import { type Database, openDatabase } from '@helios/analytics/db';
import { recordStart, type RunStart } from '@helios/scripts/accounting/hop-reader';
import type { Poison } from '@helios/scripts/accounting/identity';
import { countStored } from '@helios/scripts/accounting/stored-outcomes';
import { kafkaConfigOf, TopicReader } from '@helios/scripts/topic-reader';
import { databaseConfig, NEAR_CAPACITY, untilNoLag } from '../accounted-load.js';
import { grown } from '../bidder-backlog.js';
import { ManagedProcess } from '../managed-process.js';
import { compareLetters, type FoundLetter, hashAt, hashOf, lettersSince, longestRow, Planter, type Stands } from '../poison-letters.js';
import { deadlyRequest, oddRequests, type OddRequest, requestWithSlot } from '../odd-requests.js';
import { drawGroups, type PoisonMessage, poisonOfEachKind } from '../poison-messages.js';
import { messagesBetween, replayById } from '../poison-replay.js';
import type { AccountedLoad, Row, RunContext, RunResult } from '../row.js';
import { oneBroker } from '../stack.js';
import { shuffled, unaskedEnds } from './processes.js';

/** Row 15: messages that no service can handle, among good ones. */

const GOOD_REQUESTS_PER_POISON = 100 / 3;
const SETTLE_LIMIT_MS = 180_000;
const LETTER_LIMIT_MS = 120_000;
const LOOK_MS = 200;
const STATEMENT_TIMEOUT_MS = 60_000;
/** The least that BIDDER_WORKER_MAX_MIB takes: with the default no message within Kafka's bounds fills the heap. */
const SMALL_WORKER_MIB = 32;
const REFUSED_SLOT = 'refused-by-the-database';
const CONSTRAINT = 'faults_refuse_a_slot';

type Planted = PoisonMessage & Stands;

export const poisoned: Row = {
  number: 15,
  title: 'poison on each topic, a row that PostgreSQL refuses, a message that kills its worker',
  promise:
    'exactly these are in dead_letters, with their cause, their place and their bytes; the partitions move on; a replay is done once',
  unit: 'poison messages',
  target: { ci: 600, full: 3000 },
  perRun: { ci: 600, full: 3000 },
  budgetSeconds: 120,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const kafka = kafkaConfigOf(context.stack.kafkaEnv);
    const reader = await TopicReader.open(kafka);
    const options = { applicationName: 'faults', poolSize: 1, statementTimeoutMs: STATEMENT_TIMEOUT_MS };
    const database = openDatabase(databaseConfig(context.stack), options);
    try {
      const planter = await Planter.connect(kafka);
      try {
        return await new PoisonRun(context, { reader, planter, database }, await recordStart(reader)).run();
      } finally {
        await planter.close();
      }
    } finally {
      await database.close();
      await reader.close();
    }
  },
};

class PoisonRun {
  readonly #context: RunContext;
  readonly #reader: TopicReader;
  readonly #planter: Planter;
  readonly #database: Database;
  readonly #start: RunStart;
  readonly #partitions: number;
  readonly #broken: string[] = [];
  readonly #figures: Record<string, number> = {};

  constructor(context: RunContext, ways: { reader: TopicReader; planter: Planter; database: Database }, start: RunStart) {
    this.#context = context;
    this.#reader = ways.reader;
    this.#planter = ways.planter;
    this.#database = ways.database;
    this.#start = start;
    this.#partitions = start[ways.reader.kafka.bidRequestsTopic]?.length ?? 0;
  }

  async run(): Promise<RunResult> {
    const { ci, faults, halfCapacityPerSecond, say, stack } = this.#context;
    const bidderBefore = await stack.metrics('bidder');
    const load = await this.#context.startLoad(ci ? { perSecond: halfCapacityPerSecond * NEAR_CAPACITY } : {});
    const { prefix } = load.bids;
    const planted = await this.#plantAmong(load);
    // What follows stops bidders: the rest is to be little.
    load.bids.perSecond = halfCapacityPerSecond;
    const odd = await this.#planter.plant(oddRequests(`${prefix}odd-`, Date.now()), this.#anyPartition());
    const refused = await this.#refuseARow(`${prefix}refused`);
    await untilNoLag(stack, LETTER_LIMIT_MS);
    this.#expect('batches that failed in a worker', grown('helios_worker_failures_total', bidderBefore, await stack.metrics('bidder')), 0);
    const deadly = await this.#killAWorker(`${prefix}deadly`);
    while (load.bids.sent < faults * GOOD_REQUESTS_PER_POISON) await sleep(20);
    const others = [refused.letter, deadly];
    const poison: Poison[] = [...planted.flatMap(({ known }) => known ?? []), { requestId: deadly.key?.toString() ?? '', slotId: null }];
    poison.push({ requestId: refused.request.id, slotId: REFUSED_SLOT });
    const alsoPosted = [...odd, refused.request].map(({ id, slots }) => ({ id, status: 202, slots }));
    const report = await load.settle({ limitMs: SETTLE_LIMIT_MS, poison, alsoPosted });
    const letters = await this.#letters(this.#start);
    const { broken, delaysMs, copies } = compareLetters(planted, letters, new Set(others.map(({ place }) => place)));
    this.#broken.push(...broken);
    const median = delaysMs[delaysMs.length >> 1] ?? Number.NaN;
    Object.assign(this.#figures, {
      goodRequests: load.bids.accepted,
      goodNotAccepted: load.bids.sent - load.bids.accepted - (load.bids.answers['not sent'] ?? 0),
      letterMedianMs: median,
      letterWorstMs: delaysMs.at(-1) ?? Number.NaN,
      letterCopies: copies,
    });
    say(`${letters.length} letters; from poison to letter ${median} ms in the median, ${delaysMs.at(-1)} ms at worst`);
    await this.#replayTwice(prefix, others);
    return {
      faults: planted.length,
      report,
      recoveriesMs: [],
      figures: this.#figures,
      broken: [...this.#broken, ...unaskedEnds(this.#context)],
    };
  }

  /** Poison on each topic while bids arrive: a hundred in a row on one partition of each, the others a few at a time, when the seed says. */
  async #plantAmong(load: AccountedLoad): Promise<Planted[]> {
    const { random, faults, say } = this.#context;
    const planted: Planted[] = [];
    const order = shuffled(drawGroups(`${load.bids.prefix}poison-`, faults, random), random);
    say(`${faults} poison messages in ${order.length} groups among the bids`);
    for (const [index, group] of order.entries()) {
      const dueAtRequest = ((index + 1) / (order.length + 1)) * faults * GOOD_REQUESTS_PER_POISON * 0.9;
      while (load.bids.sent < dueAtRequest) await sleep(5);
      planted.push(...(await this.#planter.plant(group, this.#anyPartition())));
    }
    this.#figures['inARowMessages'] = longestRow(planted);
    return planted;
  }

  /** One slot of a request's five cannot be stored: a row refused in the middle of the writer's batch. The validator lets through nothing that a column refuses. */
  async #refuseARow(id: string): Promise<{ request: OddRequest; letter: FoundLetter }> {
    const constraint = `alter table auction_outcomes add constraint ${CONSTRAINT} check (slot_id <> '${REFUSED_SLOT}') not valid`;
    this.#context.say('PostgreSQL refuses one slot of five');
    await this.#database.query({ text: constraint }, []);
    try {
      const request = requestWithSlot(id, REFUSED_SLOT);
      const from = await recordStart(this.#reader);
      await this.#planter.plant([request], this.#anyPartition());
      const letter = await this.#untilLetter(id, from);
      if (letter.reason !== 'bad_row' || letter.stage !== 'writer' || !letter.errorText.includes('23514'))
        this.#broken.push(`the letter of the refused row says ${letter.stage}, ${letter.reason}, ${letter.errorText}`);
      if (letter.hash !== (await hashAt(this.#reader.kafka, letter.place)))
        this.#broken.push('the letter of the refused row has other bytes');
      return { request, letter };
    } finally {
      await this.#database.query({ text: `alter table auction_outcomes drop constraint ${CONSTRAINT}` }, []);
    }
  }

  /** A message that fills the heap of its worker, on a bidder whose workers have little of it. */
  async #killAWorker(id: string): Promise<FoundLetter> {
    const { stack, say } = this.#context;
    const usual = stack.service('bidder');
    const env = { ...usual.spec.env, BIDDER_WORKER_MAX_MIB: String(SMALL_WORKER_MIB) };
    const small = new ManagedProcess({ ...usual.spec, name: 'bidder-small', env, logFile: join(stack.logFolder, 'bidder-small.log') });
    say(`a message kills its worker twice, on a bidder with ${SMALL_WORKER_MIB} MiB a worker`);
    try {
      await usual.stop();
      await small.start();
      await untilNoLag(stack, LETTER_LIMIT_MS);
      const from = await recordStart(this.#reader);
      const plantedAtUnixMs = Date.now();
      const deadly = deadlyRequest(id);
      await this.#planter.plant([deadly], this.#anyPartition());
      const letter = await this.#untilLetter(id, from);
      if (letter.hash !== hashOf(deadly.value)) this.#broken.push('the letter of the message that kills its worker has other bytes');
      this.#figures['workerKillerLetterMs'] = (letter.writtenAtUnixMs ?? Number.NaN) - plantedAtUnixMs;
      if (letter.reason !== 'worker_failed' || !letter.errorText.includes('memory'))
        this.#broken.push(`the letter of the message that kills its worker says ${letter.reason}, ${letter.errorText}`);
      return letter;
    } finally {
      const { end } = await small.stop();
      for (const { code, signal } of small.ends)
        if (code !== 0) this.#broken.push(`the bidder itself ended (${signal ?? `exit code ${code}`})`);
      if (end === null) this.#broken.push('the bidder itself was not there any more');
      await usual.start();
    }
  }

  /**
   * Now that the constraint is gone and workers have their heap back, two letters can be replayed; poison of each kind stays poison. Twice:
   * the second time nothing is sent.
   */
  async #replayTwice(prefix: string, mended: readonly FoundLetter[]): Promise<void> {
    const { stack, random, say } = this.#context;
    const { kafka } = this.#reader;
    const from = await recordStart(this.#reader);
    const still = await this.#planter.plant(poisonOfEachKind(`${prefix}still-`, random), this.#anyPartition());
    await untilNoLag(stack, SETTLE_LIMIT_MS);
    const first = await this.#letters(from);
    this.#broken.push(...compareLetters(still, first).broken);
    const storedBefore = await countStored(this.#database, prefix);
    const replayed = [...mended, ...first].map(({ id }) => id);
    const before = await recordStart(this.#reader);
    const once = await replayById(kafka, replayed);
    await untilNoLag(stack, SETTLE_LIMIT_MS);
    const after = await recordStart(this.#reader);
    const again = await this.#letters(before);
    const twice = await replayById(kafka, replayed);
    await untilNoLag(stack, SETTLE_LIMIT_MS);
    const stored = (await countStored(this.#database, prefix)) - storedBefore;
    say(`replayed ${once.replayed} letters, then ${twice.replayed}; ${stored} stored, ${again.length} letters again`);
    this.#expect('letters replayed at first', once.replayed, replayed.length);
    this.#expect('letters refused by the replay', once.refused.size + twice.refused.size, 0);
    this.#expect('letters replayed the second time', twice.replayed, 0);
    this.#expect('messages sent by the second replay', messagesBetween(after, await recordStart(this.#reader), kafka), 0);
    this.#expect('outcomes stored by the replays', stored, mended.length);
    this.#expect('letters of what is still poison', again.length, still.length);
    const places = new Map(still.map((poison) => [poison.place, poison]));
    const moved = again.flatMap((letter) => {
      const poison = places.get(letter.replayedFrom ?? '');
      return poison === undefined ? [] : [{ ...poison, place: letter.place }];
    });
    this.#broken.push(...compareLetters(moved, again).broken);
    const rollups = await auditRollups(this.#database);
    if (!rollups.holds) this.#broken.push('after the replays the rollups differ from the rows');
  }

  #expect(what: string, found: number, expected: number): void {
    if (found !== expected) this.#broken.push(`${what}: ${found}, not ${expected}`);
  }

  #letters(from: RunStart): Promise<FoundLetter[]> {
    return lettersSince(this.#reader, from[this.#reader.kafka.deadLettersTopic] ?? []);
  }

  /** @throws Error when the letter does not come. */
  async #untilLetter(key: string, from: RunStart): Promise<FoundLetter> {
    const deadlineMonoMs = performance.now() + LETTER_LIMIT_MS;
    for (;;) {
      const found = (await this.#letters(from)).find((letter) => letter.key?.toString() === key);
      if (found !== undefined) return found;
      if (performance.now() > deadlineMonoMs) throw new Error(`${key} has no letter after ${LETTER_LIMIT_MS / 1000} s`);
      await sleep(LOOK_MS);
    }
  }

  #anyPartition(): number {
    return this.#context.random.integer(0, this.#partitions - 1);
  }
}
