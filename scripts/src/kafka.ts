/**
 * One node of Apache Kafka as a process: supervises the Java server, whose data stays between starts, and reports where it is as one JSON
 * line. It ends when the server ends, for whoever started it to start it again. Started by the launcher, the fault runner and tests.
 */
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlags, runProgram, UsageError, wholeNumber } from './cli.js';
import { kafkaProgram } from './kafka-program.js';
import { parseNodes } from './kafka-properties.js';
import { startKafka } from './kafka-server.js';
import { supervise } from './supervise.js';

const HELP = `Usage: node scripts/dist/kafka.js --data DIR --node N --nodes JSON [--log-dir DIR]
       node scripts/dist/kafka.js --fetch

Runs one node of Apache Kafka (KRaft, broker and controller in one) on 127.0.0.1 with its data under DIR/node-N, then prints
{"ready":true,"pid":...,"bootstrap":...,"direct":...,"dataFolder":...} on standard output. A node of several is ready once most of them run.
The first start fetches the server's jars with Maven into .helios/kafka/, and makes an archive of their classes there. Needs Java 17 or newer
(JAVA_HOME, or java on the PATH).

  --data DIR      folder of the whole cluster, the same for all of its nodes; made when absent
  --node N        which node of --nodes this is, from 1
  --nodes JSON    [{"client":PORT,"advertised":PORT,"direct":PORT,"controller":PORT}, ...], one for each broker: where it listens for
                  clients, what it tells them to connect to (a proxy's port, or the same), where it listens for brokers and tools, and
                  for controllers. Three: replication 3, min.insync.replicas 2.
  --log-dir DIR   where the node keeps its partitions (DIR/node-N/data under --data)
  --fetch         only fetch the jars and make the archive

With HELIOS_EXIT_WITH_PARENT=1 it stops when its standard input closes.
`;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

await runProgram('kafka', async (args) => {
  const { values, positionals } = readFlags(args, {
    data: { type: 'string' },
    node: { type: 'string' },
    nodes: { type: 'string' },
    'log-dir': { type: 'string' },
    fetch: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`There is no argument ${positionals[0]}.`);
  if (values.fetch === true) {
    await kafkaProgram(root);
    return 0;
  }
  const { data } = values;
  if (data === undefined) throw new UsageError('--data is missing.');
  if (values.nodes === undefined) throw new UsageError('--nodes is missing.');
  if (values.node === undefined) throw new UsageError('--node is missing.');
  const nodes = parseNodes(values.nodes);
  const nodeId = wholeNumber('--node', values.node, 1, 1, nodes.length);
  const node = nodes[nodeId - 1];
  const start = async () =>
    startKafka({
      ...(await kafkaProgram(root)),
      clusterFolder: resolve(data),
      nodes,
      nodeId,
      logFolder: values['log-dir'] === undefined ? null : resolve(values['log-dir']),
    });
  await supervise('kafka', process.env['HELIOS_EXIT_WITH_PARENT'] === '1', start, ({ dataFolder }) => ({
    bootstrap: `127.0.0.1:${node?.advertised}`,
    direct: `127.0.0.1:${node?.direct}`,
    dataFolder,
  }));
  return 0;
});
