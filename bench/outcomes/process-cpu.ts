import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU seconds that a process and all that it started, directly or not, have used so far, those included that ended and were waited for.
 * PostgreSQL works in children of its server. Linux only: null elsewhere. Resolution is the kernel's tick, usually 10 ms.
 */
export function treeCpuSeconds(pid: number): number | null {
  return treesCpuSeconds([pid])?.[0] ?? null;
}

/** The same of several processes, in their order, by one look at the table of processes: a few milliseconds, in which nothing else runs. */
export function treesCpuSeconds(pids: readonly number[]): number[] | null {
  if (process.platform !== 'linux') return null;
  const childrenOf = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const child = Number(entry);
    const parent = parentOf(child);
    const siblings = childrenOf.get(parent);
    if (siblings === undefined) childrenOf.set(parent, [child]);
    else siblings.push(child);
  }
  return pids.map((pid) => ticksOfTree(pid, childrenOf) / ticksPerSecond());
}

/** Children first: one that ends meanwhile has been counted already and is not lost. */
function ticksOfTree(pid: number, childrenOf: ReadonlyMap<number, readonly number[]>): number {
  const children = childrenOf.get(pid) ?? [];
  return children.reduce((sum, child) => sum + ticksOfTree(child, childrenOf), 0) + ticksOf(pid);
}

/** Fields of /proc/PID/stat that follow the name; [] when the process is gone. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

/** User and system time, with that of children that ended and were waited for. */
function ticksOf(pid: number): number {
  return statOf(pid)
    .slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0);
}

let knownTicksPerSecond: number | undefined;

/** Asked of a program once: starting one holds up a process that keeps a schedule for tens of milliseconds. */
function ticksPerSecond(): number {
  return (knownTicksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })));
}
