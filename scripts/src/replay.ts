/** `npm run replay`: posts recorded bid requests on a fixed schedule, says how they were answered and, if asked, what became of every slot. */
import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { account, type AccountingReport, type Finding, type PostedRequest } from './accounting.js';
import { decimalNumber, httpAddress, readFlags, runProgram, UsageError, wholeNumber } from './cli.js';
import { readDeadLetters } from './dead-letter-reader.js';
import { type Answer, HttpPoster } from './http-poster.js';
import { sendOpenLoop } from './open-loop.js';
import { settledOutcomes } from './outcomes-client.js';
import { bodyOfLine, slotsOfBody } from './replay-input.js';
import { Terminal } from './terminal.js';

const HELP = `Usage: npm run replay -- FILE.jsonl [--url URL] [--rate N] [--verify API] [--brokers HOST:PORT] [--keep-ids]

Posts every line of the file (a bid request, or an object with a body) on a fixed schedule, whether earlier ones are answered or not.

  --url URL            where to (http://127.0.0.1:8080/bid)
  --rate N             requests per second (500)
  --connections N      connections, kept alive (256)
  --keep-ids           post ids as they are; without it every id gets a prefix that is fresh per run
  --verify API         afterwards check at the analytics API (such as http://127.0.0.1:8000) that every slot of every request that was
                       answered 202 has exactly one end: an outcome, no bid by the rules, or a dead letter
  --brokers HOST:PORT  where to read dead letters from, for --verify
  --wait N             seconds to wait for outcomes at most, for --verify (60)

Ends with 0, or with 1 when a request got no answer or a 5xx without --verify, or when the check fails.
`;

/** Posted requests are stamped by the services' clocks: another machine's may be off. */
const CLOCK_SLACK_MS = 60_000;
/** Longer than a consumer group takes to notice a killed member. */
const QUIET_MS = 20_000;
const FINDINGS_SHOWN = 100;

interface Flags {
  readonly file: string;
  readonly url: string;
  readonly perSecond: number;
  readonly connections: number;
  readonly prefix: string | null;
  readonly api: string | null;
  readonly brokers: string | null;
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
  const posted = await post(flags, terminal, tally, faults);
  printCounts('answered', tally);
  if (faults.size > 0) printCounts('refused, by field', faults);
  if (flags.api === null) return [...tally.keys()].some((status) => status === 'no answer' || status.startsWith('5')) ? 1 : 0;
  const report = await verify({ ...flags, api: flags.api }, posted, startedAt, terminal);
  printReport(report);
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
    api: values.verify === undefined ? null : httpAddress('--verify', values.verify),
    brokers: values.brokers ?? null,
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
      if (flags.api !== null) posted.push({ id: body.id, status: answer.status, slots: slotsOfBody(body.text)?.slots ?? [] });
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

async function verify(
  flags: Flags & { api: string },
  posted: PostedRequest[],
  startedAt: Date,
  terminal: Terminal,
): Promise<AccountingReport> {
  const ids = new Set(posted.map((request) => request.id));
  const { prefix } = flags;
  const isOurs = ({ requestId }: { requestId: string }) => (prefix === null ? ids.has(requestId) : requestId.startsWith(prefix));
  let expected = 0;
  for (const request of posted) if (request.status === 202) expected += request.slots.filter((slot) => slot.expectation === 'bid').length;
  const outcomes = await settledOutcomes({
    api: flags.api,
    // Kept ids may have been stored by an earlier run: the first outcome stays.
    since: new Date(prefix === null ? 0 : startedAt.getTime() - CLOCK_SLACK_MS),
    isOurs,
    expected,
    quietMs: Math.min(QUIET_MS, flags.waitMs),
    limitMs: flags.waitMs,
    progress: (found) => terminal.live(`outcomes ${found} of ${expected}`),
  });
  terminal.endLive();
  const letters = flags.brokers === null ? [] : await readDeadLetters({ ...process.env, KAFKA_BROKERS: flags.brokers });
  return account(posted, outcomes, letters.filter(isOurs));
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

function printReport(report: AccountingReport): void {
  const { acceptedRequests, acceptedSlots, outcomes, noBids, deadLettered, storedUnconfirmed } = report;
  process.stdout.write(
    `accepted: ${acceptedRequests} requests with ${acceptedSlots} slots = ${outcomes} outcomes + ${noBids} without a bid + ${deadLettered} in dead letters`,
  );
  process.stdout.write(storedUnconfirmed > 0 ? `; ${storedUnconfirmed} more stored of requests without a 202\n` : '\n');
  printFindings('missing', report.missing);
  printFindings('unexpected', report.unexpected);
  printFindings('more than once', report.duplicates);
  process.stdout.write(report.holds ? 'The accounting identity holds.\n' : 'The accounting identity does NOT hold.\n');
}

function printFindings(what: string, findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  process.stdout.write(`${what}: ${findings.length}\n`);
  for (const { requestId, slotId, why } of findings.slice(0, FINDINGS_SHOWN))
    process.stdout.write(`  ${requestId} slot ${slotId || '(all)'}: ${why}\n`);
  if (findings.length > FINDINGS_SHOWN) process.stdout.write(`  ... and ${findings.length - FINDINGS_SHOWN} more\n`);
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
