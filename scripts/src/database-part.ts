import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Env, FactsOf, Preparation, ReadyFacts, ServerSpec } from './foundation.js';
import type { StartOptions } from './start-options.js';

/** PostgreSQL as a part of what the launcher starts. */

const NAME = 'database';
/** It ends last and takes its time: its data must be complete. */
const STOP_LIMIT_MS = 30_000;

/** @param port null takes a free one at the first start, and the same after that: services keep the address. */
export function databaseServer(stateFolder: string, port: number | null): ServerSpec {
  return {
    name: NAME,
    title: 'PostgreSQL',
    args: (before) => ['scripts/dist/database.js', '--data', stateFolder, '--port', String(port ?? Number(before?.['port'] ?? 0))],
    lossSentence: null,
    stopLimitMs: STOP_LIMIT_MS,
  };
}

/** The variables by which services reach it. */
export function databaseEnv(factsOf: FactsOf): Env {
  const { host, port, database, user, passwordFile } = databaseFacts(factsOf);
  const password = readFileSync(passwordFile, 'utf8').trim();
  return { DB_HOST: host, DB_PORT: String(port), DB_NAME: database, DB_USER: user, DB_PASSWORD: password, DB_TLS: 'off', DB_TLS_CA: '' };
}

/** Where it is, in lines for a person. */
export function databaseLines(factsOf: FactsOf): string[] {
  const { host, port, user, passwordFile, dataFolder, movedBecause } = databaseFacts(factsOf);
  const address = `  database   ${host}:${port}, user ${user}, password in ${relative(process.cwd(), passwordFile)}`;
  return movedBecause === null ? [address] : [address, `             its data is in ${dataFolder}: ${movedBecause}`];
}

/** Brings the database's tables up to date. */
export function migration(options: StartOptions, database: Env): Preparation {
  return {
    name: 'migrate',
    args: ['analytics/dist/main.js', 'migrate'],
    env: { ...options.env, ...database },
    failure: 'The database could not be migrated',
  };
}

interface DatabaseFacts {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly passwordFile: string;
  readonly dataFolder: string;
  readonly movedBecause: string | null;
}

function databaseFacts(factsOf: FactsOf): DatabaseFacts {
  return factsOf(NAME) satisfies ReadyFacts as unknown as DatabaseFacts;
}
