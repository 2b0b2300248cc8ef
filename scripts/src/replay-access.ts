import { readFileSync } from 'node:fs';
import { type DatabaseConfig, databaseFaults, databaseSettings } from '@helios/analytics/database-settings';
import { loadConfig } from '@helios/runtime/config';
import { messageOf } from '@helios/runtime/errors';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import type { KafkaConfig } from '@helios/runtime/kafka/client';
import { httpAddress, UsageError } from './cli.js';
import type { RunFacts } from './run-file.js';
import { kafkaConfigOf } from './topic-reader.js';

/** What a replay is to be checked on, from its flags, a run file and the environment. */

type Environment = Readonly<Record<string, string | undefined>>;

export interface CheckAccess {
  /** Address of the analytics API. */
  readonly api: string | null;
  readonly kafka: KafkaConfig | null;
  readonly database: DatabaseConfig | null;
}

export interface AccessFlags {
  readonly api: string | undefined;
  readonly brokers: string | undefined;
  readonly runFile: string | undefined;
}

/** @returns null when nothing is to be checked. @throws UsageError on flags that do not go together, or a run file that cannot be read. */
export function checkAccess(flags: AccessFlags, env: Environment): CheckAccess | null {
  const kafka = (brokers: string) => kafkaConfigOf({ ...env, KAFKA_BROKERS: brokers });
  if (flags.runFile === undefined) {
    if (flags.api === undefined && flags.brokers !== undefined) throw new UsageError('--brokers is used with --verify.');
    if (flags.api === undefined) return null;
    return {
      api: httpAddress('--verify', flags.api),
      kafka: flags.brokers === undefined ? null : kafka(flags.brokers),
      database: null,
    };
  }
  if (flags.api !== undefined || flags.brokers !== undefined) throw new UsageError('--run-file names API and brokers itself.');
  const facts = readFacts(flags.runFile);
  // A start on somebody else's database keeps no password: the environment that named it has to name it here too.
  const reachable = facts.database !== null || (env['DB_HOST'] ?? '') !== '';
  return {
    api: facts.addresses.api,
    kafka: kafka(facts.kafkaBrokers),
    database: reachable ? databaseConfigOf(env, facts.database) : null,
  };
}

/**
 * The way to the database of a start.
 * @param database as the run file has it; null: the one that DB_HOST and the other variables name.
 * @throws HeliosError CONFIG_INVALID
 */
export function databaseConfigOf(env: Environment, database: RunFacts['database']): DatabaseConfig {
  const own: Environment =
    database === null
      ? {}
      : {
          DB_HOST: database.host,
          DB_PORT: String(database.port),
          DB_NAME: database.name,
          DB_USER: database.user,
          DB_PASSWORD: database.passwordFile === null ? '' : readFileSync(database.passwordFile, 'utf8').trim(),
          DB_TLS: 'off',
          DB_TLS_CA: '',
        };
  return loadConfig({ service: 'replay', schema: databaseSettings, env: { ...env, ...own }, knownVariables, check: databaseFaults });
}

function readFacts(path: string): RunFacts {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as RunFacts;
  } catch (error) {
    throw new UsageError(`There is no run file ${path} that can be read (${messageOf(error)}): it is there while Helios runs.`);
  }
}
