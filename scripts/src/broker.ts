/**
 * The embedded default's broker as a process: holds the mock cluster, creates the four topics, then reports its address as one JSON line.
 * It keeps nothing: when it ends, what no service had read is gone. Started by the launcher and by tests.
 */
import { topicDefaults } from '@helios/proto/topics';
import { stopOnRequest, reportReady } from './child-life.js';
import { readFlags, runProgram, UsageError, wholeNumber } from './cli.js';
import { startMockCluster } from './mock-cluster.js';

const HELP = `Usage: node scripts/dist/broker.js [--rtt-ms N]

Runs librdkafka's mock cluster on 127.0.0.1, creates the topics named by KAFKA_TOPIC_... and prints
{"ready":true,"bootstrap":"127.0.0.1:PORT","topics":[...]} on standard output.

  --rtt-ms N   delay added to every answer, in milliseconds (0)

With HELIOS_EXIT_WITH_PARENT=1 it ends when its standard input closes.
`;

/** How long services that lost their launcher too may still find the broker while they stop. */
const ORPHAN_GRACE_MS = 1500;

await runProgram('broker', async (args) => {
  const { values, positionals } = readFlags(args, { 'rtt-ms': { type: 'string' }, help: { type: 'boolean', short: 'h' } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  const roundTripMs = wholeNumber('--rtt-ms', values['rtt-ms'], 0, 0, 60_000);
  const topics = Object.entries(topicDefaults).map(([name, fallback]) => process.env[name] ?? fallback);
  const cluster = await startMockCluster(topics, roundTripMs);
  stopOnRequest('broker', process.env['HELIOS_EXIT_WITH_PARENT'] === '1', ORPHAN_GRACE_MS, () => cluster.close());
  reportReady({ bootstrap: cluster.bootstrap, topics });
  return 0;
});
