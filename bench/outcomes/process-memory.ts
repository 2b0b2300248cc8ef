import { readdirSync, readFileSync } from 'node:fs';

/**
 * Bytes of memory that a process and its children hold, what several share counted once (the kernel's proportional share). PostgreSQL's
 * processes share most of what each of them seems to hold. Null where it cannot be read: not Linux, or a process of another user.
 */
export function treeMemoryBytes(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  let bytes = proportionalBytes(pid);
  if (bytes === null) return null;
  for (const entry of readdirSync('/proc'))
    if (/^\d+$/.test(entry) && parentOf(entry) === pid) bytes += proportionalBytes(Number(entry)) ?? 0;
  return bytes;
}

function proportionalBytes(pid: number): number | null {
  try {
    const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null; // gone, or not ours to read
  }
}

function parentOf(entry: string): number {
  try {
    const text = readFileSync(`/proc/${entry}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0; // ended meanwhile
  }
}
