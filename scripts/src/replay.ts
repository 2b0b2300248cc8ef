/** `npm run replay`: posts recorded bid requests on a fixed schedule, says how they were answered and, if asked, what became of every slot. */
import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { checkRun, type CheckReport } from './accounting/check.js';
import { describeCheck } from './accounting/findings.js';
import { recordStart, type RunStart } from './accounting/hop-reader.js';
import type { PostedRequest } from './accounting/identity.js';
import { decimalNumber, httpAddress, readFlags, runProgram, UsageError, wholeNumber } from './cli.js';
import { type Answer, HttpPoster } from './http-poster.js';
import { sendOpenLoop } from './open-loop.js';
import { type CheckAccess, checkAccess } from './replay-access.js';
import { bodyOfLine, slotsOfBody } from './replay-input.js';
import { Terminal } from './terminal.js';
import { TopicReader } from './topic-reader.js';

const HELP = `Usage: npm run replay -- FILE.jsonl [--url URL] [--rate N] [--verify API] [--brokers HOST:PORT]
                      [--run-file .helios/run.json] [--keep-ids]

Posts every line of the file (a bid request, or an object with a body) on a fixed schedule, whether earlier ones are answered or not.

  --url URL            where to (http://127.0.0.1:8080/bid)
  --rate N             requests per second (500)
  --connections N      connections, kept alive (256)
  --keep-ids           post ids as they are; without it every id gets a prefix that is fresh per run
  --verify API         afterwards check at the analytics API (such as http://127.0.0.1:8000) that every slot of every request that was
                       answered 202 has exactly one end: an outcome, no bid by the rules, or a dead letter
  --brokers HOST:PORT  Kafka, for --verify: reads the dead letters, waits until every consumer group has handled the run, and counts what
                       each topic holds of it: what was lost between two hops, and what came twice
  --run-file FILE      instead of the two: check all that, and that the rollups agree with the stored outcomes, on the API, brokers and
                       database that a start wrote into this file (.helios/run.json); DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD
                       of the environment name a database that is not its own
  --wait N             seconds to wait for what is still on the way, at most (60)

What a check was not given access to is reported as not checked. Topics and SASL or TLS are read from the services' KAFKA_ variables.

Ends with 0, or with 1 when a request got no answer or a 5xx without --verify, or when the check fails.
`;

/** Posted requests are stamped by the services' clocks: another machine's may be off. */
const CLOCK_SLACK_MS = 60_000;

interface Flags {
  readonly file: string;
  readonly url: string;
  readonly perSecond: number;
  readonly connections: number;
  readonly prefix: string | null;
  /** What to check the run on; null: nothing. */
  readonly access: CheckAccess | null;
  readonly waitMs: number;
}

