import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KafkaNode, serverProperties } from './kafka-properties.js';
import { startServerProcess, stopStaleServer } from './server-process.js';
import type { StartingServer } from './supervise.js';

/**
 * One node of Apache Kafka (KRaft, broker and controller in one process) on 127.0.0.1, data kept.
 * Its states: stale server stopped -> storage formatted (once) -> starting -> serving -> stopped.
 */

/** What a node is run from. */
export interface KafkaProgram {
  readonly java: string;
  /** The folder of the server's jars. */
  readonly libsFolder: string;
  /** The log4j2 configuration. */
  readonly loggingFile: string;
  /** Classes in the Java machine's own form: read for a quicker start, or recorded when the node stops, which takes seconds. */
  readonly classArchive: { readonly file: string; readonly record: boolean } | null;
}

export interface KafkaServerOptions extends KafkaProgram {
  /** Of the whole cluster: the cluster's id stands here, and each node has a folder in it. */
  readonly clusterFolder: string;
  readonly nodes: readonly KafkaNode[];
  /** 1 to the number of nodes. */
  readonly nodeId: number;
  /** Where the node keeps its partitions instead of its folder, for a disk of its own. */
  readonly logFolder: string | null;
  /** Settings in the place of, or beside, those that a node of this machine has. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Passwords by name of users that log in with SCRAM-SHA-512, made with the storage. */
  readonly scramUsers?: Readonly<Record<string, string>>;
}

export interface KafkaServer extends StartingServer {
  readonly dataFolder: string;
}

/** Half of it is what an idle node needs; the other half lasts for tens of thousands of events a second. */
const HEAP = ['-Xms128m', '-Xmx384m'];
/**
 * The quick compiler only. The thorough one takes longer to pay than most of these brokers live: at 500 bid requests/s on two cores it cost
 * 0.9 ms of processor time a request through the first minute, to bring the broker's own 0.8 ms down to 0.5.
 */
const QUICK_COMPILER = ['-XX:TieredStopAtLevel=1'];
const STARTED_LINE = 'Kafka Server started';
/** Nodes of a cluster that stop together can lose their quorum half-way, and would then wait for it for minutes. */
const STOP_LIMIT_MS = 8000;
const RECORD_LIMIT_MS = 120_000;

/** Starts the node, which serves once a majority of the cluster's nodes runs; one that was killed starts again on its data. @throws Error with a sentence when its storage cannot be used. */
export async function startKafka(options: KafkaServerOptions): Promise<KafkaServer> {
  const nodeFolder = join(options.clusterFolder, `node-${options.nodeId}`);
  const dataFolder = options.logFolder ?? join(nodeFolder, 'data');
  mkdirSync(nodeFolder, { recursive: true });
  const propertiesFile = join(nodeFolder, 'server.properties');
  const pidFile = join(nodeFolder, 'pid');
  const name = `kafka-${options.nodeId}`;
  await stopStaleServer(name, pidFile, propertiesFile);
  writeFileSync(propertiesFile, serverProperties(options.nodes, options.nodeId, dataFolder, options.properties));
  const javaArgs = [
    `-Dlog4j2.configurationFile=${options.loggingFile}`,
    `-Dhelios.log.folder=${nodeFolder}`,
    '-Dlog4j2.disableJmx=true',
    '-Djava.awt.headless=true',
    '-cp',
    join(options.libsFolder, '*'),
  ];
  format(options, javaArgs, propertiesFile, dataFolder, clusterId(options.clusterFolder));
  const started = startedWatch();
  const server = await startServerProcess({
    name,
    command: options.java,
    args: [
      ...archiveOptions(options),
      ...HEAP,
      ...QUICK_COMPILER,
      '-XX:MaxGCPauseMillis=20',
      '-XX:+ExitOnOutOfMemoryError',
      ...javaArgs,
      'kafka.Kafka',
      propertiesFile,
    ],
    env: javaEnv,
    pidFile,
    stopLimitMs: options.classArchive?.record === true ? RECORD_LIMIT_MS : STOP_LIMIT_MS,
    onOutput: started.onOutput,
  });
  const failed = server.ended.then((why): never => {
    throw new Error(`The Kafka node ended while it started (${why}); its own log is ${join(nodeFolder, 'server.log')}.`);
  });
  failed.catch(() => {}); // once it serves, its end is its supervisor's business
  return { ...server, dataFolder, serving: Promise.race([started.seen, failed]) };
}

/** An archive that does not fit this machine or these jars is passed over, and is not worth a warning. */
function archiveOptions({ classArchive }: KafkaServerOptions): string[] {
  if (classArchive === null) return [];
  const { file, record } = classArchive;
  return [`-XX:${record ? 'ArchiveClassesAtExit' : 'SharedArchiveFile'}=${file}`, '-Xlog:cds=error', '-Xlog:cds+dynamic=error'];
}

const javaEnv = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };

/** Passes the server's output on, and notices the line that it logs when it takes connections. */
function startedWatch(): { readonly seen: Promise<void>; readonly onOutput: (text: string) => void } {
  let onSeen = () => {};
  const seen = new Promise<void>((resolve) => (onSeen = resolve));
  let tail = '';
  return {
    seen,
    onOutput: (text) => {
      process.stderr.write(text);
      tail = (tail + text).slice(-STARTED_LINE.length - text.length);
      if (tail.includes(STARTED_LINE)) onSeen();
    },
  };
}

/** The id that all nodes share, made by whichever asks first. */
function clusterId(clusterFolder: string): string {
  const file = join(clusterFolder, 'cluster-id');
  if (!existsSync(file)) {
    const own = `${file}.${process.pid}`;
    // The first byte is below 0x40: the text must not start with a dash, which the format tool would take for a flag.
    const bytes = randomBytes(16);
    bytes[0] = (bytes[0] ?? 0) & 0x3f;
    writeFileSync(own, bytes.toString('base64url'));
    try {
      linkSync(own, file); // fails when it exists: one node wins
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(own, { force: true });
    }
  }
  return readFileSync(file, 'utf8').trim();
}

/** Prepares the data folder once; `meta.properties` is the last thing that the tool writes. */
function format(options: KafkaServerOptions, javaArgs: readonly string[], propertiesFile: string, dataFolder: string, id: string): void {
  const { java, scramUsers = {} } = options;
  const meta = join(dataFolder, 'meta.properties');
  if (existsSync(meta)) {
    const found = /^cluster\.id=(.*)$/m.exec(readFileSync(meta, 'utf8'))?.[1];
    if (found === id) return;
    throw new Error(`${dataFolder} holds the data of another cluster (${found ?? 'without an id'}): move it away to start afresh.`);
  }
  mkdirSync(dataFolder, { recursive: true });
  const users = Object.entries(scramUsers).flatMap(([name, password]) => ['-S', `SCRAM-SHA-512=[name=${name},password=${password}]`]);
  const tool = ['kafka.tools.StorageTool', 'format', '-t', id, '-c', propertiesFile, '--ignore-formatted', ...users];
  const result = spawnSync(
    java,
    [...(options.classArchive?.record === true ? [] : archiveOptions(options)), ...QUICK_COMPILER, ...javaArgs, ...tool],
    {
      cwd: '/',
      encoding: 'utf8',
      timeout: 120_000,
      env: javaEnv,
    },
  );
  if (result.status === 0 && existsSync(meta)) return;
  const why = result.error?.message ?? `exit ${result.status ?? result.signal}`;
  throw new Error(`Kafka's storage could not be formatted (${why}):\n${`${result.stdout}${result.stderr}`.trim().slice(-2000)}`);
}
