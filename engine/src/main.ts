import { loadConfig } from '@helios/runtime/config';
import { HeliosError, messageOf } from '@helios/runtime/errors';
import { knownVariables } from '@helios/runtime/gen/known-variables';
import { createLogger } from '@helios/runtime/log';
import { EXIT_CONFIG, runService } from '@helios/runtime/service';
import { auctionFaults, auctionSettings } from './auction/settings.js';
import { startAuction } from './auction/consumer.js';
import { bidderFaults, bidderSettings } from './bidder/settings.js';
import { startBidder } from './bidder/consumer.js';
import { ingestFaults, ingestSettings } from './ingest/settings.js';
import { startIngest } from './ingest/ingest.js';
import { makeTopics, topicsHelp } from './topics/create.js';
import { topicsFaults, topicsSettings } from './topics/settings.js';

/** `engine ingest|bidder|auction`: one role a process; `engine topics` makes the topics that they use and ends. */
const role = process.argv[2];
switch (role) {
  case 'ingest':
    await runService({ service: 'ingest', schema: ingestSettings, check: ingestFaults }, process.env, startIngest);
    break;
  case 'bidder':
    await runService({ service: 'bidder', schema: bidderSettings, check: bidderFaults }, process.env, (host) => startBidder(host));
    break;
  case 'auction':
    await runService({ service: 'auction', schema: auctionSettings, check: auctionFaults }, process.env, startAuction);
    break;
  case 'topics':
    process.exitCode = await runTopics(process.argv.slice(3), process.env);
    break;
  default:
    process.stderr.write(
      `engine: "${role ?? ''}" is no role. Start it as: engine ingest, engine bidder, engine auction or engine topics.\n`,
    );
    process.exit(EXIT_CONFIG);
}

/** Makes the topics and returns the exit code: 0 they are there, 1 failed, 78 wrong configuration. */
async function runTopics(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (args.length > 0) {
    const asked = args.includes('--help') || args.includes('-h');
    (asked ? process.stdout : process.stderr).write(topicsHelp);
    return asked ? 0 : EXIT_CONFIG;
  }
  try {
    const config = loadConfig({ service: 'topics', schema: topicsSettings, env, knownVariables, check: topicsFaults });
    const log = createLogger('topics', config.logLevel);
    const outcomes = await makeTopics(config, log);
    log.info({ topics: outcomes }, 'topics are there');
    return 0;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return error instanceof HeliosError && error.code === 'CONFIG_INVALID' ? EXIT_CONFIG : 1;
  }
}
