/** The entry of `npm start`: reads flags and environment, then launches. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT_CONFIG } from './child.js';
import { runProgram } from './cli.js';
import { launch } from './launcher.js';
import { readStartOptions, START_HELP } from './start-options.js';
import { Terminal } from './terminal.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

await runProgram('start', async (args) => {
  const request = readStartOptions(args, process.env, join(root, '.helios'));
  if (request.help) {
    process.stdout.write(START_HELP);
    return 0;
  }
  if ('faults' in request) {
    const list = request.faults.map((fault) => `  - ${fault}`).join('\n');
    process.stderr.write(`Helios cannot start, ${request.faults.length} configuration fault(s):\n${list}\n`);
    return EXIT_CONFIG;
  }
  const code = await launch(request.options, root, new Terminal(process.stdout));
  // Kept-alive connections and the Kafka client would hold the process for seconds after the last word.
  return process.exit(code);
});
