import { figure, fileLink, markdown, NOT_MEASURED, type ReadResult } from './table.js';

/** The few figures of the README. Pure. */

interface Headline {
  readonly what: string;
  readonly file: string;
  readonly say: (result: never) => string;
}

interface Spread {
  readonly median: number;
  readonly most: number;
}

const headline = (what: string, file: string, say: Headline['say']): Headline => ({ what, file, say });

interface EndToEnd {
  readonly summary: {
    readonly bidsPerSecond: Spread;
    readonly acceptedToRowP99AtMostMs: Spread;
    readonly sustained: boolean;
    readonly everySlotAccountedFor: boolean;
  };
  readonly runs: readonly object[];
}

interface Peers {
  readonly contenders: Readonly<Record<string, { readonly heliosThroughputRatio: number; readonly heliosCpuRatio: number } | undefined>>;
}

interface Ingest {
  readonly throughputRatio: number;
  readonly ingestCpuMicrosPerRequest: number;
}

interface Bidder {
  readonly messagesPerSecondPerCore: number;
}

interface LoadedWriter {
  readonly rowsPerSecondPerCore: number;
}

interface Api {
  readonly questions: readonly { readonly name: string; readonly rows: Readonly<Record<string, { readonly p99Ms: number } | undefined>> }[];
}

const TEN_MILLION = '10000000';

const headlines: readonly Headline[] = [
  headline(
    'bids a second, sustained, with Kafka, Redis, PostgreSQL and the load on the same machine; accepted to row; lost',
    'end-to-end',
    ({ summary, runs }: EndToEnd) =>
      `${figure(summary.bidsPerSecond.median)}${summary.sustained ? '' : ' (NOT sustained)'}; p99 at most ${figure(summary.acceptedToRowP99AtMostMs.most)} ms; ${summary.everySlotAccountedFor ? `none in ${runs.length} runs` : 'SOME'}`,
  ),
  headline(
    '`POST /bid`, 202 after the ack, beside Fastify + kafkajs with the same guarantee, in the same run',
    'peers',
    ({ contenders }: Peers) => {
      const [plain, idempotent] = [contenders['fastify-kafkajs'], contenders['fastify-kafkajs-idempotent']];
      // The faster of the two ways to write that peer.
      const faster =
        plain !== undefined && idempotent !== undefined && idempotent.heliosThroughputRatio < plain.heliosThroughputRatio
          ? idempotent
          : plain;
      return faster === undefined
        ? NOT_MEASURED
        : `${figure(faster.heliosThroughputRatio)} x the requests a second, ${figure(faster.heliosCpuRatio)} x the CPU a request`;
    },
  ),
  headline(
    'the same beside a uWebSockets.js handler that neither parses nor produces',
    'ingest',
    (result: Ingest) =>
      `${figure(result.throughputRatio)} of its throughput; ${figure(result.ingestCpuMicrosPerRequest)} us of CPU a request`,
  ),
  headline('bid requests a second a core, enriched and priced', 'bidder', (result: Bidder) => figure(result.messagesPerSecondPerCore)),
  headline('new rows a second a core of the writer, over ten million rows', 'writer-10m', (result: LoadedWriter) =>
    figure(result.rowsPerSecondPerCore),
  ),
  headline('pages of the API over ten million outcomes', 'api', ({ questions }: Api) => {
    const pages = questions.filter(({ name }) => name.startsWith('page')).map(({ rows }) => rows[TEN_MILLION]?.p99Ms ?? Number.NaN);
    return `p99 at most ${figure(Math.max(...pages), 0)} ms`;
  }),
];

export function headlineTable(read: ReadResult): string {
  return markdown(
    ['what', 'figure', 'result'],
    headlines.map(({ what, file, say }) => {
      const result = read(file);
      return result === null ? [what, NOT_MEASURED, ''] : [what, say(result as never), fileLink(file, '')];
    }),
  );
}
