import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '@helios/scripts/random';
import type { Row, RunContext, RunResult } from '../row.js';
import { consumerNames, oneBroker, type ServiceName } from '../stack.js';

/** Rows 1 and 2: Helios' own processes killed and stopped under load. */

const SETTLE_MS = 60_000;
/** Services that are killed; the API and profile-svc hold no bids, and must not harm any. */
const victims: readonly ServiceName[] = ['ingest', 'bidder', 'auction', 'writer', 'profile-svc', 'api'];
const STOP_LIMIT_MS = 10_000;

/** Row 1: `kill -9` at random, two at once in one of five; the supervisor starts them again after 300 ms. */
export const killed: Row = {
  number: 1,
  title: 'kill -9 of each Helios process at random, two at once in one of five',
  promise: 'nothing accepted is lost, nothing is stored twice; a killed service is ready again by itself',
  unit: 'kills',
  target: { ci: 10, full: 200 },
  perRun: { ci: 10, full: 40 },
  budgetSeconds: 60,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const { stack, random, say } = context;
    const load = await context.startLoad();
    const recoveries: Promise<number>[] = [];
    let kills = 0;
    const turns: ServiceName[] = [];
    await sleep(1000);
    while (kills < context.faults) {
      const count = Math.min(context.faults - kills, random.chance(0.2) ? 2 : 1);
      const chosen: ServiceName[] = [];
      while (chosen.length < count) {
        // Each service gets its turn; in which order is the seed's choice. One that is down already waits for the next round.
        if (turns.length === 0) turns.push(...shuffled(victims, random));
        const name = turns.pop() as ServiceName;
        if (!chosen.includes(name) && stack.service(name).pid !== null) chosen.push(name);
      }
      say(`kill -9 ${chosen.join(' and ')}`);
      for (const name of chosen) recoveries.push(killAndTime(context, name));
      kills += chosen.length;
      await sleep(context.ci ? random.integer(1000, 2500) : random.integer(1500, 3500));
    }
    const recoveriesMs = await Promise.all(recoveries);
    const report = await load.settle({ limitMs: SETTLE_MS });
    return { faults: kills, report, recoveriesMs, figures: {}, broken: unaskedEnds(context) };
  },
};

/** Row 2: SIGTERM as in a deploy, one service after the other, under load. */
export const terminated: Row = {
  number: 2,
  title: 'SIGTERM of a service under load',
  promise: 'exit code 0 within 10 s; what was accepted is finished or left to the next process, nothing is dropped',
  unit: 'stops',
  target: { ci: 5, full: 60 },
  perRun: { ci: 5, full: 20 },
  budgetSeconds: 60,
  shape: oneBroker,
  async run(context): Promise<RunResult> {
    const { stack, random, say } = context;
    const load = await context.startLoad();
    const recoveriesMs: number[] = [];
    const stopsMs: number[] = [];
    const broken: string[] = [];
    const turns: ServiceName[] = [];
    await sleep(1000);
    for (let stop = 0; stop < context.faults; stop++) {
      if (turns.length === 0) turns.push(...shuffled(victims, random));
      const name = turns.pop() as ServiceName;
      say(`SIGTERM ${name}`);
      const { end, elapsedMs, readyAfterMs } = await stack.service(name).restart('SIGTERM');
      stopsMs.push(elapsedMs);
      recoveriesMs.push(readyAfterMs);
      if (end?.code !== 0 || elapsedMs > STOP_LIMIT_MS)
        broken.push(`${name} ended with ${end?.signal ?? `exit code ${end?.code}`} ${Math.round(elapsedMs)} ms after SIGTERM`);
      await sleep(random.integer(200, 1000));
    }
    const report = await load.settle({ limitMs: SETTLE_MS });
    return {
      faults: context.faults,
      report,
      recoveriesMs,
      figures: { slowestStopMs: Math.round(Math.max(...stopsMs)) },
      broken: [...broken, ...unaskedEnds(context)],
    };
  },
};

/** A copy in an order that the seed gives, all orders alike. */
export function shuffled<T>(list: readonly T[], random: SeededRandom): T[] {
  const copy = [...list];
  for (let index = copy.length - 1; index > 0; index--) {
    const other = random.integer(0, index);
    [copy[index], copy[other]] = [copy[other] as T, copy[index] as T];
  }
  return copy;
}

async function killAndTime(context: RunContext, name: ServiceName): Promise<number> {
  const service = context.stack.service(name);
  const startedMonoMs = performance.now();
  const { exited } = service;
  service.signal('SIGKILL');
  await exited;
  await service.ready();
  return performance.now() - startedMonoMs;
}

/** Ends of processes that no row had asked for: a crash, whatever became of the bids. Counted from the run's beginning. */
export function unaskedEnds(context: RunContext): string[] {
  return context.stack
    .takeEnds()
    .filter((end) => !end.asked)
    .map((end) => `${end.name} ended by itself (${end.signal ?? `exit code ${end.code}`}); its log: ${end.logFile}`);
}

/** Lag of the three groups as the consumers see it; for rows that watch it grow and fall. */
export async function lagMessages(context: RunContext): Promise<number> {
  let lag = 0;
  for (const name of consumerNames) {
    const scrape = await context.stack.metrics(name).catch(() => null);
    for (const sample of scrape?.get('helios_consumer_lag_messages') ?? []) lag += sample.value;
  }
  return lag;
}