await runProgram('replay', async (args) => {
  const flags = flagsOf(args);
  if (flags === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const terminal = new Terminal(process.stderr);
  const startedAt = new Date();
  const tally = new Map<string, number>();
  const faults = new Map<string, number>();
  const start = await runStart(flags.access);
  const posted = await post(flags, terminal, tally, faults);
  printCounts('answered', tally);
  if (faults.size > 0) printCounts('refused, by field', faults);
  if (flags.access === null) return [...tally.keys()].some((status) => status === 'no answer' || status.startsWith('5')) ? 1 : 0;
  const report = await verify(flags, flags.access, posted, startedAt, start, terminal);
  for (const line of describeCheck(report)) process.stdout.write(`${line}\n`);
  return report.holds ? 0 : 1;
});

function flagsOf(args: readonly string[]): Flags | null {
  const { values, positionals } = readFlags(args, {
    url: { type: 'string' },
    rate: { type: 'string' },
    connections: { type: 'string' },
    'keep-ids': { type: 'boolean' },
    verify: { type: 'string' },
    brokers: { type: 'string' },
    'run-file': { type: 'string' },
    wait: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) return null;
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new UsageError('Name one file to replay.');
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}.`);
  return {
    file,
    url: httpAddress('--url', values.url ?? 'http://127.0.0.1:8080/bid'),
    perSecond: decimalNumber('--rate', values.rate, 500, 0.1, 1_000_000),
    connections: wholeNumber('--connections', values.connections, 256, 1, 10_000),
    prefix: values['keep-ids'] === true ? null : `r${randomBytes(5).toString('hex')}-`,
    access: checkAccess({ api: values.verify, brokers: values.brokers, runFile: values['run-file'] }, process.env),
    waitMs: wholeNumber('--wait', values.wait, 60, 1, 86_400) * 1000,
  };
}

/** Posts the whole file. @returns what was posted, with its answers: kept only when it will be verified. */
async function post(flags: Flags, terminal: Terminal, tally: Map<string, number>, faults: Map<string, number>): Promise<PostedRequest[]> {
  const poster = new HttpPoster(flags.url, flags.connections);
  const posted: PostedRequest[] = [];
  let answered = 0;
  const startedMonoMs = performance.now();
  const progress = setInterval(() => terminal.live(progressLine(answered, startedMonoMs, tally)), 500);
  const result = await sendOpenLoop({
    items: linesOf(flags.file),
    perSecond: flags.perSecond,
    maxInFlight: flags.connections * 4,
    send: async (line, index) => {
      const body = bodyOfLine(line, index, flags.prefix);
      const answer = await poster.post(body.text);
      answered++;
      count(tally, answer.status === null ? 'no answer' : String(answer.status));
      if (answer.status === 400) count(faults, fieldOf(answer));
      if (flags.access !== null) posted.push({ id: body.id, status: answer.status, slots: slotsOfBody(body.text)?.slots ?? [] });
    },
  }).finally(() => clearInterval(progress));
  poster.close();
  terminal.endLive();
  const perSecond = result.elapsedMs === 0 ? 0 : (result.sent * 1000) / result.elapsedMs;
  process.stdout.write(`sent ${result.sent} requests in ${(result.elapsedMs / 1000).toFixed(1)} s (${perSecond.toFixed(0)}/s)`);
  process.stdout.write(
    `${result.late > 0 ? `, ${result.late} of them late` : ''}${flags.prefix === null ? '' : `, ids begin with ${flags.prefix}`}\n`,
  );
  return posted;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY }))
    if (line.trim() !== '') yield line;
}

/** Where the topics end before the first request; null without brokers. */
async function runStart(access: CheckAccess | null): Promise<RunStart | null> {
  if (access === null || access.kafka === null) return null;
  const reader = await TopicReader.open(access.kafka);
  try {
    return await recordStart(reader);
  } finally {
    await reader.close();
  }
}

async function verify(
  flags: Flags,
  access: CheckAccess,
  posted: PostedRequest[],
  startedAt: Date,
  start: RunStart | null,
  terminal: Terminal,
): Promise<CheckReport> {
  // Kept ids may have been stored by an earlier run: the first outcome stays.
  const since = new Date(flags.prefix === null ? 0 : startedAt.getTime() - CLOCK_SLACK_MS);
  try {
    return await checkRun({
      prefix: flags.prefix,
      posted,
      poison: null, // a recording may hold what no service can handle
      ...(access.api === null ? {} : { api: { address: access.api, since } }),
      ...(access.database === null ? {} : { database: access.database }),
      ...(access.kafka === null ? {} : { kafka: { config: access.kafka, start } }),
      limitMs: flags.waitMs,
      progress: (what) => terminal.live(what),
    });
  } finally {
    terminal.endLive();
  }
}

function progressLine(answered: number, startedMonoMs: number, tally: ReadonlyMap<string, number>): string {
  const perSecond = (answered * 1000) / (performance.now() - startedMonoMs);
  const statuses = [...tally].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([status, number]) => `${status}: ${number}`);
  return `answered ${answered} (${perSecond.toFixed(0)}/s)  ${statuses.join('  ')}`;
}

/** The field that a problem names; the body as a whole is shown as such. */
function fieldOf(answer: Answer): string {
  try {
    const field = (JSON.parse(answer.text) as { field?: unknown }).field;
    // Positions differ from request to request; the rule is what counts.
    return typeof field === 'string' && field !== '' ? field.replaceAll(/\/\d+(?=\/|$)/g, '/*') : 'the whole body';
  } catch {
    return 'an answer that is not JSON';
  }
}

function printCounts(what: string, counts: ReadonlyMap<string, number>): void {
  const list = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, number]) => `${name}: ${number}`);
  process.stdout.write(`${what}: ${list.join(', ')}\n`);
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
