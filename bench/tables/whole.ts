import { assumptions, type CostPerBid, capacityFor } from '../scaling/capacity.js';
import { bytes, figure, fileLink, markdown, NOT_MEASURED, type ReadResult, verdict } from './table.js';

/** The tables of all of Helios together: end to end, scaling, capacity, peers. Pure. */

interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly spreadShare: number;
}

interface EndToEndResult {
  readonly goals: { readonly bidsPerSecond: number; readonly acceptedToRowP99Ms: number };
  readonly summary: {
    readonly bidsPerSecond: Spread;
    readonly requestsPerSecond: Spread;
    readonly slotsPerSecond: Spread;
    readonly acceptedShare: Spread;
    readonly acceptedToRowP50Ms: Spread;
    readonly acceptedToRowP99Ms: Spread;
    readonly acceptedToRowP99AtMostMs: Spread;
    readonly cpuMicrosPerBid: Readonly<Record<string, Spread>>;
    readonly cpuShare: Readonly<Record<string, number>>;
    readonly coresBusy: Spread;
    readonly sustained: boolean;
    readonly everySlotAccountedFor: boolean;
  };
  readonly runs: readonly {
    readonly memoryMb: Readonly<Record<string, number | null>>;
    readonly account: { readonly acceptedSlots: number };
  }[];
}

const spread = (value: Spread): string =>
  value.least === value.most
    ? figure(value.median)
    : `${figure(value.median)} (${figure(value.least)} to ${figure(value.most)}: ${figure(value.spreadShare * 100, 1)} %)`;

export function endToEndTable(read: ReadResult): string {
  const result = read('end-to-end') as EndToEndResult | null;
  if (result === null) return `\`npm run bench -- end-to-end\`: ${NOT_MEASURED}.`;
  const { summary, goals, runs } = result;
  const slots = runs.reduce((sum, { account }) => sum + account.acceptedSlots, 0);
  const rows = [
    [
      'bids a second (slots with a price, one row each)',
      `${spread(summary.bidsPerSecond)}${summary.sustained ? '' : ', NOT sustained'}`,
      figure(goals.bidsPerSecond),
      verdict(summary.sustained && summary.bidsPerSecond.least >= goals.bidsPerSecond),
    ],
    ['slots a second (with a bid or refused one)', spread(summary.slotsPerSecond), '', ''],
    ['requests a second', spread(summary.requestsPerSecond), '', ''],
    ['of these answered 202, in the worst run', `${figure(summary.acceptedShare.least * 100, 3)} %`, '', ''],
    ['accepted to row, p50', `${spread(summary.acceptedToRowP50Ms)} ms`, '', ''],
    [
      'accepted to row, p99',
      `${spread(summary.acceptedToRowP99Ms)} ms; for certain at most ${figure(summary.acceptedToRowP99AtMostMs.most)}`,
      `${goals.acceptedToRowP99Ms} ms`,
      verdict(summary.acceptedToRowP99AtMostMs.most <= goals.acceptedToRowP99Ms),
    ],
    [
      `of ${figure(slots)} accepted slots in ${runs.length} runs, with exactly one end`,
      summary.everySlotAccountedFor ? 'all' : 'NOT all',
      'all',
      verdict(summary.everySlotAccountedFor),
    ],
    ['cores busy, load included', spread(summary.coresBusy), '', ''],
  ];
  return `${markdown(['figure', `median of ${runs.length} runs (least to most: spread)`, 'goal', ''], rows)}\n\n\`npm run bench -- end-to-end\`: ${fileLink('end-to-end')}`;
}

/** What each process spends on a bid. */
export function endToEndCpuTable(read: ReadResult): string {
  const result = read('end-to-end') as EndToEndResult | null;
  if (result === null) return `\`npm run bench -- end-to-end\`: ${NOT_MEASURED}.`;
  const { cpuMicrosPerBid, cpuShare } = result.summary;
  const memory = result.runs.at(-1)?.memoryMb ?? {};
  const memoryOf = (name: string): string => {
    const found = memory[name];
    return found === null || found === undefined ? '' : `${figure(found, 0)} MB`;
  };
  const rows = Object.entries(cpuMicrosPerBid)
    .toSorted(([, a], [, b]) => b.median - a.median)
    .map(([name, micros]) => [name, `${spread(micros)} us`, `${figure((cpuShare[name] ?? 0) * 100, 1)} %`, memoryOf(name)]);
  return `${markdown(['process', 'CPU a bid', 'share of all CPU', 'memory'], rows)}\n\nFrom ${fileLink('end-to-end')}`;
}

