import { readFlags, runProgram, UsageError, wholeNumber } from '@helios/scripts/cli';
import { benchIngest } from './stages/ingest.js';
import { benchStage } from './stages/consumers.js';
import { benchPool } from './stages/pool.js';

const HELP = `Usage: npm run bench -- STAGE [--seconds N] [--repeats N] [--messages N] [--cpu-profile]

Measures one stage alone, checks its results, prints its figures and writes them to bench/results/STAGE.json. Loopback only; ends by itself.

  ingest    an acknowledged 202 beside a bare uWebSockets.js handler (pairs, ratio)
  pool      pricing inline, with 1 and with 2 worker threads, batches of 1 to 1000
  bidder    bid requests a second a core: consumed, enriched, priced, produced, committed
  auction   bid responses a second a core
  writer    new rows a second a core, rollups included, on the embedded PostgreSQL

  --seconds N      length of one sample (ingest 5, pool 2)
  --repeats N      samples, pairs or rounds (5; pool 3)
  --messages N     messages of one sample (bidder, auction, writer: 60000)
  --cpu-profile    also write the stage's CPU profile to bench/.out (bidder, auction, writer)
`;

await runProgram('bench', async (args) => {
  const { values, positionals } = readFlags(args, {
    seconds: { type: 'string' },
    repeats: { type: 'string' },
    messages: { type: 'string' },
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
  switch (stage) {
    case 'ingest':
      await benchIngest({ seconds: seconds(5), pairs: repeats(5) });
      return 0;
    case 'pool':
      await benchPool({ seconds: seconds(2), rounds: repeats(3) });
      return 0;
    case 'bidder':
    case 'auction':
    case 'writer':
      await benchStage(stage, {
        messages: wholeNumber('--messages', values.messages, 60_000, 1000, 10_000_000),
        samples: repeats(5),
        cpuProfile: values['cpu-profile'] === true,
      });
      return 0;
    default:
      throw new UsageError(`There is no stage ${stage}.`);
  }
});
