import { UsageError } from '../cli.js';
import type { RunFacts } from '../run-file.js';

/** What Prometheus scrapes on this machine: the admin port of every service. Pure. */

export interface Target {
  /** The role: the label `job`, as in Kubernetes. */
  readonly job: string;
  /** Host and admin port: the label `instance`. */
  readonly address: string;
}

/** The services that a launcher runs, whether they answer now or not. Siblings (`ingest-2`) have one role. */
export function targetsOf(facts: Pick<RunFacts, 'addresses' | 'children'>): Target[] {
  const host = new URL(facts.addresses.bid).hostname;
  return facts.children.flatMap(({ name, adminPort }) =>
    adminPort === null ? [] : [{ job: name.replace(/-\d+$/, ''), address: `${host}:${adminPort}` }],
  );
}

/** @param text `ROLE=HOST:PORT`. @throws UsageError */
export function parseTarget(text: string): Target {
  const match = /^([a-z][a-z0-9-]*)=([^\s/=]+:\d{1,5})$/.exec(text);
  if (match === null)
    throw new UsageError(`--target is ${JSON.stringify(text)}: it accepts ROLE=HOST:PORT, such as bidder=127.0.0.1:9102.`);
  const [, job = '', address = ''] = match;
  return { job, address };
}

/** Prometheus' file of targets: it reads it again whenever it changes. */
export function targetsFile(targets: readonly Target[]): string {
  return `${JSON.stringify(
    targets.map(({ job, address }) => ({ targets: [address], labels: { job } })),
    null,
    2,
  )}\n`;
}
