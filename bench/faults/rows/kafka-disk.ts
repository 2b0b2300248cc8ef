import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../processes.js';
import { untilNoLag } from '../accounted-load.js';
import { OutageWatch, outageRate, untilFlowing } from '../outage-watch.js';
import type { Row, RunContext, RunResult } from '../row.js';
import { SmallDisk } from '../small-disk.js';
import { oneBroker } from '../stack.js';
import { settleOutages } from './brokers.js';

const CONNECTIONS = 1200;
const GIVES_UP_LIMIT_MS = 60_000;
const FLOW_LIMIT_MS = 60_000;
const LEADS_LIMIT_MS = 60_000;
/** Room for what the broker holds already and what a run adds; memory is taken only as it is used. */
const DISK_BYTES = 4 * 1024 ** 3;

/** Row 14: a broker whose only disk is full ends by itself; it is started again when there is space. */
export const kafkaDiskFull: Row = {
  number: 14,
  title: "Kafka's disk full",
  promise: '503 while the broker is down, no 202 that is lost; goes on by itself once there is space and the broker runs again',
  unit: 'full disks',
  target: { ci: 0, full: 1 },
  perRun: { ci: 0, full: 1 },
  budgetSeconds: 0,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const { stack } = context;
    const broker = stack.process('kafka-1');
    await broker.stop();
    const disk = SmallDisk.mountOver(String((await broker.facts)['dataFolder']), DISK_BYTES);
    try {
      await broker.start();
      await stack.untilReady();
      return await fillAgainAndAgain(context, disk);
    } finally {
      await broker.stop();
      disk.unmount();
      await broker.start();
      // It takes connections before it leads its partitions.
      await until(() => untilNoLag(stack, LEADS_LIMIT_MS).then(() => true), LEADS_LIMIT_MS);
    }
  },
};

async function fillAgainAndAgain(context: RunContext, disk: SmallDisk): Promise<RunResult> {
  const { stack, random, say } = context;
  const broker = stack.process('kafka-1');
  const load = await context.startLoad({ perSecond: outageRate(context.halfCapacityPerSecond, CONNECTIONS), connectionsMax: CONNECTIONS });
  const watch = new OutageWatch(stack, load.bids);
  const recoveriesMs: number[] = [];
  const lastedMs: number[] = [];
  await sleep(2000);
  for (let fault = 0; fault < context.faults; fault++) {
    const downMs = random.integer(5000, 10_000);
    say(`the disk is full; there is room again ${downMs} ms after the broker gave up`);
    broker.hold();
    const filledMonoMs = performance.now();
    try {
      disk.fill();
      const end = await Promise.race([broker.exited, sleep(GIVES_UP_LIMIT_MS, 'too long' as const)]);
      lastedMs.push(performance.now() - filledMonoMs);
      if (end === 'too long') {
        watch.broken.push(`the broker still ran ${GIVES_UP_LIMIT_MS / 1000} s after its disk was full`);
        await broker.stop('SIGKILL');
      }
      watch.begin();
      await sleep(downMs);
      await watch.end();
    } finally {
      disk.release();
      await broker.start();
    }
    recoveriesMs.push(await untilFlowing(load.bids, performance.now(), FLOW_LIMIT_MS));
  }
  const result = await settleOutages(context, load, watch, recoveriesMs, { slowestBrokerEndMs: Math.round(Math.max(...lastedMs)) });
  // Its end is what a broker without a disk owes; any other process has to live on.
  return { ...result, broken: result.broken.filter((sentence) => !sentence.startsWith(`${broker.name} ended by itself`)) };
}
