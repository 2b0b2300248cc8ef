import { readFileSync } from 'node:fs';
import { treeCpuSeconds } from '../outcomes/process-cpu.js';
import { rounded } from '../result-file.js';
import type { MachineSample } from './judge.js';

/** How much of the machine others take while the gate measures. Linux only. */

/** Seconds of all cores together since the system started, and of this process with everything that it started. */
export interface MachineTimes {
  readonly totalSeconds: number;
  readonly idleSeconds: number;
  readonly ownSeconds: number;
}

/** Null where the system does not tell. */
export function machineTimes(): MachineTimes | null {
  const ownSeconds = treeCpuSeconds(process.pid);
  if (ownSeconds === null) return null;
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is in these already. The kernel's own unit here is 1/100 s.
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map((field) => Number(field) / 100);
  return { totalSeconds: user + nice + system + idle + iowait + irq + softirq + steal, idleSeconds: idle + iowait, ownSeconds };
}

/** What became of the time between two readings. Pure. */
export function machineBetween(before: MachineTimes | null, after: MachineTimes | null): MachineSample | null {
  if (before === null || after === null) return null;
  const total = after.totalSeconds - before.totalSeconds;
  if (total <= 0) return null;
  const idle = after.idleSeconds - before.idleSeconds;
  const own = after.ownSeconds - before.ownSeconds;
  return { othersShare: rounded(Math.max(0, total - idle - own) / total, 3), idleShare: rounded(idle / total, 3) };
}
