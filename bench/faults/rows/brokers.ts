import { setTimeout as sleep } from 'node:timers/promises';
import { topicDefaults } from '@helios/proto/topics';
import { leaderOf, untilInSync } from '../kafka-view.js';
import type { ManagedProcess } from '../managed-process.js';
import { OutageWatch, outageRate, untilFlowing } from '../outage-watch.js';
import type { Row, RunContext, RunResult } from '../row.js';
import { threeBrokers } from '../stack.js';
import { shuffled, unaskedEnds } from './processes.js';

/** Rows 4 to 6: three brokers, replication 3, `min.insync.replicas` 2; one killed, too many down, and all of them mute. */

const PARTITIONS = 6;
const SETTLE_MS = 120_000;
const FLOW_LIMIT_MS = 60_000;
/** Of a broker, three at once. */
const START_LIMIT_MS = 60_000;
const IN_SYNC_LIMIT_MS = 90_000;
const CONNECTIONS = 1200;
const brokerNames = ['kafka-1', 'kafka-2', 'kafka-3'] as const;

/** Row 4. */
export const leaderKilled: Row = {
  number: 4,
  title: 'kill -9 of the broker that leads a partition of bid requests, of three',
  promise: 'nothing accepted is lost; 503 for a moment at most; 202 again at the old rate by itself',
  unit: 'kills',
  target: { ci: 1, full: 15 },
  perRun: { ci: 1, full: 5 },
  budgetSeconds: 40,
  shape: threeBrokers,
  async run(context): Promise<RunResult> {
    const { stack, random, say, ci } = context;
    const load = await context.startLoad({
      perSecond: outageRate(context.halfCapacityPerSecond, CONNECTIONS),
      connectionsMax: CONNECTIONS,
    });
    const recoveriesMs: number[] = [];
    const inSyncMs: number[] = [];
    await sleep(1000);
    for (let kill = 0; kill < context.faults; kill++) {
      const partition = random.integer(0, PARTITIONS - 1);
      const name = await leaderOf(stack, topicDefaults.KAFKA_TOPIC_BID_REQUESTS, partition);
      const downMs = random.integer(3000, ci ? 5000 : 15_000);
      say(`kill -9 ${name}, leader of partition ${partition}, down for ${downMs} ms`);
      const killedMonoMs = performance.now();
      await stack.process(name).stop('SIGKILL');
      try {
        const flowing = untilFlowing(load.bids, killedMonoMs, FLOW_LIMIT_MS);
        await Promise.all([flowing.then((ms) => recoveriesMs.push(ms)), sleep(downMs)]);
      } finally {
        await stack.process(name).start();
      }
      const backMonoMs = performance.now();
      await untilInSync(stack, IN_SYNC_LIMIT_MS);
      inSyncMs.push(performance.now() - backMonoMs);
    }
    const refused = load.bids.answers['503'] ?? 0;
    const report = await load.settle({ limitMs: SETTLE_MS });
    const figures = { refused, slowestInSyncMs: Math.round(Math.max(...inSyncMs)) };
    return { faults: context.faults, report, recoveriesMs, figures, broken: unaskedEnds(context) };
  },
};

