import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, type TransactionalDatabase } from '@helios/analytics/db';
import { databaseConfig } from '../faults/accounted-load.js';
import type { Stack } from '../faults/stack.js';

/** What the stack's servers keep on disk. */

export interface StoredBytes {
  /** Bytes of the log segments of Helios' topics, one copy. */
  readonly kafkaBytes: number;
  /** The table of outcomes with its indexes; the rollups with theirs. */
  readonly outcomesBytes: number;
  readonly rollupsBytes: number;
  readonly rows: number;
  /** Written ahead since the server was made. */
  readonly walBytes: number;
}

/** @throws Error when Kafka's folder or the database cannot be read. */
export async function storedBytes(stack: Stack): Promise<StoredBytes> {
  const facts = await stack.process('kafka-1').facts;
  const kafkaBytes = topicLogBytes(String(facts['dataFolder']));
  const database = openDatabase(databaseConfig(stack), { applicationName: 'helios-bench', poolSize: 1, statementTimeoutMs: 60_000 });
  try {
    return { kafkaBytes, ...(await databaseBytes(database)) };
  } finally {
    await database.close();
  }
}

/** The servers that answered, for the result file. */
export async function databaseVersion(stack: Stack): Promise<string> {
  const database = openDatabase(databaseConfig(stack), { applicationName: 'helios-bench', poolSize: 1, statementTimeoutMs: 60_000 });
  try {
    const [row] = await database.query<{ server_version: string }>({ text: 'show server_version' }, []);
    return row?.server_version ?? 'unknown';
  } finally {
    await database.close();
  }
}

async function databaseBytes(database: TransactionalDatabase): Promise<Omit<StoredBytes, 'kafkaBytes'>> {
  const text = `select
      pg_total_relation_size('auction_outcomes')::float8 as "outcomesBytes",
      (select sum(pg_total_relation_size(oid))::float8 from pg_class
        where relkind = 'r' and relname in ('outcome_minutes', 'outcome_hours', 'outcome_day_totals', 'outcome_days')) as "rollupsBytes",
      (select count(*)::float8 from auction_outcomes) as rows,
      pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as "walBytes"`;
  const [row] = await database.query<Omit<StoredBytes, 'kafkaBytes'>>({ text }, []);
  if (row === undefined) throw new Error('the database said nothing about its size');
  return row;
}

/** Segments only: their indexes are laid out in advance and say nothing. Topics of Kafka's own begin with two underscores. */
function topicLogBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || !/^(?!__).+-\d+$/.test(entry.name)) continue;
    for (const file of readdirSync(join(folder, entry.name)))
      if (file.endsWith('.log')) bytes += statSync(join(folder, entry.name, file)).size;
  }
  return bytes;
}
