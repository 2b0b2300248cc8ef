import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** What runs right now, for tests, tools and people: `.helios/run.json`. */
export interface RunFacts {
  /** The launcher's. */
  readonly pid: number;
  readonly startedAt: string;
  readonly kafkaBrokers: string;
  readonly database: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly name: string;
    readonly passwordFile: string | null;
  } | null;
  readonly addresses: Readonly<Record<'bid' | 'api' | 'dashboard' | 'profiles', string>>;
  /** Every child; `pid` null while it waits to be started again. */
  readonly children: readonly {
    readonly name: string;
    readonly pid: number | null;
    /** Of the server that the child supervises; null for services, and until the server takes connections. */
    readonly serverPid: number | null;
    readonly adminPort: number | null;
    readonly deaths: number;
  }[];
}

/** Replaces the file in one step: a reader sees the old facts or the new ones, never half of them. */
export function writeRunFile(path: string, facts: RunFacts): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(facts, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

export function removeRunFile(path: string): void {
  rmSync(path, { force: true });
}
