import { randomBytes } from 'node:crypto';
import { decimalNumber, readFlags, UsageError, wholeNumber } from '@helios/scripts/cli';
import { loadText } from './load-picture.js';
import { loadResult } from './load-run.js';
import { OpenLoopSender } from './open-loop-sender.js';
import { loopbackTarget } from './target.js';

const HELP = `Usage: npm run bench -- load --url http://127.0.0.1:8080/bid [--rate N] [--seconds N] [--workers N] [--json]

Posts generated bid requests at a constant rate, each at its time whether earlier ones are answered or not, and times every answer from the
intended send. Every answer must be 202 with the id that was sent. Says whether it kept its schedule. Loopback only.

  --url URL         where to post
  --rate N          requests a second (1000; at most 100000)
  --seconds N       how long (10; at most 600)
  --warmup N        seconds at the same rate before that, not counted (2)
  --workers N       processes that share the schedule (2)
  --connections N   bound of open connections (256)
  --shape S         short, openrtb or mixed bodies (mixed)
  --seed N          of the bodies (1)
  --json            the result as JSON on standard output

Ends with 0 when every answer was right and the schedule was kept, with 1 when an answer was not right, with 3 when only the schedule was not
kept: then the latencies are as much the sender's as the server's.
`;

const ANSWER_TIMEOUT_MS = 10_000;
const EXIT_SCHEDULE_NOT_KEPT = 3;

/** The program `load`. @returns the exit code. */
export async function runLoadCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = readFlags(args, {
    url: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    warmup: { type: 'string' },
    workers: { type: 'string' },
    connections: { type: 'string' },
    shape: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if (values.url === undefined) throw new UsageError('--url is missing.');
  const { shape = 'mixed' } = values;
  if (shape !== 'short' && shape !== 'openrtb' && shape !== 'mixed') {
    throw new UsageError(`--shape is ${JSON.stringify(shape)}: it accepts short, openrtb or mixed.`);
  }
  const run = {
    ...loopbackTarget('--url', values.url),
    perSecond: wholeNumber('--rate', values.rate, 1000, 1, 100_000),
    warmupSeconds: decimalNumber('--warmup', values.warmup, 2, 0, 60),
    seconds: decimalNumber('--seconds', values.seconds, 10, 0.1, 600),
    connectionsMax: wholeNumber('--connections', values.connections, 256, 1, 10_000),
    spread: false,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    idPrefix: `load-${randomBytes(6).toString('hex')}-`,
    seed: wholeNumber('--seed', values.seed, 1, 0, 2 ** 31 - 1),
    shape,
    expects: 'id',
  } as const;
  const sender = await OpenLoopSender.start(wholeNumber('--workers', values.workers, 2, 1, 64));
  try {
    const slice = await sender.run(run);
    const result = loadResult([slice]);
    process.stdout.write(`${values.json === true ? JSON.stringify(result, null, 2) : loadText(result, [slice])}\n`);
    const right = result.wrong === 0 && result.answers['202'] === result.requests;
    if (!right) return 1;
    return result.schedule.kept ? 0 : EXIT_SCHEDULE_NOT_KEPT;
  } finally {
    sender.stop();
  }
}
