import { readFlags, runProgram, UsageError, wholeNumber } from '@helios/scripts/cli';
import { runAutocannonCommand } from './autocannon/command.js';
import { runLoadCommand } from './load/command.js';
import { writeTrials } from './result-file.js';
import { benchAll } from './stages/all.js';
import { benchApi } from './stages/api.js';
import { benchStage } from './stages/consumers.js';
import { benchEndToEnd } from './stages/end-to-end.js';
import { benchIngest } from './stages/ingest.js';
import { benchIngestLatency } from './stages/ingest-latency.js';
import { benchPage } from './stages/page.js';
import { benchParse } from './stages/parse.js';
import { benchPeers } from './stages/peers.js';
import { benchPool } from './stages/pool.js';
import { benchProfiles, type StoreName } from './stages/profile-svc.js';
import { benchScaling, type ScalingPart, scalingParts } from './stages/scaling.js';
import { benchScrape } from './stages/scrape.js';
import { benchLoadedWriter } from './stages/writer-loaded.js';
import { writeTables } from './tables/pages.js';

const HELP = `Usage: npm run bench -- STAGE [--seconds N] [--repeats N] [--messages N] [--kafka] [--trial] [--cpu-profile]
       npm run bench -- writer --rows-before N | api [--rows N,N] [--only TEXT] | page [--rows N]
       npm run bench -- load --help | autocannon --help
       npm run bench -- all [--from STAGE] [--trial] | --table [--check]

Measures one stage alone, or all of Helios, checks its results, prints its figures and writes them to bench/results/STAGE.json. Loopback only; ends by itself.

  parse        bid requests parsed and validated: both shapes, and a mix with invalid ones
  ingest       an acknowledged 202 beside a bare uWebSockets.js handler (pairs, ratio)
  ingest-latency  latency of the 202 at 20 % of the throughput of the same run, and Helios' own share of it
  pool         pricing inline, with 1 and with 2 worker threads, batches of 1 to 1000
  profile-svc  profiles a second a core, one a call and in batches, from memory and from Redis; latency of a batch of 100
  bidder       bid requests a second a core: consumed, enriched, priced, produced, committed
  auction      bid responses a second a core
  writer       new rows a second a core, rollups included, on the embedded PostgreSQL
  api          latency of each kind of question to the analytics API over 1 and 10 million outcomes (loaded once, which takes minutes; about 9 GB)
  scrape       for how long a scrape of /metrics holds up the event loop of ingest and bidder, idle and under load
  page         largest contentful paint and layout shift of the dashboard over 10 million outcomes, in the system's Chromium (after npm run build)
  peers        ingest beside Fastify + kafkajs, node:http + node-rdkafka and the bare handler, on real Kafka
  end-to-end   the rate that all of Helios sustains on real Kafka, Redis and PostgreSQL, and full runs at it with an exact account
  scaling      cost of a message at 1, 2 and 4 times the load, and by batch size, worker threads, partitions, ingest processes
  all          all of these one after the other, some on both brokers: a few hours, for a quiet machine

Two more are tools: load posts bid requests at a constant rate, autocannon saturates POST /bid or the API; each has a --help of its own.

  --seconds N      length of one sample (parse 1, ingest and ingest-latency 5, pool 2, profile-svc 3, peers 5; of one question: api 8; of one run: end-to-end 60, scaling 30)
  --repeats N      samples, pairs, rounds or runs (5; pool, profile-svc, end-to-end and scaling: 3); scrapes (100)
  --messages N     messages of one sample (bidder, auction, writer, scaling: 60000)
  --kafka          on real Kafka, with the result file STAGE-kafka.json (ingest, ingest-latency, bidder, auction, writer)
  --embedded       on the embedded broker, with the result file peers-embedded.json (peers)
  --rate N         requests a second (end-to-end: searched for without it; scaling: at one time the load, 1000)
  --step N         seconds of one step of that search (end-to-end 12)
  --stores LIST    memory,redis (profile-svc)
  --parts LIST     ${scalingParts.join(',')} (scaling)
  --rows-before N  the writer on a database that holds N made-up outcomes already; 10000000 writes bench/results/writer-10m.json
  --rows N,N       how many outcomes the API is asked about, one size after the other (1000000,10000000); behind the page (10000000)
  --only TEXT      only the questions whose name holds TEXT (api)
  --from STAGE     begin with this one, as it is printed: "ingest --kafka" (all)
  --trial          the result goes to bench/.out/results and is not for the record
  --cpu-profile    also write the stage's CPU profile to bench/.out (bidder, auction, writer)
  --table          write the tables of docs/performance.md and README.md from the result files; with --check only say whether they are up to date
`;

