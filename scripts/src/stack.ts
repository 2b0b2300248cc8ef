/** The entry of `npm run stack`: the whole pipeline on real servers of this machine. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from './cli.js';
import { kafkaProgram } from './kafka-program.js';
import { runStart } from './launcher.js';
import { realFoundation } from './real-servers.js';
import { serverPorts } from './server-ports.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

await runProgram('stack', (args) =>
  runStart('stack', args, process.env, root, async (options, say) => {
    // It is asked for again by each node; here its sentences and its progress reach the person at the terminal.
    if (!options.external.kafka) await kafkaProgram(root);
    return realFoundation(options, await serverPorts(join(options.stateFolder, 'ports.json'), options.brokerCount, say));
  }),
);
