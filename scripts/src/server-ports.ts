import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFree } from './ports.js';

/** Ports of the stack's servers on 127.0.0.1: free ones, chosen once and kept beside the data, so that a restart has the same addresses. */
export interface ServerPorts {
  /** One entry a broker. */
  readonly kafka: readonly { readonly client: number; readonly direct: number; readonly controller: number }[];
  readonly redis: number;
  readonly database: number;
}

const HOST = '127.0.0.1';
/** Below the range from which systems take ports for outgoing connections: such a port could be in use at the next start. */
const FIRST = 20_000;
const LAST = 30_000;
const STOPPING_MS = 10_000;
const POLL_MS = 200;

/**
 * The kept ports, or chosen ones where there are none, or where another process has taken one of them meanwhile.
 * @param file where they are kept, as JSON.
 * @param say gets a sentence when an address had to change.
 * @param stoppingMs how long a kept port may stay in use, by servers of an earlier start that are still stopping.
 */
export async function serverPorts(
  file: string,
  brokerCount: number,
  say: (sentence: string) => void,
  stoppingMs = STOPPING_MS,
): Promise<ServerPorts> {
  const kept = readKept(file);
  const used = new Set<number>();
  const deadlineMonoMs = performance.now() + stoppingMs;
  const keptOrFree = async (port: number | undefined): Promise<number> => {
    if (port !== undefined && !used.has(port) && (await becomesFree(port, deadlineMonoMs))) {
      used.add(port);
      return port;
    }
    const chosen = await freePort(used);
    if (port !== undefined) say(`Port ${port} of an earlier start is taken by another process; ${chosen} takes its place.`);
    return chosen;
  };
  const kafka: { client: number; direct: number; controller: number }[] = [];
  for (let index = 0; index < brokerCount; index++) {
    const before = kept?.kafka[index];
    kafka.push({
      client: await keptOrFree(before?.client),
      direct: await keptOrFree(before?.direct),
      controller: await keptOrFree(before?.controller),
    });
  }
  const ports = { kafka, redis: await keptOrFree(kept?.redis), database: await keptOrFree(kept?.database) };
  writeFileSync(`${file}.new`, `${JSON.stringify(ports, null, 2)}\n`);
  renameSync(`${file}.new`, file);
  return ports;
}

function readKept(file: string): ServerPorts | null {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ServerPorts) : null;
}

async function becomesFree(port: number, deadlineMonoMs: number): Promise<boolean> {
  while (!(await isFree(HOST, port))) {
    if (performance.now() > deadlineMonoMs) return false;
    await sleep(POLL_MS);
  }
  return true;
}

async function freePort(used: Set<number>): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST);
    if (used.has(port) || !(await isFree(HOST, port))) continue;
    used.add(port);
    return port;
  }
}
