/** The entry of `npm run stack`: the whole pipeline on real servers of this machine. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from './cli.js';
import { findJava, kafkaJars } from './kafka-jars.js';
import { runStart } from './launcher.js';
import { realFoundation } from './real-servers.js';
import { serverPorts } from './server-ports.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

await runProgram('stack', (args) =>
  runStart('stack', args, process.env, root, async (options, say) => {
    if (!options.external.kafka) {
      // Both are done again by each node; here their sentences and their progress reach the person at the terminal.
      findJava(process.env['JAVA_HOME']);
      await kafkaJars(join(root, 'scripts/kafka/pom.xml'), join(root, '.helios/kafka'));
    }
    return realFoundation(options, await serverPorts(join(options.stateFolder, 'ports.json'), options.brokerCount, say));
  }),
);
