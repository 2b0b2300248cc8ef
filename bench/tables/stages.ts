import { figure, fileLink, markdown, NOT_MEASURED, type ReadResult, verdict } from './table.js';

/** The table of stages that are measured alone. Goals: spec section 4. Pure. */

interface IngestResult {
  readonly throughputRatio: number;
  readonly cpuRatio: number;
  readonly ingestRequestsPerSecond: number;
  readonly ingestCpuMicrosPerRequest: number;
  readonly bareCpuMicrosPerRequest: number;
}

interface ConsumerResult {
  readonly messagesPerSecondPerCore: number;
  readonly cpuMicrosPerMessage: number;
}

interface LoadedWriterResult {
  readonly rowsPerSecondPerCore: number;
  readonly writerCpuMicrosPerRow: number;
  readonly postgresCpuMicrosPerRow: number | null;
}

interface ParseResult {
  readonly mixes: Readonly<
    Record<string, { readonly requestsPerSecondPerCore: number; readonly cpuMicrosPerRequest: number; readonly jsonParseCpuMicros: number }>
  >;
}

/** One line of the table, of one result file. */
interface Line {
  readonly stage: string;
  readonly goal: string;
  readonly command: string;
  readonly file: string;
  /** The figure in words and whether it reaches the goal; null: there is no goal. */
  readonly say: (result: never) => { readonly figure: string; readonly reached: boolean | null };
}

const INGEST_RATIO = 0.6;
const INGEST_KAFKA_CPU_RATIO = 2.2;
const GOALS = { bidder: 25_000, auction: 40_000, writer: 20_000 } as const;
const CONSUMER_UNITS = { bidder: 'requests', auction: 'bids', writer: 'new rows' } as const;
const CONSUMERS = {
  bidder: 'bidder: consumed, enriched over gRPC, priced, produced, committed',
  auction: 'auction: consumed, decided, produced, committed',
  writer: 'writer: consumed, stored with rollups, committed',
} as const;

const parseLine: Line = {
  stage: 'parse and validate: one body',
  goal: '',
  command: 'npm run bench -- parse',
  file: 'parse',
  say: ({ mixes }: ParseResult) => ({
    figure: Object.entries(mixes)
      .map(
        ([name, mix]) =>
          `${name}: ${figure(mix.requestsPerSecondPerCore)} a second a core (${figure(mix.cpuMicrosPerRequest)} us; JSON.parse alone ${figure(mix.jsonParseCpuMicros)})`,
      )
      .join('; '),
    reached: null,
  }),
};

const ingestSays = (result: IngestResult): string =>
  `${figure(result.throughputRatio)} of a bare uWebSockets.js handler's throughput in the same run (${figure(result.ingestRequestsPerSecond)} a second); ${figure(result.ingestCpuMicrosPerRequest)} us of CPU a request, ${figure(result.cpuRatio)} x the bare handler's ${figure(result.bareCpuMicrosPerRequest)}`;

const ingestLines: readonly Line[] = [
  {
    stage: 'ingest: 202 after the ack, parsed and validated, 256 connections, embedded broker',
    goal: `${INGEST_RATIO} of its throughput`,
    command: 'npm run bench -- ingest',
    file: 'ingest',
    say: (result: IngestResult) => ({ figure: ingestSays(result), reached: result.throughputRatio >= INGEST_RATIO }),
  },
  {
    stage: 'the same on real Kafka',
    goal: `at most ${INGEST_KAFKA_CPU_RATIO} x its CPU`,
    command: 'npm run bench -- ingest --kafka',
    file: 'ingest-kafka',
    say: (result: IngestResult) => ({ figure: ingestSays(result), reached: result.cpuRatio <= INGEST_KAFKA_CPU_RATIO }),
  },
];

