/**
 * A Redis server as a process: supervises `redis-server`, whose data stays between starts, and reports where it is as one JSON line. It ends
 * when the server ends, for whoever started it to start it again. Started by the launcher, the fault runner and tests.
 */
import { join } from 'node:path';
import { runProgram } from './cli.js';
import { startRedis } from './redis-server.js';
import { readServerFlags } from './server-flags.js';
import { supervise } from './supervise.js';

const HELP = `Usage: node scripts/dist/redis.js --data DIR --port N

Runs redis-server on 127.0.0.1 with its data under DIR/redis, then prints {"ready":true,"pid":...,"host":...,"port":...} on standard output.

  --data DIR   folder for its snapshot; made when absent
  --port N     port to listen on

With HELIOS_EXIT_WITH_PARENT=1 it stops when its standard input closes.
`;

await runProgram('redis', async (args) => {
  const flags = readServerFlags(args, HELP, null);
  if (flags === null) return 0;
  const { dataFolder, port } = flags;
  const folder = join(dataFolder, 'redis');
  const start = () => startRedis(folder, port, process.env['PATH']);
  await supervise('redis', process.env['HELIOS_EXIT_WITH_PARENT'] === '1', start, () => ({ host: '127.0.0.1', port }));
  return 0;
});
