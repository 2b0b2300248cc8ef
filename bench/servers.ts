import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startHelper } from './processes.js';

/** Brokers and stores that a stage bench runs beside: by the project's own helper programs, with data that goes when they stop. */

const root = fileURLToPath(new URL('../..', import.meta.url));
/** As many as the end-to-end stack has. */
const KAFKA_PARTITIONS = 6;

export type BrokerKind = 'embedded' | 'kafka';

export interface Server {
  /** Of the server itself; null for the mock cluster, which lives in its helper's process. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

export interface Broker extends Server {
  readonly kind: BrokerKind;
  readonly bootstrap: string;
}

/**
 * Starts a broker with the four topics: librdkafka's mock cluster, or one node of Apache Kafka (Java 17 and Maven).
 * @throws Error when it cannot run here; why stands on standard error.
 */
export async function startBroker(kind: BrokerKind, partitions = KAFKA_PARTITIONS): Promise<Broker> {
  if (kind === 'embedded') {
    const broker = await startHelper('scripts/dist/broker.js', []);
    return { kind, bootstrap: String(broker.ready['bootstrap']), pid: null, stop: () => broker.stop() };
  }
  const folder = dataFolder();
  const [client, direct, controller] = [await freePort(), await freePort(), await freePort()];
  const nodes = JSON.stringify([{ client, advertised: client, direct, controller }]);
  const started = await startIn(folder, 'scripts/dist/kafka.js', ['--data', join(folder, 'kafka'), '--node', '1', '--nodes', nodes]);
  const bootstrap = String(started.ready['bootstrap']);
  const broker: Broker = { kind, bootstrap, pid: Number(started.ready['pid']), stop: () => started.stop() };
  const topics = spawnSync(process.execPath, [join(root, 'engine/dist/main.js'), 'topics'], {
    env: { ...process.env, KAFKA_BROKERS: bootstrap, KAFKA_TOPIC_PARTITIONS: String(partitions), LOG_LEVEL: 'error' },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 120_000,
  });
  if (topics.status === 0) return broker;
  await broker.stop();
  throw new Error('the topics could not be made');
}

/** Starts an empty Redis. @throws Error when redis-server cannot run here; why stands on standard error. */
export async function startRedis(): Promise<Server & { readonly port: number }> {
  const folder = dataFolder();
  const port = await freePort();
  const started = await startIn(folder, 'scripts/dist/redis.js', ['--data', folder, '--port', String(port)]);
  return { port, pid: Number(started.ready['pid']), stop: () => started.stop() };
}

/** A helper whose data goes with it, however it ends. */
async function startIn(folder: string, file: string, args: readonly string[]): Promise<Awaited<ReturnType<typeof startHelper>>> {
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove); // an interrupted bench leaves nothing behind
  try {
    const helper = await startHelper(file, args);
    const stop = async (): Promise<void> => {
      await helper.stop();
      remove();
      process.off('exit', remove);
    };
    return { ...helper, stop };
  } catch (error) {
    remove();
    throw error;
  }
}

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'helios-bench-'));
  chmodSync(folder, 0o755); // a server's own user passes through it
  return folder;
}
