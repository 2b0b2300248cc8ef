import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Facts about other processes, so that a number in a file is never mistaken for the process that wrote it. */

/** Whether a process with this id exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !existsSync('/proc/self/stat') || statFields(pid)?.[0] !== 'Z';
}

/** Whether the process lives and its command line contains `part`. */
export function isProcessOf(pid: number, part: string): boolean {
  return isAlive(pid) && commandLine(pid).includes(part);
}

/** When the process started, as text that no later process with the same id shares; '' when it is gone. */
export function startMark(pid: number): string {
  if (existsSync('/proc/self/stat')) return statFields(pid)?.[19] ?? '';
  return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
}

function commandLine(pid: number): string {
  if (existsSync('/proc/self/stat')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // gone in between
    }
  }
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
}

/** The fields of /proc/PID/stat that follow the name (which may hold blanks and parentheses): [0] state, [19] start time. */
function statFields(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null; // gone
  }
}