interface VariantFigures {
  readonly cpuMicrosPerMessage: number;
  readonly messagesPerSecond: number;
  readonly rssMb: number;
}

interface ScalingResult {
  readonly load?: {
    readonly requestsPerSecond: number;
    readonly factors: Readonly<
      Record<
        string,
        {
          readonly window: {
            readonly bidsPerSecond: number;
            readonly requestsPerSecond: number;
            readonly cpuMicrosPerBid: Readonly<Record<string, number>>;
          };
          readonly memoryMb: Readonly<Record<string, number | null>>;
          readonly unsustained: readonly string[];
        }
      >
    >;
    readonly cpuPerBidRatio: Readonly<Record<string, Readonly<Record<string, number | null>>>>;
    readonly costPerBid: CostPerBid;
  };
  readonly batches?: Readonly<Record<string, Readonly<Record<string, VariantFigures>>>>;
  readonly threads?: Readonly<Record<string, Readonly<Record<string, VariantFigures>>>>;
  readonly partitions?: Readonly<Record<string, Readonly<Record<string, VariantFigures>>>>;
  readonly ingest?: Readonly<
    Record<
      string,
      {
        readonly requestsPerSecond: number;
        readonly cpuMicrosPerRequest: number;
        readonly shareOfLeast: number;
        readonly rssMb: readonly number[];
      }
    >
  >;
}

const scalingOf = (read: ReadResult): ScalingResult | null => read('scaling') as ScalingResult | null;
const scalingMissing = `\`npm run bench -- scaling\`: ${NOT_MEASURED}.`;

/** CPU of a bid by process at each load: the same everywhere means that cost grows with load and no faster. */
export function scalingLoadTable(read: ReadResult): string {
  const load = scalingOf(read)?.load;
  if (load === undefined) return scalingMissing;
  const factors = Object.keys(load.factors);
  const names = Object.keys(load.factors[factors[0] ?? '']?.window.cpuMicrosPerBid ?? {});
  const rows = names.map((name) => [
    name,
    ...factors.map((factor) => {
      const micros = load.factors[factor]?.window.cpuMicrosPerBid[name] ?? 0;
      // Null in the file: it took no measurable time at the least load.
      const ratio = load.cpuPerBidRatio[factor]?.[name] ?? null;
      return `${figure(micros)} us${ratio === null ? '' : ` (${figure(ratio)})`}`;
    }),
  ]);
  const head = factors.map((factor) => {
    const run = load.factors[factor];
    return `${factor} x: ${figure(run?.window.bidsPerSecond ?? 0)} bids/s${run?.unsustained.length === 0 ? '' : ', NOT sustained'}`;
  });
  return `${markdown(['CPU a bid (beside that at 1 x)', ...head], rows)}\n\n\`npm run bench -- scaling\`: ${fileLink('scaling')}`;
}

/** Single stages with one setting varied. */
export function scalingStagesTable(read: ReadResult): string {
  const result = scalingOf(read);
  const parts = [
    ['batch size', result?.batches],
    ['worker threads', result?.threads],
    ['partitions (real Kafka)', result?.partitions],
  ] as const;
  const rows = parts.flatMap(([what, stages]) =>
    Object.entries(stages ?? {}).flatMap(([stage, variants]) =>
      Object.entries(variants).map(([name, found]) => [
        stage,
        `${what}: ${figure(Number(name), 0)}`,
        `${figure(found.cpuMicrosPerMessage)} us`,
        figure(found.messagesPerSecond),
        `${found.rssMb} MB`,
      ]),
    ),
  );
  const ingests = Object.entries(result?.ingest ?? {}).map(([count, found]) => [
    'ingest',
    `processes on one port: ${count}`,
    `${figure(found.cpuMicrosPerRequest)} us`,
    `${figure(found.requestsPerSecond)}; the least busy took ${figure(found.shareOfLeast * 100, 0)} %`,
    `${found.rssMb.join(' + ')} MB`,
  ]);
  if (rows.length + ingests.length === 0) return scalingMissing;
  const head = ['stage', 'setting', 'CPU a message', 'messages a second here', 'memory'];
  return `${markdown(head, [...rows, ...ingests])}\n\nFrom ${fileLink('scaling')}`;
}

