import { HeliosError } from '@helios/runtime/errors';
import type { Logger } from '@helios/runtime/log';
import type { Metrics } from '@helios/runtime/metrics';
import type { Database } from './db.js';
import { type DatabaseFault, databaseFault } from './fault-class.js';

/**
 * Whether PostgreSQL answers, as everybody who asks it reports. States: unknown -> up <-> down; each change is logged once, and so is
 * a new reason while down.
 */
export class DatabaseState {
  readonly #log: Logger;
  #state: 'unknown' | 'up' | 'down' = 'unknown';
  #reason = '';
  #faults = 0;

  constructor(log: Logger, metrics: Metrics) {
    this.#log = log;
    metrics.gauge('helios_database_up', '1 while PostgreSQL answered when it was last asked, else 0.', () => (this.up ? 1 : 0));
    metrics.counter(
      'helios_database_faults_total',
      'Statements that failed because PostgreSQL was away or refused work.',
      () => this.#faults,
    );
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  /** Known to be away; false before anybody asked. */
  get down(): boolean {
    return this.#state === 'down';
  }

  succeeded(): void {
    if (this.#state === 'up') return;
    if (this.#state === 'down') this.#log.info('database answers again');
    this.#state = 'up';
    this.#reason = '';
  }

  failed(fault: DatabaseFault): void {
    this.#faults++;
    const reason = `${fault.faultClass} ${fault.sqlstate ?? ''}`;
    if (this.#state === 'down' && this.#reason === reason) return;
    this.#state = 'down';
    this.#reason = reason;
    const error = new HeliosError('DATABASE_UNAVAILABLE', fault.message);
    this.#log.error({ code: error.code, err: error.message, sqlstate: fault.sqlstate, kind: fault.faultClass }, 'database unavailable');
  }
}

const ping = { text: 'select 1' };

/**
 * Asks the database every `intervalMs` whether it is there, so that the gauge tells the truth when there is no work.
 * @returns a function that stops asking.
 */
export function watchDatabase(database: Database, state: DatabaseState, intervalMs: number): () => void {
  let asking = false;
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      await database.query(ping, []);
      state.succeeded();
    } catch (error) {
      state.failed(databaseFault(error));
    } finally {
      asking = false;
    }
  };
  void ask();
  const timer = setInterval(() => void ask(), intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
