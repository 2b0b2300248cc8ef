import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, runToEnd, startHelper } from './processes.js';

/** The broker under a bench: the embedded one, or one node of Apache Kafka with data of its own that is removed at the end. */
export type BrokerKind = 'embedded' | 'kafka';

/** How results name them. */
export const brokerNames: Readonly<Record<BrokerKind, string>> = { embedded: 'embedded broker', kafka: 'one node of Apache Kafka' };

export interface BenchBroker {
  readonly kind: BrokerKind;
  /** Environment of a service that uses it. */
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/** As many as the embedded broker has, so that figures of the two differ by the broker alone. */
const PARTITIONS = '4';

/** Starts it and creates the topics. Real Kafka needs Java 17 and, the first time, Maven. */
export async function startBroker(kind: BrokerKind): Promise<BenchBroker> {
  if (kind === 'embedded') {
    const broker = await startHelper('scripts/dist/broker.js', []);
    return { kind, env: { KAFKA_BROKERS: String(broker.ready['bootstrap']) }, stop: () => broker.stop() };
  }
  const folder = mkdtempSync(join(tmpdir(), 'helios-bench-kafka-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const [client, direct, controller] = [await freePort(), await freePort(), await freePort()];
    const nodes = JSON.stringify([{ client, advertised: client, direct, controller }]);
    const server = await startHelper('scripts/dist/kafka.js', ['--data', folder, '--node', '1', '--nodes', nodes]);
    const stop = async (): Promise<void> => {
      await server.stop();
      removeFolder();
    };
    const env = { KAFKA_BROKERS: String(server.ready['bootstrap']) };
    try {
      await runToEnd('engine/dist/main.js', ['topics'], { ...env, KAFKA_TOPIC_PARTITIONS: PARTITIONS, LOG_LEVEL: 'error' });
    } catch (error) {
      await stop();
      throw error;
    }
    return { kind, env, stop };
  } catch (error) {
    removeFolder();
    throw error;
  }
}
