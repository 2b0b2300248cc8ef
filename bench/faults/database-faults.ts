import { openDatabase } from '@helios/analytics/db';
import type { SeededRandom } from '@helios/scripts/random';
import { databaseConfig } from './accounted-load.js';
import type { Fault } from './proxy/fault.js';
import type { Stack } from './stack.js';

/** What the rows do to PostgreSQL and to the way to it. */

export interface DatabaseFault {
  readonly name: string;
  /** What fails or waits while it lasts: every statement, every one that needs room, or only some. */
  readonly stops: 'all' | 'writes' | 'some';
  /** Resolves when the fault is in force, with what ends it. */
  begin(stack: Stack): Promise<() => Promise<void>>;
}

export type DrawDatabaseFault = (random: SeededRandom) => DatabaseFault;

const STATEMENT_TIMEOUT_MS = 5000;

export const databaseKills: readonly DrawDatabaseFault[] = [
  () => down('PostgreSQL is killed and held down', 'SIGKILL'),
  () => backendKilled,
  () => down('PostgreSQL is shut down at once and held down', 'SIGQUIT'),
];

/** The last of them leaves some statements to succeed, the others none. */
export const databaseUnreachable: readonly DrawDatabaseFault[] = [
  () => proxied('PostgreSQL refuses connections', { kind: 'refuse' }, 'all'),
  () => proxied('PostgreSQL hangs', { kind: 'hang' }, 'all'),
  () => proxied('the way to PostgreSQL is a black hole', { kind: 'blackhole' }, 'all'),
  (random) => {
    const latencyMs = random.integer(200, 1500);
    return proxied(`PostgreSQL answers after ${latencyMs} ms`, { kind: 'latency', direction: 'down', latencyMs }, 'some');
  },
];

/** SIGQUIT is PostgreSQL's immediate shutdown: like a crash, but for the sessions that are told. */
function down(name: string, signal: 'SIGKILL' | 'SIGQUIT'): DatabaseFault {
  return {
    name,
    stops: 'all',
    async begin(stack) {
      const database = stack.process('database');
      const { exited } = database;
      database.hold();
      database.signal(signal);
      await exited;
      return () => database.start();
    },
  };
}

/** The server ends all sessions and recovers as from a crash when one of its processes dies so. */
const backendKilled: DatabaseFault = {
  name: "the writer's session is killed within PostgreSQL",
  stops: 'some',
  async begin(stack) {
    const database = openDatabase(databaseConfig(stack), {
      applicationName: 'faults',
      poolSize: 1,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    try {
      const text = "select pid from pg_stat_activity where application_name = 'helios-writer' order by query_start desc limit 1";
      const [session] = await database.query<{ pid: number }>({ text }, []);
      if (session === undefined) throw new Error('the writer has no session');
      process.kill(session.pid, 'SIGKILL');
    } finally {
      await database.close();
    }
    return () => Promise.resolve();
  },
};

function proxied(name: string, fault: Fault, stops: DatabaseFault['stops']): DatabaseFault {
  return {
    name,
    stops,
    async begin({ proxies }) {
      await proxies.set('database', fault);
      return () => proxies.heal('database');
    },
  };
}