/** Row 5: two of three down, so that no partition has the copies that it needs; then the third too; then all of them back at once. */
export const tooManyDown: Row = {
  number: 5,
  title: 'two of three brokers down (below min.insync.replicas), then all three',
  promise: 'every answer is 503 with Retry-After within the ack timeout, never a 202 that is lost; bounded memory; goes on by itself',
  unit: 'outages',
  target: { ci: 1, full: 10 },
  perRun: { ci: 1, full: 5 },
  budgetSeconds: 60,
  shape: threeBrokers,
  async run(context): Promise<RunResult> {
    const { stack, random, say, ci } = context;
    const load = await context.startLoad({
      perSecond: outageRate(context.halfCapacityPerSecond, CONNECTIONS),
      connectionsMax: CONNECTIONS,
    });
    const watch = new OutageWatch(stack, load.bids);
    const recoveriesMs: number[] = [];
    const startsMs: number[] = [];
    await sleep(1000);
    for (let outage = 0; outage < context.faults; outage++) {
      const order = shuffled(brokerNames, random);
      // Stopped in order, the last broker is told that it is alone and refuses at once; killed, it waits for copies that never come.
      // Either way the controllers have no majority left either, so that nothing can be elected or shrunk any more.
      // The short form kills: brokers that are told to stop wait 8 s each for the majority that is gone.
      const signal = random.chance(0.5) || ci ? 'SIGKILL' : 'SIGTERM';
      const [belowMs, noneMs] = ci
        ? [random.integer(4000, 5000), random.integer(4000, 5000)]
        : [random.integer(5000, 15_000), random.integer(5000, 15_000)];
      say(`${signal} ${order[0]} and ${order[1]}, ${order[2]} after ${belowMs} ms, all back after another ${noneMs} ms`);
      try {
        for (const name of order.slice(0, 2)) await stack.process(name).stop(signal);
        watch.begin();
        await sleep(belowMs);
        await stack.process(order[2] as string).stop(signal);
        await sleep(noneMs);
        await watch.end();
      } finally {
        const startedMonoMs = performance.now();
        const brokers = brokerNames.map((name) => stack.process(name));
        const [flowingMs, majorityMs] = await Promise.all([
          untilFlowing(load.bids, startedMonoMs, START_LIMIT_MS + FLOW_LIMIT_MS),
          majorityBack(brokers).then((atMonoMs) => atMonoMs - startedMonoMs),
        ]);
        startsMs.push(majorityMs);
        recoveriesMs.push(Math.max(0, flowingMs - majorityMs));
      }
      await untilInSync(stack, IN_SYNC_LIMIT_MS);
    }
    return settleOutages(context, load, watch, recoveriesMs, { slowestBrokersBackMs: Math.round(Math.max(...startsMs)) });
  },
};

/** Row 6: what brokers answer does not arrive; what they are asked does. */
export const acksLost: Row = {
  number: 6,
  title: 'acknowledgements of all three brokers lost on the way back',
  promise: '503 within the ack timeout, each request stored at most once; goes on by itself when the connections are reset',
  unit: 'outages',
  target: { ci: 1, full: 15 },
  perRun: { ci: 1, full: 5 },
  budgetSeconds: 30,
  shape: threeBrokers,
  async run(context): Promise<RunResult> {
    const { stack, random, say, ci } = context;
    const load = await context.startLoad({
      perSecond: outageRate(context.halfCapacityPerSecond, CONNECTIONS),
      connectionsMax: CONNECTIONS,
    });
    const watch = new OutageWatch(stack, load.bids);
    const recoveriesMs: number[] = [];
    await sleep(1000);
    for (let outage = 0; outage < context.faults; outage++) {
      const muteMs = random.integer(4000, ci ? 5000 : 10_000);
      say(`no answer of a broker arrives for ${muteMs} ms`);
      let healedMonoMs = 0;
      try {
        for (const name of brokerNames) await stack.proxies.set(name, { kind: 'hang', direction: 'down', onHeal: 'drop-connections' });
        watch.begin();
        await sleep(muteMs);
        await watch.end();
      } finally {
        for (const name of brokerNames) await stack.proxies.heal(name);
        healedMonoMs = performance.now();
      }
      recoveriesMs.push(await untilFlowing(load.bids, healedMonoMs, FLOW_LIMIT_MS));
      await sleep(1000);
    }
    return settleOutages(context, load, watch, recoveriesMs, {});
  },
};

type Load = Awaited<ReturnType<RunContext['startLoad']>>;

/** Stops the load, takes the account, the probes included, and judges what was answered. */
export async function settleOutages(
  context: RunContext,
  load: Load,
  watch: OutageWatch,
  recoveriesMs: number[],
  figures: Record<string, number>,
): Promise<RunResult> {
  const report = await load.settle({ limitMs: SETTLE_MS, alsoPosted: watch.posted });
  const judged = watch.judge();
  const ends = unaskedEnds(context);
  return { faults: context.faults, report, recoveriesMs, figures: { ...figures, ...judged }, broken: [...watch.broken, ...ends] };
}

/** Starts brokers that are down, together. @returns when two of them took connections: enough to acknowledge. */
async function majorityBack(brokers: readonly ManagedProcess[]): Promise<number> {
  const readyMonoMs: number[] = [];
  await Promise.all(
    brokers.map(async (broker) => {
      await broker.start();
      readyMonoMs.push(performance.now());
    }),
  );
  return readyMonoMs[1] as number;
}
