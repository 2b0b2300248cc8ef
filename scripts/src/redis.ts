/**
 * A Redis server as a process: supervises `redis-server`, whose data stays between starts, and reports where it is as one JSON line. It ends
 * when the server ends, for whoever started it to start it again. Started by the launcher, the fault runner and tests.
 */
import { join, resolve } from 'node:path';
import { readFlags, runProgram, UsageError, wholeNumber } from './cli.js';
import { startRedis } from './redis-server.js';
import { supervise } from './supervise.js';

const HELP = `Usage: node scripts/dist/redis.js --data DIR --port N

Runs redis-server on 127.0.0.1 with its data under DIR/redis, then prints {"ready":true,"pid":...,"host":...,"port":...} on standard output.

  --data DIR   folder for its snapshot; made when absent
  --port N     port to listen on

With HELIOS_EXIT_WITH_PARENT=1 it stops when its standard input closes.
`;

await runProgram('redis', async (args) => {
  const { values, positionals } = readFlags(args, {
    data: { type: 'string' },
    port: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if (values.data === undefined) throw new UsageError('--data is missing.');
  if (values.port === undefined) throw new UsageError('--port is missing.');
  const port = wholeNumber('--port', values.port, 0, 1, 65_535);
  const folder = join(resolve(values.data), 'redis');
  const start = () => startRedis(folder, port, process.env['PATH']);
  await supervise('redis', process.env['HELIOS_EXIT_WITH_PARENT'] === '1', start, () => ({ host: '127.0.0.1', port }));
  return 0;
});
