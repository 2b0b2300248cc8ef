import { quantile } from '../load/quantile.js';
import { getOnce, runGetLoad } from '../load/get-load.js';
import { type Question, questionsFor } from '../outcomes/api-questions.js';
import { readCsvExport } from '../outcomes/csv-export.js';
import { type LoadedDatabase, startLoadedDatabase } from '../outcomes/loaded-database.js';
import { treeCpuSeconds } from '../outcomes/process-cpu.js';
import { freePort, type Measured, scrape, startService } from '../processes.js';
import { median, rounded, writeResult } from '../result-file.js';

/**
 * Question: how long does the analytics API take for each kind of question over one and over ten million stored outcomes?
 * Method: the real `analytics api` process (rate limit off) over a PostgreSQL with its default settings; every path is asked once and its
 * answer checked against the rows, then all paths of a question in turn by the open-loop sender; every further answer must be the same
 * bytes. Latency counts from the intended time of leaving.
 */

export interface ApiBenchOptions {
  readonly rowCounts: readonly number[];
  /** Length of the measurement of one question; a fifth of it before that is warm-up. */
  readonly seconds: number;
  /** Only questions whose name holds this text. */
  readonly only: string;
}

/** As many as the API has connections to the database, twice. */
const CONNECTIONS = 16;
const CSV_ROWS_MAX = 1_000_000;

interface Figures {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly paths: number;
  /** The path with the greatest median: a plan that is wrong for some values shows here. */
  readonly slowestPath: { readonly path: string; readonly medianMs: number };
  readonly sentLate: number;
  readonly unansweredMax: number;
  /** CPU milliseconds a request: unlike latency these hardly depend on what else the machine does. */
  readonly cpuMs: { readonly api: number; readonly postgres: number | null };
}

interface DatasetResult {
  readonly figures: Readonly<Record<string, Figures>>;
  readonly csv: object | null;
  readonly rssMb: { readonly before: number; readonly after: number };
}

export async function benchApi(options: ApiBenchOptions): Promise<void> {
  const datasets = new Map<number, DatasetResult>();
  let asked: readonly Question[] = [];
  for (const rows of options.rowCounts) {
    const loaded = await startLoadedDatabase(rows);
    try {
      asked = (await questionsFor(loaded)).filter(({ name }) => name.includes(options.only));
      datasets.set(rows, await measureDataset(loaded, asked, options));
    } finally {
      await loaded.stop();
    }
  }
  const path = writeResult('api', 'npm run bench -- api', {
    question: 'latency of each kind of question to the analytics API, from the intended send, answers checked against the rows',
    method: {
      connections: CONNECTIONS,
      secondsAQuestion: options.seconds,
      postgres: 'default settings',
      page: 50,
      note: 'load, API and database share the machine; cursors of page 10,000 are made by SQL and encodeCursor, not walked to',
    },
    questions: asked.map((question) => sideBySide(question, datasets)),
    pageRatio: pageRatio(datasets),
    exports: Object.fromEntries([...datasets].map(([rows, { csv }]) => [rows, csv])),
    rssMb: Object.fromEntries([...datasets].map(([rows, { rssMb }]) => [rows, rssMb])),
  });
  console.log(`api: ${path}`);
}

async function measureDataset(loaded: LoadedDatabase, asked: readonly Question[], options: ApiBenchOptions): Promise<DatasetResult> {
  const port = await freePort();
  const api = await startService('analytics/dist/main.js', ['api'], {
    ...loaded.env,
    ANALYTICS_PORT: String(port),
    ANALYTICS_RATE_LIMIT: '0',
  });
  try {
    const figures: Record<string, Figures> = {};
    const before = await rssMb(api);
    const csv = options.only === '' || 'csv'.includes(options.only) ? await exportCsv(port, api, loaded) : null;
    for (const question of asked) {
      const found = await measure({ port, api, postgresPid: loaded.pid }, question, options.seconds);
      figures[question.name] = found;
      const verdict = found.p99Ms <= question.goalP99Ms ? 'within' : 'OVER';
      console.log(
        `${loaded.rows} rows, ${question.name}: p50 ${found.p50Ms} ms, p99 ${found.p99Ms} ms (${verdict} ${question.goalP99Ms}), max ${found.maxMs} ms` +
          `, CPU ${found.cpuMs.api} + ${found.cpuMs.postgres ?? '?'} ms` +
          ` at ${question.perSecond}/s; slowest path ${found.slowestPath.medianMs} ms ${found.slowestPath.path}` +
          (found.sentLate > 0 ? `; ${found.sentLate} of ${found.requests} were sent late` : ''),
      );
    }
    return { figures, csv, rssMb: { before, after: await rssMb(api) } };
  } finally {
    await api.stop();
  }
}

