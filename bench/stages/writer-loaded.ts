import { auditRollups } from '@helios/analytics/audit/rollup-audit';
import { settleTables } from '@helios/scripts/made-outcomes/load';
import { idPrefix } from '@helios/scripts/made-outcomes/outcome-sql';
import { LOAD_SEED, type LoadedDatabase, startLoadedDatabase } from '../outcomes/loaded-database.js';
import { treeCpuSeconds } from '../outcomes/process-cpu.js';
import { startHelper, startService, until } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';
import { feeder, run, type StageSample, takeSample } from './consumers.js';
import { outcomeFeed } from './stage-feeds.js';

/**
 * Question: how many new rows a second does one core of the writer store, rollups included, where many are stored already, and what does
 * PostgreSQL spend on each?
 * Method: that of the other consumers, on the database of made-up outcomes. New ids fall all over the primary key, between those that
 * are there. Checked: the count of rows, and then the rollups of the hours written against the rows. What was written is taken out again.
 */
export interface LoadedWriterOptions {
  readonly rowsBefore: number;
  readonly messages: number;
  readonly samples: number;
}

const WARM_UP_MESSAGES = 20_000;

interface Sample extends StageSample {
  /** Of all of the server's processes; null where it cannot be read. */
  readonly postgresCpuMicrosPerRow: number | null;
}

export async function benchLoadedWriter(options: LoadedWriterOptions): Promise<void> {
  const loaded = await startLoadedDatabase(options.rowsBefore);
  const started: { stop(): Promise<void> }[] = [loaded];
  try {
    await takeOut(loaded);
    const broker = await startHelper('scripts/dist/broker.js', []);
    started.push(broker);
    const bootstrap = String(broker.ready['bootstrap']);
    const env = { ...loaded.env, KAFKA_BROKERS: bootstrap, KAFKA_FETCH_WAIT_MAX_MS: '5', KAFKA_SESSION_TIMEOUT_MS: '3000' };
    const writer = await startService('analytics/dist/main.js', ['writer'], env);
    started.push(writer);
    const feed = outcomeFeed(scatteredIds());
    const producer = feeder(bootstrap, feed);
    started.push({ stop: () => producer.close(2000) });
    await until(async () => producer.hasRoom(), 30_000);

    let at = await run('writer', writer, producer, feed, 0, WARM_UP_MESSAGES);
    const samples: Sample[] = [];
    for (let sample = 0; sample < options.samples; sample++) {
      const before = treeCpuSeconds(loaded.pid);
      const { figures, next } = await takeSample('writer', writer, producer, feed, at, options.messages);
      const after = treeCpuSeconds(loaded.pid);
      const perRow = before === null || after === null ? null : rounded(((after - before) * 1e6) / options.messages);
      console.log(`writer: PostgreSQL used ${perRow ?? 'unknown'} us of CPU a row`);
      samples.push({ ...figures, postgresCpuMicrosPerRow: perRow });
      at = next;
    }
    const written = await checkWritten(loaded, at);
    report(options, samples, written);
  } finally {
    for (const part of started.slice(1).toReversed()) await part.stop();
    await takeOut(loaded);
    await loaded.stop();
  }
}

/** Between the ids that were loaded, each far from the one before. */
function scatteredIds(): (index: number) => string {
  const runId = Date.now().toString(36);
  const scattered = (index: number): string => (Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
  return (index) => `${idPrefix(LOAD_SEED)}${scattered(index)}-bench-${runId}-${index}`;
}

/** @throws Error when rows are missing, or the rollups of the hours that were written are not those of the rows. */
async function checkWritten(loaded: LoadedDatabase, expected: number): Promise<object> {
  const text = `select count(*)::float8 as rows from auction_outcomes where "timestamp" >= $1::timestamptz`;
  const [row] = await loaded.database.query<{ rows: number }>({ text }, [loaded.until]);
  if (row?.rows !== expected) throw new Error(`the table has ${row?.rows} new rows, expected ${expected}`);
  const { holds, minutes, hours } = await auditRollups(loaded.database, { since: new Date(loaded.until) });
  if (!holds) throw new Error(`the rollups are not those of the rows: ${JSON.stringify([...minutes.rows, ...hours.rows].slice(0, 3))}`);
  return { rows: expected, rollupsCompared: minutes.compared + hours.compared, rollupsDiffering: 0 };
}

function report(options: LoadedWriterOptions, samples: readonly Sample[], written: object): void {
  const perCore = Math.round(median(samples.map((sample) => sample.messagesPerSecondPerCore)));
  const postgres = samples.flatMap(({ postgresCpuMicrosPerRow }) => (postgresCpuMicrosPerRow === null ? [] : [postgresCpuMicrosPerRow]));
  const path = writeResult(`writer-${rounded(options.rowsBefore / 1e6)}m`, `npm run bench -- writer --rows-before ${options.rowsBefore}`, {
    question: 'new rows a second a core of the writer, rollups included, on a PostgreSQL that holds many rows already; results checked',
    rowsBefore: options.rowsBefore,
    goalRowsPerSecondPerCore: 20_000,
    messagesPerSample: options.messages,
    rowsPerSecondPerCore: perCore,
    writerCpuMicrosPerRow: rounded(median(samples.map((sample) => sample.cpuMicrosPerMessage))),
    postgresCpuMicrosPerRow: postgres.length === 0 ? null : rounded(median(postgres)),
    rowsPerSecond: Math.round(median(samples.map((sample) => sample.messagesPerSecond))),
    written,
    samples,
  });
  console.log(`writer over ${options.rowsBefore} rows: ${perCore} rows a second a core; ${path}`);
}

/** Takes everything after the loaded hours out of the tables again, so that the same data is there for the next bench. */
async function takeOut(loaded: LoadedDatabase): Promise<void> {
  const { database, until: end } = loaded;
  const deleted = await database.query<{ bid_id: string }>(
    { text: `with gone as (delete from auction_outcomes where "timestamp" >= $1::timestamptz returning 1) select from gone limit 1` },
    [end],
  );
  if (deleted.length === 0) return;
  await database.query({ text: `delete from outcome_minutes where minute >= $1::timestamptz` }, [end]);
  await database.query({ text: `delete from outcome_hours where hour >= $1::timestamptz` }, [end]);
  await database.query({ text: `delete from outcome_day_totals where day > $1::timestamptz - interval '24 hours'` }, [end]);
  await settleTables(database);
}
