import { readFlags, runProgram, UsageError, wholeNumber } from '@helios/scripts/cli';
import { runAutocannonCommand } from './autocannon/command.js';
import { runLoadCommand } from './load/command.js';
import { benchIngest } from './stages/ingest.js';
import { benchIngestLatency } from './stages/ingest-latency.js';
import { benchStage } from './stages/consumers.js';
import { benchApi } from './stages/api.js';
import { benchPage } from './stages/page.js';
import { benchPool } from './stages/pool.js';
import { benchLoadedWriter } from './stages/writer-loaded.js';

const HELP = `Usage: npm run bench -- STAGE [--seconds N] [--repeats N] [--messages N] [--cpu-profile]
       npm run bench -- writer --rows-before N | api [--rows N,N] [--only TEXT] | page [--rows N]
       npm run bench -- load --help | autocannon --help

Measures one stage alone, checks its results, prints its figures and writes them to bench/results/STAGE.json. Loopback only; ends by itself.

  ingest    an acknowledged 202 beside a bare uWebSockets.js handler (pairs, ratio)
  ingest-latency  latency of the 202 at 20 % of the throughput of the same run, and Helios' own share of it
  pool      pricing inline, with 1 and with 2 worker threads, batches of 1 to 1000
  bidder    bid requests a second a core: consumed, enriched, priced, produced, committed
  auction   bid responses a second a core
  writer    new rows a second a core, rollups included, on the embedded PostgreSQL
  api       latency of each kind of question to the analytics API over 1 and 10 million outcomes (loaded once, which takes minutes; about 9 GB)
  page      largest contentful paint and layout shift of the dashboard over 10 million outcomes, in the system's Chromium (after npm run build)

Two more are tools: load posts bid requests at a constant rate, autocannon saturates POST /bid or the API; each has a --help of its own.

  --seconds N      length of one sample (ingest and ingest-latency 5, pool 2; of one question: api 8)
  --repeats N      samples, pairs or rounds (5; pool 3)
  --messages N     messages of one sample (bidder, auction, writer: 60000)
  --rows-before N  the writer on a database that holds N made-up outcomes already; 10000000 writes bench/results/writer-10m.json
  --rows N,N       how many outcomes the API is asked about, one size after the other (1000000,10000000); behind the page (10000000)
  --kafka          on one node of Apache Kafka in the place of the embedded broker (ingest, ingest-latency): bench/results/STAGE-kafka.json
  --only TEXT      only the questions whose name holds TEXT (api)
  --cpu-profile    also write the stage's CPU profile to bench/.out (bidder, auction, writer)
`;

/** Tools with flags of their own. */
const tools: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  load: runLoadCommand,
  autocannon: runAutocannonCommand,
};

await runProgram('bench', async (args) => {
  const tool = tools[args[0] ?? ''];
  if (tool !== undefined) return tool(args.slice(1));
  const { values, positionals } = readFlags(args, {
    seconds: { type: 'string' },
    repeats: { type: 'string' },
    messages: { type: 'string' },
    'rows-before': { type: 'string' },
    rows: { type: 'string' },
    only: { type: 'string' },
    kafka: { type: 'boolean' },
    'cpu-profile': { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  const [stage] = positionals;
  if (values.help === true || stage === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const repeats = (fallback: number): number => wholeNumber('--repeats', values.repeats, fallback, 1, 100);
  const seconds = (fallback: number): number => wholeNumber('--seconds', values.seconds, fallback, 1, 600);
  const broker = values.kafka === true ? 'kafka' : 'embedded';
  if (broker === 'kafka' && !stage.startsWith('ingest')) throw new UsageError('--kafka is used with ingest and ingest-latency.');
  switch (stage) {
    case 'ingest':
      await benchIngest({ seconds: seconds(5), pairs: repeats(5), broker });
      return 0;
    case 'ingest-latency':
      await benchIngestLatency({ seconds: seconds(5), samples: repeats(5), broker });
      return 0;
    case 'pool':
      await benchPool({ seconds: seconds(2), rounds: repeats(3) });
      return 0;
    case 'api': {
      const rowCounts = (values.rows ?? '1000000,10000000')
        .split(',')
        .map((text) => wholeNumber('--rows', text, 0, 1_000_000, 100_000_000));
      await benchApi({ rowCounts, seconds: seconds(8), only: values.only ?? '' });
      return 0;
    }
    case 'page':
      await benchPage({ rows: wholeNumber('--rows', values.rows, 10_000_000, 1_000_000, 100_000_000) });
      return 0;
    case 'bidder':
    case 'auction':
    case 'writer': {
      const messages = wholeNumber('--messages', values.messages, 60_000, 1000, 10_000_000);
      const rowsBefore = wholeNumber('--rows-before', values['rows-before'], 0, 0, 100_000_000);
      if (rowsBefore > 0 && stage !== 'writer') throw new UsageError('--rows-before is used with the stage writer.');
      if (rowsBefore > 0) await benchLoadedWriter({ rowsBefore, messages, samples: repeats(5) });
      else await benchStage(stage, { messages, samples: repeats(5), cpuProfile: values['cpu-profile'] === true });
      return 0;
    }
    default:
      throw new UsageError(`There is no stage ${stage}.`);
  }
});
