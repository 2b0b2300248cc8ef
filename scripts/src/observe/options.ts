import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readFlags, UsageError, wholeNumber } from '../cli.js';
import { isAlive } from '../process-info.js';
import type { RunFacts } from '../run-file.js';
import { parseTarget, type Target } from './targets.js';

/** What `npm run observe` is asked to do, and which start of this machine it looks at. */

export const HELP = `Usage: npm run observe [-- --data DIR] [--target ROLE=HOST:PORT] [--interval SECONDS] [--port PORT]

Runs a real Prometheus beside what npm start or npm run stack runs on this machine, with the rules of k8s/infra/prometheus-grafana/prometheus, and
prints where to look. It listens on 127.0.0.1 only, keeps at most 1 GB in the folder observe/ beside the start's data, and ends with Ctrl-C.

  --data DIR       folder of the start to look at (the first that runs of .helios, .helios/stack, .helios/stack-3-brokers)
  --target ROLE=HOST:PORT
                   also scrape a service that no launcher here runs, by its admin port; may be given several times
  --interval N     seconds between two scrapes (2; 1 to 60)
  --port PORT      of Prometheus' pages (9090, or the next that is free)

Needs prometheus on the PATH: scripts/install-system --observe installs Debian's package without starting its service.
`;

export interface ObserveOptions {
  readonly data: string | undefined;
  readonly targets: readonly Target[];
  readonly intervalSeconds: number;
  /** Undefined: one that is free. */
  readonly port: number | undefined;
}

/** @returns null when help is wanted. @throws UsageError */
export function readObserveOptions(args: readonly string[]): ObserveOptions | null {
  const { values, positionals } = readFlags(args, {
    data: { type: 'string' },
    target: { type: 'string', multiple: true },
    interval: { type: 'string' },
    port: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) return null;
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  return {
    data: values.data,
    targets: (values.target ?? []).map(parseTarget),
    intervalSeconds: wholeNumber('--interval', values.interval, 2, 1, 60),
    port: values.port === undefined ? undefined : wholeNumber('--port', values.port, 0, 1, 65_535),
  };
}

/** The folder of a start that runs now; null when none of them does. */
export function runningFolder(folders: readonly string[]): string | null {
  const runs = (folder: string): boolean => {
    const facts = readRunFacts(folder);
    return facts !== null && isAlive(facts.pid);
  };
  return folders.map((folder) => resolve(folder)).find(runs) ?? null;
}

/** What runs in a folder; null when nothing does. */
export function readRunFacts(folder: string): RunFacts | null {
  const path = join(folder, 'run.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RunFacts) : null;
}
