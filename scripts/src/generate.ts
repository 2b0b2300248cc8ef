/** `npm run -s generate`: prints generated bid requests, or the user profiles that belong to them, one JSON value per line. Source: spec S0.3. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mockProfile } from '@helios/profile-svc/mock-profiles';
import { type Floors, nextBidRequest } from './bid-request-mix.js';
import { readFlags, runProgram, UsageError, wholeNumber } from './cli.js';
import { SeededRandom } from './random.js';

const HELP = `Usage: npm run -s generate -- [--count N] [--seed S] [--openrtb] [--floors split|any] [--profiles]

Prints bid requests as JSON, one per line; one request in Helios' short form without any flag.

  --count N          how many (1)
  --seed S           the same seed gives the same output; without it, it is random
  --openrtb          OpenRTB 2.6 requests: sites and apps, devices, banners and some video
  --floors split     floors at most 0.01 or above 0.10 USD CPM, about half each (the default; what accounting runs need)
  --floors any       floors from 0 to 0.50
  --profiles         print user profiles instead, those of the first N users that generated requests name

Half of the users in generated requests have profiles (the first 1000, where they are seeded), 1 to 5 slots a request.
`;

const WRITE_BYTES = 65_536;
/** The seed of the profiles that the store in memory and `npm run seed` hold by default. */
const MOCK_PROFILE_SEED = 1;

await runProgram('generate', async (args) => {
  const { values, positionals } = readFlags(args, {
    count: { type: 'string' },
    seed: { type: 'string' },
    openrtb: { type: 'boolean' },
    floors: { type: 'string' },
    profiles: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  const count = wholeNumber('--count', values.count, 1, 1, 1_000_000_000);
  const seed = wholeNumber('--seed', values.seed, randomInt(2 ** 47), 0, Number.MAX_SAFE_INTEGER);
  const floors = floorsOf(values.floors);
  const random = new SeededRandom(seed);
  const shape = values.openrtb === true ? 'openrtb' : 'short';
  // Profiles keep their own default seed, so that what is printed is what the profile store holds.
  const profileSeed = values.seed === undefined ? MOCK_PROFILE_SEED : seed;
  await printLines(count, (index) =>
    values.profiles === true ? mockProfile(index, profileSeed) : nextBidRequest(random, { shape, floors }),
  );
  return 0;
});

function floorsOf(value: string | undefined): Floors {
  if (value === undefined || value === 'split') return 'split';
  if (value === 'any') return 'any';
  throw new UsageError(`--floors is ${JSON.stringify(value)}: it accepts split or any.`);
}

/** Writes `count` JSON lines in chunks and waits whenever the reader is slower. */
async function printLines(count: number, valueAt: (index: number) => unknown): Promise<void> {
  let chunk = '';
  for (let index = 0; index < count; index++) {
    chunk += `${JSON.stringify(valueAt(index))}\n`;
    if (chunk.length < WRITE_BYTES && index < count - 1) continue;
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
    chunk = '';
  }
}
