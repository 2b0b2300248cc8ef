import type { Row } from '../row.js';
import { databaseAway, databaseDiskFull, databaseKilled } from './database.js';
import { acksLost, leaderKilled, tooManyDown } from './brokers.js';
import { kafkaDiskFull } from './kafka-disk.js';
import { hostileBodies, oversized, slowClients, vanishingClients } from './hostile.js';
import { overloaded } from './overload.js';
import { paused } from './pauses.js';
import { poisoned } from './poison.js';
import { killed, noFault, terminated } from './processes.js';
import { profileServiceHangs, profileServiceIsDown, profileServiceIsWrong, redisFails } from './profiles.js';
import { rebalanced } from './rebalances.js';
import { redelivered } from './redelivery.js';
import { soaked } from './soak.js';
import { startedInAnyOrder } from './starts.js';

/**
 * Every row, in the order in which they run. Every account audits the whole database, so rows that fill it come last; and the soak after
 * row 0, which warms up for it, on the same processes.
 */
export const rows: readonly Row[] = [
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
  noFault,
  soaked,
  leaderKilled,
  tooManyDown,
  acksLost,
  databaseDiskFull,
  kafkaDiskFull,
];

/** The same by number, for people. */
export const rowsByNumber: readonly Row[] = rows.toSorted((a, b) => a.number - b.number);
