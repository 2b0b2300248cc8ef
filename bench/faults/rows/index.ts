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

/** Every row, in the order of its number, but for the soak: after row 0 it finds the services warm and not yet started anew. */
export const rows: readonly Row[] = [
  noFault,
  soaked,
  killed,
  terminated,
  paused,
  leaderKilled,
  tooManyDown,
  acksLost,
  redisFails,
  profileServiceIsDown,
  profileServiceHangs,
  profileServiceIsWrong,
  databaseKilled,
  databaseAway,
  databaseDiskFull,
  kafkaDiskFull,
  poisoned,
  hostileBodies,
  oversized,
  slowClients,
  vanishingClients,
  overloaded,
  rebalanced,
  redelivered,
  startedInAnyOrder,
];
