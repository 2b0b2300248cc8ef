import { UsageError } from './cli.js';

/** The configuration of one Kafka node on this machine, from the ports of all nodes. Pure. */

/** Ports on 127.0.0.1 of one node, broker and controller in one. */
export interface KafkaNode {
  /** Where it listens for clients. */
  readonly client: number;
  /** What it tells clients to connect to: the same port, or that of a proxy in front of it. */
  readonly advertised: number;
  /** Where it listens for other brokers, and for tools that must not go through a proxy. */
  readonly direct: number;
  readonly controller: number;
}

const NODES_MAX = 9;
const HOST = '127.0.0.1';
/** Copies of every partition, and how many must have an event before it is acknowledged, by the number of brokers. */
const REPLICAS_MAX = 3;

/** What a cluster of this many brokers can promise. */
export function replicationOf(brokers: number): { readonly replication: number; readonly minInsync: number } {
  const replication = Math.min(brokers, REPLICAS_MAX);
  return { replication, minInsync: Math.max(1, replication - 1) };
}

/** Reads `--nodes`. @throws UsageError with what is wrong with it. */
export function parseNodes(text: string): KafkaNode[] {
  const shape = '--nodes must be a JSON list of {"client":PORT,"advertised":PORT,"direct":PORT,"controller":PORT}, one for each broker.';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new UsageError(shape);
  }
  if (!Array.isArray(parsed) || parsed.length === 0 || parsed.length > NODES_MAX) throw new UsageError(shape);
  const nodes = parsed.map((entry: unknown) => {
    const { client, advertised, direct, controller } = (entry ?? {}) as Record<string, unknown>;
    return { client: portOf(client), advertised: portOf(advertised), direct: portOf(direct), controller: portOf(controller) };
  });
  if (nodes.some((node) => Object.values(node).includes(0))) throw new UsageError(shape);
  const bound = nodes.flatMap((node) => [node.client, node.direct, node.controller]);
  if (new Set(bound).size < bound.length) throw new UsageError('--nodes names a port twice.');
  return nodes;
}

/** The addresses at which clients find the cluster, for KAFKA_BROKERS. */
export function bootstrapOf(nodes: readonly KafkaNode[], listener: 'advertised' | 'direct'): string {
  return nodes.map((node) => `${HOST}:${node[listener]}`).join(',');
}

/**
 * The text of `server.properties`.
 * @param nodeId 1 to the number of nodes.
 * @param dataFolder where the node keeps its partitions and the cluster's metadata.
 * @param changes settings in the place of, or beside, those that follow from the rest.
 */
export function serverProperties(
  nodes: readonly KafkaNode[],
  nodeId: number,
  dataFolder: string,
  changes: Readonly<Record<string, string>> = {},
): string {
  const node = nodes[nodeId - 1];
  if (node === undefined) throw new Error(`there is no node ${nodeId} among ${nodes.length}`);
  const { replication, minInsync } = replicationOf(nodes.length);
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    'controller.quorum.voters': nodes.map(({ controller }, index) => `${index + 1}@${HOST}:${controller}`).join(','),
    listeners: `CLIENT://${HOST}:${node.client},DIRECT://${HOST}:${node.direct},CONTROLLER://${HOST}:${node.controller}`,
    'advertised.listeners': `CLIENT://${HOST}:${node.advertised},DIRECT://${HOST}:${node.direct}`,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'DIRECT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': dataFolder,

    // A topic that a service mistypes must not come into being with one partition.
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    'controlled.shutdown.enable': true,
    'default.replication.factor': replication,
    'min.insync.replicas': minInsync,
    'offsets.topic.replication.factor': replication,
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': minInsync,
    'share.coordinator.state.topic.replication.factor': replication,
    'share.coordinator.state.topic.min.isr': minInsync,

    // Consumers start together here: waiting for stragglers only delays the first event.
    'group.initial.rebalance.delay.ms': 0,
    // KAFKA_SESSION_TIMEOUT_MS may be as low as this; the server's own limit is 6000.
    'group.min.session.timeout.ms': 3000,
    // A broker that was killed is missed, and may come back, after this long instead of 9 s.
    'broker.session.timeout.ms': 6000,
    'broker.heartbeat.interval.ms': 1000,
    // A node alone waits for its peers instead of ending after a minute.
    'initial.broker.registration.timeout.ms': 600_000,

    // Small machines: the defaults are 50 partitions each and 128 MiB of heap for compaction.
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 4,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    'num.network.threads': 2,
    'num.io.threads': 4,
  };
  const lines = Object.entries({ ...properties, ...changes }).map(([name, value]) => `${name}=${escaped(String(value))}`);
  return `${lines.join('\n')}\n`;
}

/** A backslash starts an escape in a properties file. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\');
}

function portOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535 ? value : 0;
}
