import { readFlags, UsageError, wholeNumber } from '../cli.js';
import { type LetterFilter, type Place, placeOf } from './letter.js';

/** The command line of `npm run dead-letters`. Pure: the present time is a parameter. */

export const HELP = `Usage: npm run dead-letters -- list [FILTERS] [--open] [--each] [--json]
       npm run dead-letters -- show ID [--raw]
       npm run dead-letters -- show --source TOPIC:PARTITION:OFFSET [--raw]
       npm run dead-letters -- replay ID... | FILTERS | --all [--limit N] [--dry-run] [--yes]

Looks at the messages that no service could handle, and puts them back to their topics once the fault is mended.

list      what there is, by stage, source topic and reason
  --open               only letters that were not replayed
  --each               every letter on a line of its own
  --json               one JSON object a line
show      one letter: its headers, the error, the original bytes
  --source T:P:O       the letter of the message that stood there, in place of an ID
  --raw                nothing but the original bytes, as they are
replay    puts the original key, bytes and headers back to the source topic; a letter that was replayed before is left out
  --all                every letter
  --limit N            at most N letters
  --dry-run            only says what it would do
  --yes                does not ask

Filters
  --stage NAME         who gave the message up: bidder, auction or writer
  --reason CODE        the error code, as list shows it
  --topic NAME         where the message stood
  --key TEXT           its key: the id of the bid request
  --since T, --until T when it was given up: a time such as 2026-01-31T12:00:00Z, or how long ago, such as 90s, 15m, 2h, 3d

  --brokers HOST:PORT  where Kafka is (KAFKA_BROKERS, or 127.0.0.1:9092); other KAFKA_ variables as for the services

An ID is a partition and an offset of the dead-letter topic, such as 3:117.
Ends with 0 when it is done; 1 when Kafka did not answer, the letter is not there, or a letter could not be replayed; 2 for wrong usage.
`;

/** A place in the dead-letter topic. */
export interface LetterId {
  readonly partition: number;
  readonly offset: number;
}

interface Common {
  readonly brokers: string | undefined;
}

export interface ListOptions extends Common {
  readonly command: 'list';
  readonly filter: LetterFilter;
  readonly openOnly: boolean;
  readonly each: boolean;
  readonly json: boolean;
}

export interface ShowOptions extends Common {
  readonly command: 'show';
  readonly target: LetterId | Place;
  readonly raw: boolean;
}

export interface ReplayOptions extends Common {
  readonly command: 'replay';
  readonly filter: LetterFilter;
  /** Empty: whatever the filter leaves in. */
  readonly ids: readonly LetterId[];
  readonly limit: number;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

const SPAN_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const flags = {
  stage: { type: 'string' },
  reason: { type: 'string' },
  topic: { type: 'string' },
  key: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  open: { type: 'boolean' },
  each: { type: 'boolean' },
  json: { type: 'boolean' },
  source: { type: 'string' },
  raw: { type: 'boolean' },
  all: { type: 'boolean' },
  limit: { type: 'string' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean' },
  brokers: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
const FILTER_FLAGS = ['stage', 'reason', 'topic', 'key', 'since', 'until'] as const;
/** Which flags a command knows, beside --brokers and --help. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  list: [...FILTER_FLAGS, 'open', 'each', 'json'],
  show: ['source', 'raw'],
  replay: [...FILTER_FLAGS, 'all', 'limit', 'dry-run', 'yes'],
};

/** What the arguments ask for; null: the help. @throws UsageError */
export function optionsOf(args: readonly string[], nowUnixMs: number): ListOptions | ShowOptions | ReplayOptions | null {
  const { values, positionals } = readFlags(args, flags);
  if (values.help === true) return null;
  const [command, ...rest] = positionals;
  const known = command !== undefined && Object.hasOwn(KNOWN, command) ? KNOWN[command] : undefined;
  if (command === undefined || known === undefined) throw new UsageError('Say what to do: list, show or replay.');
  for (const flag of Object.keys(values)) {
    if (flag !== 'brokers' && !known.includes(flag)) throw new UsageError(`${command} has no --${flag}.`);
  }
  const { brokers } = values;
  const filter: LetterFilter = {
    stage: values.stage,
    reason: values.reason,
    topic: values.topic,
    key: values.key,
    sinceUnixMs: timeOf('--since', values.since, nowUnixMs),
    untilUnixMs: timeOf('--until', values.until, nowUnixMs),
  };
  if (command === 'list') {
    if (rest.length > 0) throw new UsageError(`list takes no ${JSON.stringify(rest[0])}; show and replay take IDs.`);
    return {
      command,
      brokers,
      filter,
      openOnly: values.open === true,
      each: values.each === true,
      json: values.json === true,
    };
  }
  if (command === 'show') return { command, brokers, target: targetOf(rest, values.source), raw: values.raw === true };
  const ids = rest.map(idOf);
  const chosen = FILTER_FLAGS.some((flag) => values[flag] !== undefined);
  if (Number(ids.length > 0) + Number(chosen) + Number(values.all === true) !== 1)
    throw new UsageError('Say which letters to replay: IDs, or filters, or --all.');
  return {
    command: 'replay',
    brokers,
    filter,
    ids,
    limit: wholeNumber('--limit', values.limit, Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER),
    dryRun: values['dry-run'] === true,
    yes: values.yes === true,
  };
}

function targetOf(ids: readonly string[], source: string | undefined): LetterId | Place {
  if (ids.length + Number(source !== undefined) !== 1) throw new UsageError('Name one letter to show: an ID, or --source.');
  if (source === undefined) return idOf(ids[0] as string);
  const place = placeOf(source);
  if (place === null) throw new UsageError(`--source is ${JSON.stringify(source)}: it accepts TOPIC:PARTITION:OFFSET.`);
  return place;
}

function idOf(text: string): LetterId {
  const match = /^(\d{1,9}):(\d{1,15})$/.exec(text);
  if (match === null) throw new UsageError(`${JSON.stringify(text)} is no ID: an ID is PARTITION:OFFSET, such as 3:117.`);
  return { partition: Number(match[1]), offset: Number(match[2]) };
}

/** A time in Unix milliseconds, from ISO 8601 or from how long ago. */
function timeOf(flag: string, text: string | undefined, nowUnixMs: number): number | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d{1,9})([smhd])$/.exec(text);
  if (ago !== null) return nowUnixMs - Number(ago[1]) * (SPAN_MS[ago[2] as string] as number);
  // A date alone, or a time with its zone: without one it would depend on where the program runs.
  const unixMs = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(unixMs)) return unixMs;
  throw new UsageError(
    `${flag} is ${JSON.stringify(text)}: it accepts a time such as 2026-01-31T12:00:00Z, or how long ago, such as 15m or 2h.`,
  );
}
