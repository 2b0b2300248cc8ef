import { setTimeout as sleep } from 'node:timers/promises';
import { sumOf } from '@helios/scripts/metrics-text';
import { hopsOf } from '@helios/scripts/accounting/lag';
import { kafkaConfigOf } from '@helios/scripts/topic-reader';
import { until } from '../../processes.js';
import { CommitWatch } from '../kafka-view.js';
import { untilFlowing } from '../outage-watch.js';
import type { Row, RunContext, RunResult } from '../row.js';
import { type ConsumerName, consumerNames, oneBroker, type Stack } from '../stack.js';
import { shuffled, unaskedEnds } from './processes.js';

/** Row 3: a service is put to sleep for longer than its group waits for it, and wakes up as a zombie. */

const PARTITIONS = 6;
const SESSION_TIMEOUT_MS = 6000;
/** Joining takes as long as the slowest member may be silent, twice over on a machine that is busy. */
const MOVE_LIMIT_MS = 60_000;
const SETTLE_MS = 120_000;
/** What a zombie does with its partitions it does in the first moments. */
const WATCHED_AFTER_MS = 3000;

export const paused: Row = {
  number: 3,
  title: 'SIGSTOP of a service for longer than its session lasts, then SIGCONT',
  promise: 'the woken zombie writes nothing twice and takes no committed offset back; it works again by itself',
  unit: 'pauses',
  target: { ci: 1, full: 15 },
  perRun: { ci: 1, full: 4 },
  budgetSeconds: 45,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const { random, ci } = context;
    const load = await context.startLoad({ perSecond: context.halfCapacityPerSecond * 0.6 });
    const turns = [...shuffled(consumerNames, random), 'ingest' as const];
    const recoveriesMs: number[] = [];
    const broken: string[] = [];
    let commitsRefused = 0;
    await sleep(1000);
    for (let pause = 0; pause < context.faults; pause++) {
      const victim = turns[pause % turns.length] as (typeof turns)[number];
      const pauseMs = random.integer(SESSION_TIMEOUT_MS + 1000, SESSION_TIMEOUT_MS + (ci ? 3000 : 9000));
      if (victim === 'ingest') {
        await sleepAndWake(context, 'ingest', pauseMs);
        recoveriesMs.push(await untilFlowing(load.bids, performance.now(), MOVE_LIMIT_MS));
        continue;
      }
      // One in three has nobody to take over: then the zombie is alone with a group that has forgotten it.
      const others = random.chance(1 / 3) && !ci ? 0 : 1;
      const result = await pauseMember(context, victim, pauseMs, others);
      recoveriesMs.push(result.recoveryMs);
      broken.push(...result.fallen);
      commitsRefused += result.commitsRefused;
    }
    const report = await load.settle({ limitMs: SETTLE_MS });
    return { faults: context.faults, report, recoveriesMs, figures: { commitsRefused }, broken: [...broken, ...unaskedEnds(context)] };
  },
};

/** Pauses one member of a group, with or without another one that takes its partitions over meanwhile. */
async function pauseMember(
  context: RunContext,
  victim: ConsumerName,
  pauseMs: number,
  others: 0 | 1,
): Promise<{ recoveryMs: number; commitsRefused: number; fallen: string[] }> {
  const { stack, say } = context;
  const kafka = kafkaConfigOf(stack.kafkaEnv);
  const hop = hopsOf(kafka)[consumerNames.indexOf(victim)];
  if (hop === undefined) throw new Error(`${victim} reads no topic`);
  const other = others === 0 ? null : await stack.addConsumer(victim);
  const watch = new CommitWatch(stack, hop, PARTITIONS);
  try {
    if (other !== null)
      await until(async () => (await partitionsOf(stack, other.name)) > 0 && (await partitionsOf(stack, victim)) > 0, MOVE_LIMIT_MS);
    const refusedBefore = await commitFailures(stack, victim);
    await sleepAndWake(context, victim, pauseMs, async () => {
      if (other === null) return;
      await until(async () => (await partitionsOf(stack, other.name)) === PARTITIONS, MOVE_LIMIT_MS);
      say(`${other.name} has all partitions`);
    });
    const wokenMonoMs = performance.now();
    await until(async () => {
      const [own, taken] = await Promise.all([partitionsOf(stack, victim), other === null ? 0 : partitionsOf(stack, other.name)]);
      return own > 0 && own + taken === PARTITIONS && (await stack.service(victim).isReady());
    }, MOVE_LIMIT_MS);
    const recoveryMs = performance.now() - wokenMonoMs;
    await sleep(Math.max(0, WATCHED_AFTER_MS - recoveryMs));
    return { recoveryMs, commitsRefused: (await commitFailures(stack, victim)) - refusedBefore, fallen: await watch.stop() };
  } finally {
    await watch.stop();
    if (other !== null) {
      await other.stop();
      stack.forget(other);
    }
  }
}

/** Stops a process for at least `pauseMs`, until `meanwhile` has come true; never leaves it asleep. */
async function sleepAndWake(
  context: RunContext,
  name: ConsumerName | 'ingest',
  pauseMs: number,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const service = context.stack.service(name);
  context.say(`SIGSTOP ${name} for ${pauseMs} ms`);
  service.signal('SIGSTOP');
  try {
    await Promise.all([sleep(pauseMs), meanwhile?.()]);
  } finally {
    service.signal('SIGCONT');
  }
}

export async function partitionsOf(stack: Stack, name: string): Promise<number> {
  return sumOf([await stack.metrics(name)], 'helios_consumer_partitions');
}

async function commitFailures(stack: Stack, name: string): Promise<number> {
  return sumOf([await stack.metrics(name)], 'helios_commit_failures_total');
}
