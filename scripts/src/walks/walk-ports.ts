import { randomInt } from 'node:crypto';
import { isFree } from '../ports.js';

/**
 * Ports for a walk. The pages name Helios' own ports; a walk runs on free ones, so that it disturbs nothing and nothing disturbs it. What the
 * environment cannot move (addresses in commands) is put in the place of the page's address, and back in what was printed.
 */
export interface WalkPorts {
  /** For the services. */
  readonly env: Readonly<Record<string, string>>;
  /** A command as it is run. */
  readonly toChosen: (command: string) => string;
  /** What it printed, with the page's ports. */
  readonly toPage: (printed: string) => string;
}

/** The ports of the pages, in the order in which they are given chosen ones; admin ports are counted up by the launcher. */
const variables = { INGEST_PORT: 8080, PROFILE_PORT: 50_051, ANALYTICS_PORT: 8000, DASHBOARD_PORT: 3000 } as const;
const FIRST_ADMIN = 9101;
const ADMIN_COUNT = 20;
const PROMETHEUS = 9090;
const PAGE_PORTS = [
  ...Object.values(variables),
  PROMETHEUS,
  ...Array.from({ length: ADMIN_COUNT }, (_, index) => FIRST_ADMIN + index),
] as const;

/** Below the range from which the stack's servers and the system take theirs. */
const FIRST = 12_000;
const LAST = 19_000;
const TRIES = 100;

/** Chooses ports in a row that are free now. @throws Error when there are none. */
export async function chooseWalkPorts(): Promise<WalkPorts> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const first = randomInt(FIRST, LAST);
    const free = await Promise.all(PAGE_PORTS.map((_, index) => isFree('127.0.0.1', first + index)));
    if (free.every(Boolean)) return portsFrom(first);
  }
  throw new Error(`There are no ${PAGE_PORTS.length} free ports in a row from ${FIRST} to ${LAST}.`);
}

/** The ports from `first` on. Pure. */
export function portsFrom(first: number): WalkPorts {
  const chosen = new Map(PAGE_PORTS.map((port, index) => [port, first + index]));
  const shown = new Map([...chosen].map(([page, own]) => [own, page]));
  const env = Object.fromEntries(Object.entries(variables).map(([name, port]) => [name, String(chosen.get(port))]));
  return {
    env: { ...env, ADMIN_PORT: String(chosen.get(FIRST_ADMIN)) },
    toChosen: (command) => replaced(command, chosen),
    toPage: (printed) => replaced(printed, shown),
  };
}

function replaced(text: string, ports: ReadonlyMap<number, number>): string {
  return text.replaceAll(/(\b(?:127\.0\.0\.1|localhost):|--port )(\d+)\b/g, (all, before: string, port: string) => {
    const other = ports.get(Number(port));
    return other === undefined ? all : `${before}${other}`;
  });
}
