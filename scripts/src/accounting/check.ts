/**
 * The check of a run, the same for tests, `npm run replay -- --verify`, the fault rows and the benches: waits until what was posted has
 * come to its end, then compares the identity, the rollups, the groups' lag and the hops. What it is given no access to is not checked, and
 * the report says so. It only reads. Source: spec section 5, fault matrix C1.
 */
import { type AuditRange, auditableSince, auditRollups, type RollupAudit } from '@helios/analytics/audit/rollup-audit';
import type { DatabaseConfig } from '@helios/analytics/database-settings';
import { type Database, openDatabase } from '@helios/analytics/db';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { retentionDaysSetting } from '@helios/runtime/settings';
import { readDeadLetters } from '../dead-letter-reader.js';
import { outcomePages } from '../outcomes-client.js';
import { TopicReader } from '../topic-reader.js';
import { findingSentences } from './findings.js';
import { readHops, type RunStart, topicNames } from './hop-reader.js';
import { HopTally, type HopsReport } from './hops.js';
import { Accounting, type AccountingReport, type FoundOutcome, type Poison } from './identity.js';
import { awaitNoLag, type Groups, type LagReport } from './lag.js';
import { type PostedRequest, SlotTable } from './slot-table.js';
import { countStored, storedPages } from './stored-outcomes.js';
import { settled } from './settled.js';

export interface CheckOptions {
  /** What the ids of the run begin with; null: the run's ids are exactly those posted (ids that were kept). */
  readonly prefix: string | null;
  /** Everything that was posted, with its answer; read once. */
  readonly posted: Iterable<PostedRequest> | AsyncIterable<PostedRequest>;
  /** Messages that were sent to be dead-lettered. Default none: the dead letters must be empty. Null: letters are ends like any other. */
  readonly poison?: Iterable<Poison> | null;
  /** Reads the stored outcomes through the analytics API at this address (`http://HOST:PORT`), from `since` on. */
  readonly api?: { readonly address: string; readonly since: Date };
  /** Compares the rollups with the rows and, without `api`, reads the stored outcomes here. */
  readonly database?: DatabaseConfig;
  /** Bounds of the rollups that are compared. Default: the last `RETENTION_DAYS` by default; of what is older the rows may be removed. */
  readonly rollupRange?: AuditRange;
  readonly kafka?: {
    readonly config: KafkaConfig;
    /** As `recordStart` noted it before the first request; null: the topics were empty then. */
    readonly start: RunStart | null;
    readonly groups?: Groups;
  };
  /** Longest wait for the groups, and again for outcomes that are still to come. */
  readonly limitMs: number;
  /** No new outcome for so long means that none will come; used where the groups cannot say it. Default 20 s. */
  readonly quietMs?: number;
  /** Told now and then what is being waited for. */
  readonly progress?: (what: string) => void;
}

/** A part of the check; one that is not checked says why, and has not passed. */
export type Part<Report> = { readonly checked: true; readonly report: Report } | { readonly checked: false; readonly why: string };

export interface CheckReport {
  readonly identity: AccountingReport;
  readonly rollups: Part<RollupAudit>;
  readonly lag: Part<LagReport>;
  readonly hops: Part<HopsReport>;
  /** Everything that was checked holds. */
  readonly holds: boolean;
  /** What does not hold, in sentences; bounded. */
  readonly findings: readonly string[];
}

/** Longer than a consumer group takes to notice a killed member. */
const QUIET_MS = 20_000;
/** A pass over all rows of a big table. */
const STATEMENT_TIMEOUT_MS = 600_000;

/**
 * Checks one run.
 * @throws Error when a server that it was given access to does not answer, or when it was given neither API nor database.
 */
