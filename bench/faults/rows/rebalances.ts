import { setTimeout as sleep } from 'node:timers/promises';
import { topicDefaults } from '@helios/proto/topics';
import { kafkaConfigOf, TopicReader } from '@helios/scripts/topic-reader';
import { until } from '../../processes.js';
import type { ManagedProcess } from '../managed-process.js';
import type { Row, RunContext, RunResult } from '../row.js';
import { oneBroker, type Stack } from '../stack.js';
import { partitionsOf } from './pauses.js';
import { unaskedEnds } from './processes.js';

/** Row 21: bidders join and leave, in order and by death, faster than their group settles. */

const PARTITIONS = 6;
const MEMBERS_MAX = 3;
const STANDSTILL_MAX_MS = 60_000;
const SETTLED_LIMIT_MS = 60_000;
const SETTLE_MS = 120_000;
const STOP_LIMIT_MS = 10_000;

export const rebalanced: Row = {
  number: 21,
  title: 'bidders join and leave every few seconds, by SIGTERM and by kill -9',
  promise: 'nothing is lost, nothing has two outcomes; progress in every 60 s; in the end each partition has one owner',
  unit: 'rebalances',
  target: { ci: 5, full: 150 },
  perRun: { ci: 5, full: 30 },
  budgetSeconds: 45,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const { stack, random, say } = context;
    const load = await context.startLoad({ perSecond: context.halfCapacityPerSecond * 0.7 });
    const progress = await ProgressWatch.start(stack, topicDefaults.KAFKA_TOPIC_BID_RESPONSES);
    const members: ManagedProcess[] = [];
    const broken: string[] = [];
    let settledMs = 0;
    try {
      await sleep(1000);
      for (let change = 0; change < context.faults; change++) {
        if (members.length === 0 || (members.length < MEMBERS_MAX && random.chance(0.5))) {
          const member = await stack.addConsumer('bidder');
          say(`${member.name} joins`);
          members.push(member);
        } else broken.push(...(await leave(context, members)));
        await sleep(context.ci ? random.integer(1500, 2000) : random.integer(2000, 4000));
      }
      const changedMonoMs = performance.now();
      await until(async () => {
        const counts = await Promise.all(['bidder', ...members.map(({ name }) => name)].map((name) => partitionsOf(stack, name)));
        return counts.reduce((sum, count) => sum + count, 0) === PARTITIONS;
      }, SETTLED_LIMIT_MS);
      settledMs = performance.now() - changedMonoMs;
    } finally {
      for (const member of members) {
        await member.stop();
        stack.forget(member);
      }
      await progress.stop();
    }
    const report = await load.settle({ limitMs: SETTLE_MS });
    if (progress.longestStandstillMs > STANDSTILL_MAX_MS) broken.push(`no bid was made for ${Math.round(progress.longestStandstillMs)} ms`);
    const figures = { longestStandstillMs: Math.round(progress.longestStandstillMs) };
    return { faults: context.faults, report, recoveriesMs: [settledMs], figures, broken: [...broken, ...unaskedEnds(context)] };
  },
};

/** Takes one member out, in order or by death. @returns what was wrong about its end. */
async function leave({ stack, random, say }: RunContext, members: ManagedProcess[]): Promise<string[]> {
  const [member] = members.splice(random.integer(0, members.length - 1), 1);
  if (member === undefined) throw new Error('nobody is left to leave');
  const signal = random.chance(0.5) ? 'SIGTERM' : 'SIGKILL';
  say(`${signal} ${member.name}`);
  const { end, elapsedMs } = await member.stop(signal);
  stack.forget(member);
  if (signal === 'SIGKILL' || (end?.code === 0 && elapsedMs <= STOP_LIMIT_MS)) return [];
  return [`${member.name} ended with ${end?.signal ?? `exit code ${end?.code}`} ${Math.round(elapsedMs)} ms after SIGTERM`];
}

/** The longest time in which nothing was added to a topic. */
class ProgressWatch {
  longestStandstillMs = 0;
  readonly #reader: TopicReader;
  readonly #topic: string;
  #running = true;
  #run: Promise<void> = Promise.resolve();

  static async start(stack: Stack, topic: string): Promise<ProgressWatch> {
    const watch = new ProgressWatch(await TopicReader.open(kafkaConfigOf(stack.kafkaEnv)), topic);
    watch.#run = watch.#watch();
    return watch;
  }

  private constructor(reader: TopicReader, topic: string) {
    this.#reader = reader;
    this.#topic = topic;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#run;
    await this.#reader.close();
  }

  async #watch(): Promise<void> {
    let before = -1;
    let movedMonoMs = performance.now();
    while (this.#running) {
      const ends = await this.#reader.endsOf(this.#topic);
      const sum = ends.reduce((total, { highOffset }) => total + highOffset, 0);
      if (sum !== before) movedMonoMs = performance.now();
      before = sum;
      this.longestStandstillMs = Math.max(this.longestStandstillMs, performance.now() - movedMonoMs);
      await sleep(500);
    }
  }
}
