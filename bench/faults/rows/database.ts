import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sumOf } from '@helios/scripts/metrics-text';
import { until } from '../../processes.js';
import { type DatabaseFault, databaseKills, databaseUnreachable, type DrawDatabaseFault } from '../database-faults.js';
import { DatabaseOutages } from '../database-outages.js';
import { DatabaseWatch } from '../database-watch.js';
import type { Row, RunContext, RunResult } from '../row.js';
import { SmallDisk } from '../small-disk.js';
import { oneBroker } from '../stack.js';
import { unaskedEnds } from './processes.js';

/** Rows 11 to 13: PostgreSQL is killed, cannot be reached, or has no room left. Bids wait in Kafka, and none is given up. */

const SETTLE_MS = 90_000;
const READY_LIMIT_MS = 90_000;
/** KAFKA_MAX_POLL_INTERVAL_MS of the stack is 10 s: the first outage of each run lasts longer. */
const LONG_OUTAGE_MS = { least: 11_000, most: 12_000 };
const DISK_BYTES = 4 * 1024 ** 3;
const DISK_FULL_LIMIT_MS = 30_000;

const promise =
  'bids are accepted all the while; the writer waits, keeps or regains its place, catches up by itself; nothing is dead-lettered';

export const databaseKilled: Row = {
  number: 11,
  title: 'PostgreSQL killed: the server, one of its sessions, an immediate shutdown',
  promise,
  unit: 'kills',
  target: { ci: 1, full: 8 },
  perRun: { ci: 1, full: 3 },
  budgetSeconds: 25,
  shape: oneBroker,
  async run(context) {
    const first = context.random.integer(0, databaseKills.length - 1);
    return runOutages(context, async (outages) => {
      for (let index = 0; index < context.faults; index++) {
        await outages.one(turn(databaseKills, first + index)(context.random), context.random.integer(500, 3000));
      }
    });
  },
};

export const databaseAway: Row = {
  number: 12,
  title: 'PostgreSQL refused, hanging, slow or in a black hole, once longer than max.poll.interval.ms',
  promise: `${promise}; the API answers 503 meanwhile, and is back afterwards`,
  unit: 'outages',
  target: { ci: 1, full: 8 },
  perRun: { ci: 1, full: 4 },
  budgetSeconds: 30,
  shape: oneBroker,
  async run(context) {
    const { random, faults } = context;
    // The first is the long one, and one that lets nothing through.
    const first = random.integer(0, databaseUnreachable.length - 2);
    return runOutages(context, async (outages) => {
      for (let index = 0; index < faults; index++) {
        const lastsMs = index === 0 ? random.integer(LONG_OUTAGE_MS.least, LONG_OUTAGE_MS.most) : random.integer(3000, 6000);
        await outages.one(turn(databaseUnreachable, first + index)(random), lastsMs);
      }
    });
  },
};

/** Row 13. The data is moved, which is quick while it is small: the row is the first on its stack. */
export const databaseDiskFull: Row = {
  number: 13,
  title: "PostgreSQL's disk is full",
  promise: `${promise}; a full disk is no poison`,
  unit: 'full disks',
  target: { ci: 1, full: 8 },
  perRun: { ci: 1, full: 4 },
  budgetSeconds: 30,
  shape: oneBroker,
  async run(context) {
    const { stack, random } = context;
    const database = stack.process('database');
    await database.stop();
    const disk = SmallDisk.mountOver(join(stack.folder, 'database'), DISK_BYTES);
    try {
      await database.start();
      return await runOutages(context, async (outages) => {
        for (let index = 0; index < context.faults; index++) await outages.one(diskFull(disk), random.integer(2000, 5000));
      });
    } finally {
      disk.release();
      await database.stop();
      disk.unmount();
      await database.start();
    }
  },
};

/** In force once the server has said that it has no room. Reads may go on, and the server may end and come back again and again. */
function diskFull(disk: SmallDisk): DatabaseFault {
  return {
    name: "PostgreSQL's disk is full",
    stops: 'writes',
    async begin(stack) {
      const log = join(stack.logFolder, 'database.log');
      const saidBefore = readFileSync(log, 'utf8').length;
      disk.fill();
      const full = async () => readFileSync(log, 'utf8').slice(saidBefore).includes('No space left on device');
      await until(full, DISK_FULL_LIMIT_MS);
      return () => Promise.resolve(disk.release());
    },
  };
}

/** Each kind has its turn. */
function turn(kinds: readonly DrawDatabaseFault[], index: number): DrawDatabaseFault {
  return kinds[index % kinds.length] as DrawDatabaseFault;
}

async function runOutages(context: RunContext, script: (outages: DatabaseOutages) => Promise<void>): Promise<RunResult> {
  const { stack, faults } = context;
  await until(async () => sumOf([await stack.metrics('writer')], 'helios_database_up') === 1, READY_LIMIT_MS);
  const load = await context.startLoad();
  const watch = new DatabaseWatch(stack);
  const outages = new DatabaseOutages(context, load, watch);
  try {
    await sleep(1000);
    await script(outages);
    await outages.judgeSessions();
  } finally {
    await watch.stop();
  }
  const report = await load.settle({ limitMs: SETTLE_MS });
  const { recoveriesMs, figures, broken } = outages;
  // A server without room, or whose sessions were killed, may well end and come back.
  const ends = unaskedEnds(context).filter((sentence) => !sentence.startsWith('database '));
  return { faults, report, recoveriesMs, figures, broken: [...broken, ...ends] };
}
