import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU seconds that a process and its children have used so far, children that ended included. PostgreSQL works in children of its server.
 * Linux only: null elsewhere. Resolution is the kernel's tick, usually 10 ms.
 */
export function treeCpuSeconds(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  let ticks = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const child = Number(entry);
    if (parentOf(child) === pid) ticks += ticksOf(child, false);
  }
  // Last: a child that ends meanwhile has been counted already and is not lost.
  return (ticks + ticksOf(pid, true)) / ticksPerSecond();
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

/** User and system time; with `ended` that of children that were waited for, too. */
function ticksOf(pid: number, ended: boolean): number {
  const fields = statOf(pid);
  const own = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  return ended ? own + Number(fields[13] ?? 0) + Number(fields[14] ?? 0) : own;
}

function ticksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
}