const consumerLines: readonly Line[] = (['bidder', 'auction', 'writer'] as const).flatMap((stage) =>
  (['', ' --kafka'] as const).map((flag) => ({
    stage: `${CONSUMERS[stage]}; ${flag === '' ? 'embedded broker' : 'real Kafka'}`,
    goal: figure(GOALS[stage]),
    command: `npm run bench -- ${stage}${flag}`,
    file: flag === '' ? stage : `${stage}-kafka`,
    say: (result: ConsumerResult) => ({
      figure: `${figure(result.messagesPerSecondPerCore)} ${CONSUMER_UNITS[stage]} a second a core (${figure(result.cpuMicrosPerMessage)} us of CPU each)`,
      reached: result.messagesPerSecondPerCore >= GOALS[stage],
    }),
  })),
);

const loadedWriterLine: Line = {
  stage: 'writer over ten million rows',
  goal: figure(GOALS.writer),
  command: 'npm run bench -- writer --rows-before 10000000',
  file: 'writer-10m',
  say: (result: LoadedWriterResult) => ({
    figure: `${figure(result.rowsPerSecondPerCore)} new rows a second a core (${figure(result.writerCpuMicrosPerRow)} us of CPU each; PostgreSQL beside it ${result.postgresCpuMicrosPerRow === null ? 'unknown' : figure(result.postgresCpuMicrosPerRow)} us)`,
    reached: result.rowsPerSecondPerCore >= GOALS.writer,
  }),
};

const lines: readonly Line[] = [parseLine, ...ingestLines, ...consumerLines, loadedWriterLine];

export function stagesTable(read: ReadResult): string {
  return markdown(
    ['stage', 'figure', 'goal', '', 'command', 'result'],
    lines.map(({ stage, goal, command, file, say }) => {
      const result = read(file);
      if (result === null) return [stage, NOT_MEASURED, goal, '', `\`${command}\``, ''];
      const said = say(result as never);
      return [stage, said.figure, goal, said.reached === null ? '' : verdict(said.reached), `\`${command}\``, fileLink(file)];
    }),
  );
}

interface ProfilesResult {
  readonly stores: Readonly<
    Record<
      string,
      {
        readonly shapes: Readonly<Record<string, { readonly profilesPerSecondPerCore: number; readonly cpuMicrosPerProfile: number }>>;
        readonly gentle: { readonly ids: number; readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number };
        readonly rssMb: number;
      }
    >
  >;
}

const PROFILE_GOALS: Readonly<Record<string, number>> = { memory: 150_000, redis: 80_000 };
const BATCH_P99_GOAL_MS = 5;
/** The goal counts in batches; of one a call it is told for comparison. */
const inBatches = (shape: string): boolean => shape.startsWith('batch');

/** profile-svc by store and size of the call; the goal is judged by the best batch. */
export function profilesTable(read: ReadResult): string {
  const result = read('profile-svc') as ProfilesResult | null;
  if (result === null) return `\`npm run bench -- profile-svc\`: ${NOT_MEASURED}.`;
  const rows = Object.entries(result.stores).flatMap(([store, { shapes, gentle }]) => {
    const best = Math.max(...Object.entries(shapes).map(([name, shape]) => (inBatches(name) ? shape.profilesPerSecondPerCore : 0)));
    const goal = PROFILE_GOALS[store] ?? 0;
    const perShape = Object.entries(shapes).map(([name, shape]) => [
      store,
      name,
      `${figure(shape.profilesPerSecondPerCore)} profiles a second a core (${figure(shape.cpuMicrosPerProfile)} us each)`,
      inBatches(name) ? figure(goal) : '',
      inBatches(name) && shape.profilesPerSecondPerCore === best ? verdict(best >= goal) : '',
    ]);
    const latency = `p50 ${figure(gentle.p50Ms)} ms, p99 ${figure(gentle.p99Ms)} ms`;
    return [
      ...perShape,
      [
        store,
        `${gentle.perSecond} batches of ${gentle.ids} a second`,
        latency,
        `p99 ${BATCH_P99_GOAL_MS} ms`,
        verdict(gentle.p99Ms <= BATCH_P99_GOAL_MS),
      ],
    ];
  });
  return `${markdown(['store', 'calls', 'figure', 'goal', ''], rows)}\n\n\`npm run bench -- profile-svc\`: ${fileLink('profile-svc')}`;
}