interface Target {
  readonly port: number;
  readonly api: Measured;
  readonly postgresPid: number;
}

async function measure(target: Target, question: Question, seconds: number): Promise<Figures> {
  const { port } = target;
  const bodies = new Map<string, string>();
  for (const { path, check } of question.asked) {
    const { status, body } = await getOnce(port, path);
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body.slice(0, 300)}`);
    check(body);
    bodies.set(path, body);
  }
  const { asked, perSecond } = question;
  const pathOf = (n: number): string => asked[n % asked.length]?.path ?? '';
  const load = (duration: number) =>
    runGetLoad({
      port,
      pathOf,
      perSecond,
      connectionsMax: CONNECTIONS,
      requests: Math.max(asked.length, Math.ceil(perSecond * duration)),
      check: (path, { status, body }) => {
        if (status !== 200 || body !== bodies.get(path)) throw new Error(`${path} answered ${status}, or other bytes than before`);
      },
    });
  await load(seconds / 5);
  const cpuBefore = await cpuSeconds(target);
  const { latenciesMs, sentLate, unansweredMax } = await load(seconds);
  const cpuAfter = await cpuSeconds(target);
  const sorted = latenciesMs.slice().sort();
  return {
    requests: sorted.length,
    p50Ms: rounded(quantile(sorted, 0.5)),
    p99Ms: rounded(quantile(sorted, 0.99)),
    maxMs: rounded(quantile(sorted, 1)),
    paths: asked.length,
    slowestPath: slowest(
      asked.map(({ path }) => path),
      latenciesMs,
    ),
    sentLate,
    unansweredMax,
    cpuMs: {
      api: rounded(((cpuAfter.api - cpuBefore.api) * 1000) / sorted.length),
      postgres:
        cpuAfter.postgres === null || cpuBefore.postgres === null
          ? null
          : rounded(((cpuAfter.postgres - cpuBefore.postgres) * 1000) / sorted.length),
    },
  };
}

async function cpuSeconds({ api, postgresPid }: Target): Promise<{ api: number; postgres: number | null }> {
  return { api: (await scrape(api.adminPort))('process_cpu_seconds_total'), postgres: treeCpuSeconds(postgresPid) };
}

function slowest(paths: readonly string[], latenciesMs: Float64Array): Figures['slowestPath'] {
  const medians = paths.map((path, index) => ({
    path,
    medianMs: rounded(median(Array.from(latenciesMs).filter((_, n) => n % paths.length === index))),
  }));
  return medians.reduce((worst, each) => (each.medianMs > worst.medianMs ? each : worst));
}

/** Everything as CSV, at most a million rows; how much memory the API took meanwhile. */
async function exportCsv(port: number, api: Measured, loaded: LoadedDatabase): Promise<object> {
  const expected = Math.min(CSV_ROWS_MAX, loaded.rows);
  const before = await rssMb(api);
  let most = before;
  const watch = setInterval(() => void rssMb(api).then((now) => (most = Math.max(most, now))), 200);
  try {
    const found = await readCsvExport(port, `/api/outcomes/?format=csv&limit=${expected}`);
    if (found.rows !== expected) throw new Error(`the CSV has ${found.rows} rows, expected ${expected}`);
    const rowsPerSecond = Math.round(found.rows / found.seconds);
    console.log(
      `${loaded.rows} rows, CSV of ${found.rows}: ${rowsPerSecond} rows/s, RSS ${before} MB before, at most ${most} MB meanwhile`,
    );
    return { ...found, seconds: rounded(found.seconds), rowsPerSecond, rssBeforeMb: before, rssMostMb: most };
  } finally {
    clearInterval(watch);
  }
}

async function rssMb(service: Measured): Promise<number> {
  return Math.round((await scrape(service.adminPort))('process_resident_memory_bytes') / 1e6);
}

function sideBySide(question: Question, datasets: ReadonlyMap<number, DatasetResult>): object {
  const { name, goalP99Ms, perSecond } = question;
  const rows = Object.fromEntries([...datasets].map(([count, { figures }]) => [count, figures[name]]));
  return { name, goalP99Ms, perSecond, holds: Object.values(rows).every((found) => found !== undefined && found.p99Ms <= goalP99Ms), rows };
}

/** What the 10,000th page costs beside the first, medians. */
function pageRatio(datasets: ReadonlyMap<number, DatasetResult>): object {
  return Object.fromEntries(
    [...datasets].map(([rows, { figures }]) => {
      const [first, deep] = [figures['page 1'], figures['page 10,000']];
      return [rows, first === undefined || deep === undefined ? null : rounded(deep.p50Ms / first.p50Ms)];
    }),
  );
}