const FLAGS = {
  seconds: { type: 'string' },
  repeats: { type: 'string' },
  messages: { type: 'string' },
  kafka: { type: 'boolean' },
  embedded: { type: 'boolean' },
  rate: { type: 'string' },
  step: { type: 'string' },
  stores: { type: 'string' },
  parts: { type: 'string' },
  'rows-before': { type: 'string' },
  rows: { type: 'string' },
  only: { type: 'string' },
  from: { type: 'string' },
  trial: { type: 'boolean' },
  'cpu-profile': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const STORES: readonly StoreName[] = ['memory', 'redis'];

/** Tools with flags of their own. */
const tools: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  load: runLoadCommand,
  autocannon: runAutocannonCommand,
};

await runProgram('bench', async (args) => {
  const tool = tools[args[0] ?? ''];
  if (tool !== undefined) return tool(args.slice(1));
  if (args[0] === '--table') return writeTables(args.slice(1));
  const { values, positionals } = readFlags(args, FLAGS);
  const [stage] = positionals;
  if (values.help === true || stage === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  // An interrupted bench ends in order, so that what it put on disk goes with it; its processes end when it does.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  if (values.trial === true) writeTrials();
  if (stage === 'all') return benchAll({ from: values.from ?? null, extra: values.trial === true ? ['--trial'] : [] });
  await benchOne(stage, values, `npm run bench -- ${args.join(' ')}`);
  return 0;
});

type Values = ReturnType<typeof readFlags<typeof FLAGS>>['values'];

async function benchOne(stage: string, values: Values, command: string): Promise<void> {
  const number = (
    flag: 'seconds' | 'repeats' | 'messages' | 'rate' | 'step' | 'rows-before',
    fallback: number,
    min: number,
    max: number,
  ): number => wholeNumber(`--${flag}`, values[flag], fallback, min, max);
  const seconds = (fallback: number): number => number('seconds', fallback, 1, 600);
  const repeats = (fallback: number): number => number('repeats', fallback, 1, 100);
  const messages = (): number => number('messages', 60_000, 1000, 10_000_000);
  const broker = values.kafka === true ? 'kafka' : 'embedded';
  switch (stage) {
    case 'parse':
      return benchParse({ seconds: seconds(1), samples: repeats(5), command });
    case 'ingest':
      return benchIngest({ seconds: seconds(5), pairs: repeats(5), broker });
    case 'ingest-latency':
      return benchIngestLatency({ seconds: seconds(5), samples: repeats(5), broker });
    case 'pool':
      return benchPool({ seconds: seconds(2), rounds: repeats(3) });
    case 'profile-svc':
      return benchProfiles({ seconds: seconds(3), samples: repeats(3), stores: listOf('--stores', values.stores, STORES), command });
    case 'api': {
      const rowCounts = (values.rows ?? '1000000,10000000')
        .split(',')
        .map((text) => wholeNumber('--rows', text, 0, 1_000_000, 100_000_000));
      return benchApi({ rowCounts, seconds: seconds(8), only: values.only ?? '' });
    }
    case 'scrape':
      return benchScrape({ scrapes: repeats(100) });
    case 'page':
      return benchPage({ rows: wholeNumber('--rows', values.rows, 10_000_000, 1_000_000, 100_000_000) });
    case 'peers':
      return benchPeers({ seconds: seconds(5), rounds: repeats(5), broker: values.embedded === true ? 'embedded' : 'kafka', command });
    case 'end-to-end': {
      const perSecond = values.rate === undefined ? null : number('rate', 0, 1, 50_000);
      return benchEndToEnd({ perSecond, seconds: seconds(60), stepSeconds: number('step', 12, 2, 600), runs: repeats(3), command });
    }
    case 'scaling':
      return benchScaling({
        parts: listOf<ScalingPart>('--parts', values.parts, scalingParts),
        perSecond: number('rate', 1000, 1, 10_000),
        seconds: seconds(30),
        messages: messages(),
        samples: repeats(3),
        command,
      });
    case 'bidder':
    case 'auction':
    case 'writer': {
      const rowsBefore = number('rows-before', 0, 0, 100_000_000);
      if (rowsBefore > 0 && stage !== 'writer') throw new UsageError('--rows-before is used with the stage writer.');
      if (rowsBefore > 0) return benchLoadedWriter({ rowsBefore, messages: messages(), samples: repeats(5) });
      return benchStage(stage, { messages: messages(), samples: repeats(5), cpuProfile: values['cpu-profile'] === true, broker });
    }
    default:
      throw new UsageError(`There is no stage ${stage}.`);
  }
}

/** Some of `all` by name, separated by commas; all of them when the flag was not given. @throws UsageError */
function listOf<T extends string>(flag: string, text: string | undefined, all: readonly T[]): readonly T[] {
  if (text === undefined) return all;
  return text.split(',').map((name) => {
    const found = all.find((each) => each === name);
    if (found === undefined) throw new UsageError(`${flag} has ${JSON.stringify(name)}: it accepts ${all.join(', ')}.`);
    return found;
  });
}