const CAPACITY_RATES = [10_000, 100_000, 1_000_000] as const;

/** What 10 thousand, 100 thousand and a million bids a second would need. */
export function capacityTable(read: ReadResult): string {
  const cost = scalingOf(read)?.load?.costPerBid;
  if (cost === undefined) return scalingMissing;
  const needs = CAPACITY_RATES.map((rate) => capacityFor(rate, cost));
  const per = (of: (need: (typeof needs)[number]) => string): string[] => needs.map(of);
  const cores = Object.keys(needs[0]?.cores ?? {}).map((name) => [
    `cores of ${name}`,
    ...per((need) => {
      const processes = need.processes[name];
      return `${figure(need.cores[name] ?? 0, 1)}${processes === undefined ? '' : ` (${processes} process${processes === 1 ? '' : 'es'})`}`;
    }),
  ]);
  const rows = [
    ['requests a second', ...per((need) => figure(need.requestsPerSecond, 0))],
    ...cores,
    ['cores together', ...per((need) => figure(need.coresTotal, 0))],
    ['PostgreSQL primaries', ...per((need) => figure(need.databases, 0))],
    ['written to Kafka, all copies', ...per((need) => `${bytes(need.kafkaBytesPerSecond)}/s`)],
    ['kept by Kafka', ...per((need) => bytes(need.kafkaDiskBytes))],
    ['written by PostgreSQL', ...per((need) => `${bytes(need.databaseWriteBytesPerSecond)}/s`)],
    ['kept by PostgreSQL', ...per((need) => bytes(need.databaseDiskBytes))],
    ['network', ...per((need) => `${figure(need.networkBitsPerSecond / 1e9)} Gbit/s`)],
  ];
  const { utilisation, kafkaCopies, kafkaRetentionHours, databaseRetentionDays, databaseCoresMax } = assumptions;
  const assumed = `Assumed: cores planned to ${utilisation * 100} %; ${kafkaCopies} copies of each event, each at the full CPU of one; events kept ${kafkaRetentionHours} hours, outcomes ${databaseRetentionDays} days; one PostgreSQL primary has ${databaseCoresMax} cores, above that outcomes are divided among several by bid id, which Helios does not do by itself yet.`;
  return `${markdown(['need', ...CAPACITY_RATES.map((rate) => `${figure(rate)} bids/s`)], rows)}\n\n${assumed} Made from ${fileLink('scaling')}`;
}

interface PeersResult {
  readonly goalThroughputRatioToFastify: number;
  readonly contenders: Readonly<
    Record<
      string,
      {
        readonly what: string;
        readonly requestsPerSecond: number;
        readonly cpuMicrosPerRequest: number;
        readonly heliosThroughputRatio: number;
        readonly heliosCpuRatio: number;
      }
    >
  >;
}

/** `name`: `peers` on real Kafka, `peers-embedded` on the mock cluster. */
export function peersTable(read: ReadResult, name: 'peers' | 'peers-embedded'): string {
  const command = name === 'peers' ? 'npm run bench -- peers' : 'npm run bench -- peers --embedded';
  const result = read(name) as PeersResult | null;
  if (result === null) return `\`${command}\`: ${NOT_MEASURED}.`;
  const goal = result.goalThroughputRatioToFastify;
  const rows = Object.entries(result.contenders).map(([contender, found]) => [
    found.what,
    figure(found.requestsPerSecond),
    `${figure(found.cpuMicrosPerRequest)} us`,
    contender === 'helios' ? '' : `${figure(found.heliosThroughputRatio)} x`,
    contender === 'helios' ? '' : `${figure(found.heliosCpuRatio)} x`,
    contender.startsWith('fastify') ? `${goal} x: ${verdict(found.heliosThroughputRatio >= goal)}` : '',
  ]);
  const head = ['server', 'requests a second', 'CPU a request', "Helios' throughput", "Helios' CPU", 'goal'];
  return `${markdown(head, rows)}\n\n\`${command}\`: ${fileLink(name)}`;
}
