import type { Row } from '../row.js';
import { databaseAway, databaseDiskFull, databaseKilled } from './database.js';
import { acksLost, leaderKilled, tooManyDown } from './brokers.js';
import { kafkaDiskFull } from './kafka-disk.js';
import { hostileBodies, oversized, slowClients, vanishingClients } from './hostile.js';
import { noFault, soaked } from './no-fault.js';
import { overloaded } from './overload.js';
import { paused } from './pauses.js';
import { poisoned } from './poison.js';
import { killed, terminated } from './processes.js';
import { profileServiceHangs, profileServiceIsDown, profileServiceIsWrong, redisFails } from './profiles.js';
import { rebalanced } from './rebalances.js';
import { redelivered } from './redelivery.js';
import { startedInAnyOrder } from './starts.js';

/**
 * Every row, in the order in which they run. First the one that moves the database's data, last those that fill it: every account audits all
 * of it. The soak comes after the overload, which warms the services up for it, and before row 0, which it may stand for.
 */
export const rows: readonly Row[] = [
  databaseDiskFull,
  killed,
  terminated,
  paused,
  redisFails,
  profileServiceIsDown,
  profileServiceHangs,
  profileServiceIsWrong,
  databaseKilled,
  databaseAway,
  poisoned,
  slowClients,
  vanishingClients,
  rebalanced,
  redelivered,
  startedInAnyOrder,
  hostileBodies,
  oversized,
  overloaded,
  soaked,
  noFault,
  leaderKilled,
  tooManyDown,
  acksLost,
  kafkaDiskFull,
];

/** The same by number, for people. */
export const rowsByNumber: readonly Row[] = rows.toSorted((a, b) => a.number - b.number);
