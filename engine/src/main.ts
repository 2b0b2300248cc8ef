import { auctionFaults, auctionSettings } from './auction/settings.js';
import { startAuction } from './auction/consumer.js';
import { bidderFaults, bidderSettings } from './bidder/settings.js';
import { startBidder } from './bidder/consumer.js';
import { ingestFaults, ingestSettings } from './ingest/settings.js';
import { startIngest } from './ingest/ingest.js';
import { EXIT_CONFIG, runService } from '@helios/runtime/service';

/** `engine ingest|bidder|auction`: one role a process. */
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
  default:
    process.stderr.write(`engine: "${role ?? ''}" is no role. Start it as: engine ingest, engine bidder or engine auction.\n`);
    process.exit(EXIT_CONFIG);
}
