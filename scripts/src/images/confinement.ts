/** Whether a process is as confined as its image says, by the text of /proc/PID/status. Pure. */

/**
 * What is not so, in sentences.
 * @param user `uid:gid` that it must run as.
 */
export function confinementFaults(status: string, user: string): string[] {
  const [uid = '', gid = ''] = user.split(':');
  const faults: string[] = [];
  const expected: Readonly<Record<string, string>> = {
    Uid: [uid, uid, uid, uid].join(' '),
    Gid: [gid, gid, gid, gid].join(' '),
    Groups: '',
    NoNewPrivs: '1',
    CapEff: '0'.repeat(16),
    CapPrm: '0'.repeat(16),
  };
  for (const [name, wanted] of Object.entries(expected)) {
    const found = fieldOf(status, name);
    if (found !== wanted) faults.push(`${name} is ${found === null ? 'not told' : JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  }
  return faults;
}

/** Resident memory in MiB. */
export function residentMib(status: string): number {
  return Math.round(Number(fieldOf(status, 'VmRSS')?.split(' ')[0] ?? Number.NaN) / 1024);
}

function fieldOf(status: string, name: string): string | null {
  const line = status.split('\n').find((candidate) => candidate.startsWith(`${name}:`));
  return line === undefined
    ? null
    : line
        .slice(name.length + 1)
        .trim()
        .replaceAll(/\s+/g, ' ');
}
