import type { StartOptions } from './start-options.js';

/** What the services stand on: the servers that the launcher starts for them, embedded ones or real ones. */

export type Env = Readonly<Record<string, string>>;
/** What a server's process said when it was ready. */
export type ReadyFacts = Readonly<Record<string, unknown>>;
/** The facts of a server by its name. @throws Error when it has not been ready yet. */
export type FactsOf = (server: string) => ReadyFacts;

/** The variables by which services find their servers; those of a server that the user's environment names are empty. */
export interface Parts {
  /** For every service. */
  readonly kafka: Env;
  /** For the writer, the API and the migrations. */
  readonly database: Env;
  /** For profile-svc. */
  readonly profiles: Env;
}

export const noParts: Parts = { kafka: {}, database: {}, profiles: {} };

export interface ServerSpec {
  readonly name: string;
  /** In a sentence such as "Starting PostgreSQL ...". */
  readonly title: string;
  /** The program's file, relative to the project's folder, and its arguments; `before` is what an earlier start of it reported. */
  readonly args: (before: ReadyFacts | null) => readonly string[];
  /** Null: a server that ends is started again. Otherwise everything stops, and this is why. */
  readonly lossSentence: string | null;
  readonly stopLimitMs: number;
}

/** A program that runs to its end before the services start. */
export interface Preparation {
  readonly name: string;
  /** File, relative to the project's folder, and arguments. */
  readonly args: readonly string[];
  readonly env: Env;
  /** The sentence that says that it failed. */
  readonly failure: string;
}

export interface Foundation {
  readonly servers: readonly ServerSpec[];
  readonly partsOf: (factsOf: FactsOf) => Parts;
  readonly preparations: (parts: Parts) => readonly Preparation[];
  /** Names of the servers without which no service can finish its work; empty when Kafka is the user's. */
  readonly brokers: readonly string[];
  /** Partitions of each topic whose events end together with the broker; null: the broker keeps them for the next start. */
  readonly drainPartitions: number | null;
  /** Lines for the person at the terminal, once everything runs: where the servers are. */
  readonly addressLines: (factsOf: FactsOf) => readonly string[];
  /** Sentences for the same person: what this is good for. */
  readonly remarks: readonly string[];
}

/** The defaults that the user's environment does not set. */
export function unlessSet(options: StartOptions, defaults: Env): Record<string, string> {
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => options.env[name] === undefined));
}