export async function checkRun(options: CheckOptions): Promise<CheckReport> {
  const { api, kafka } = options;
  if (api === undefined && options.database === undefined) throw new Error('a check needs the API or the database');
  const table = new SlotTable();
  for await (const request of options.posted) table.post(request);
  const poison = options.poison === null ? null : [...(options.poison ?? [])];
  const database =
    options.database === undefined
      ? null
      : openDatabase(options.database, { applicationName: 'check', poolSize: 1, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  const reader = kafka === undefined ? null : await TopicReader.open(kafka.config);
  try {
    return await new Check(options, table, poison, database, reader).run();
  } finally {
    await database?.close();
    await reader?.close();
  }
}

class Check {
  readonly #options: CheckOptions;
  readonly #table: SlotTable;
  readonly #poison: readonly Poison[] | null;
  readonly #database: Database | null;
  readonly #reader: TopicReader | null;

  constructor(
    options: CheckOptions,
    table: SlotTable,
    poison: readonly Poison[] | null,
    database: Database | null,
    reader: TopicReader | null,
  ) {
    this.#options = options;
    this.#table = table;
    this.#poison = poison;
    this.#database = database;
    this.#reader = reader;
  }

  async run(): Promise<CheckReport> {
    const lag = await this.#lag();
    if (!lag.checked || !lag.report.holds) await this.#untilSettled();
    const reader = this.#reader;
    // Without a broker nobody can say whether the planted letters are there.
    const accounting = new Accounting(this.#table, { poison: reader === null ? null : this.#poison });
    const tally =
      reader === null ? null : new HopTally(this.#table, topicNames(reader.kafka), new Set(this.#poison?.map((each) => each.requestId)));
    this.#say('reading the stored outcomes');
    for await (const page of this.#pages()) {
      for (const outcome of page) {
        if (!this.#isOurs(outcome.requestId)) continue;
        accounting.outcome(outcome);
        tally?.stored(outcome);
      }
    }
    // PostgreSQL counts while Kafka is read.
    const [rollups, hops] = await Promise.all([this.#rollups(), this.#lettersAndHops(accounting, tally, lag)]);
    const parts = { identity: accounting.report(), rollups, lag, hops };
    const findings = findingSentences(parts);
    return { ...parts, holds: findings.length === 0, findings };
  }

  async #lag(): Promise<Part<LagReport>> {
    if (this.#reader === null) return { checked: false, why: 'no broker was named' };
    this.#say('waiting for the consumer groups');
    return { checked: true, report: await awaitNoLag(this.#reader, this.#options.kafka?.groups, this.#options.limitMs) };
  }

  async #rollups(): Promise<Part<RollupAudit>> {
    if (this.#database === null) return { checked: false, why: 'no database was named' };
    this.#say('recomputing the rollups');
    const range = this.#options.rollupRange ?? { since: auditableSince(retentionDaysSetting.fallback, Date.now()) };
    return { checked: true, report: await auditRollups(this.#database, range) };
  }

  async #lettersAndHops(accounting: Accounting, tally: HopTally | null, lag: Part<LagReport>): Promise<Part<HopsReport>> {
    const { kafka, prefix } = this.#options;
    const reader = this.#reader;
    if (reader === null || tally === null || !lag.checked) return { checked: false, why: 'no broker was named' };
    this.#say('reading the dead letters');
    for (const letter of await readDeadLetters(reader, this.#startOf(reader.kafka.deadLettersTopic))) {
      if (!this.#isOurs(letter.requestId)) continue;
      accounting.letter(letter);
      tally.letter(letter);
    }
    this.#say('counting the hops');
    const front = prefix === null ? null : Buffer.from(prefix);
    const isOurs = (key: Buffer) => (front === null ? this.#isOurs(key.toString()) : key.subarray(0, front.length).equals(front));
    const settledEnds = lag.report.groups[0]?.ends ?? [];
    const why = await readHops(reader, { start: kafka?.start ?? null, settledEnds, isOurs }, tally);
    return why === null ? { checked: true, report: tally.report() } : { checked: false, why };
  }

  async #untilSettled(): Promise<void> {
    const { limitMs, quietMs = QUIET_MS } = this.#options;
    const expected = this.#expectedOutcomes();
    await settled({
      count: () => this.#countOutcomes(),
      expected,
      quietMs: Math.min(quietMs, limitMs),
      limitMs,
      progress: (found) => this.#say(`outcomes ${found} of ${expected}`),
    });
  }

  /** Slots that must have an outcome, unless a dead letter stands for them. */
  #expectedOutcomes(): number {
    let count = 0;
    for (let slot = 0; slot < this.#table.slotCount; slot++)
      if (this.#table.slotAccepted(slot) && this.#table.expectation(slot) === 'bid') count++;
    return count;
  }

  async #countOutcomes(): Promise<number> {
    const { api, prefix } = this.#options;
    if (api === undefined && this.#database !== null && prefix !== null) return countStored(this.#database, prefix);
    let count = 0;
    for await (const page of this.#pages()) count += page.filter((outcome) => this.#isOurs(outcome.requestId)).length;
    return count;
  }

  #pages(): AsyncIterable<FoundOutcome[]> {
    const { api, prefix } = this.#options;
    if (api !== undefined) return outcomePages(api.address, api.since);
    if (this.#database === null) throw new Error('neither API nor database');
    return storedPages(this.#database, prefix ?? '');
  }

  #isOurs(requestId: string): boolean {
    const { prefix } = this.#options;
    return prefix === null ? this.#table.requestOf(requestId) !== -1 : requestId.startsWith(prefix);
  }

  #startOf(topic: string): readonly number[] | null {
    const start = this.#options.kafka?.start;
    return start === null || start === undefined ? null : (start[topic] ?? []);
  }

  #say(what: string): void {
    this.#options.progress?.(what);
  }
}
