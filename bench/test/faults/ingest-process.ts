import { freePort, startHelper, startService } from '@helios/bench/processes';

/** Ingest as a process of its own on an embedded broker, with nobody behind it that reads. */
export interface IngestProcess {
  readonly port: number;
  readonly adminPort: number;
  stop(): Promise<void>;
}

export async function startIngestProcess(): Promise<IngestProcess> {
  const broker = await startHelper('scripts/dist/broker.js', []);
  const port = await freePort();
  const env = {
    LOG_LEVEL: 'fatal',
    KAFKA_BROKERS: String(broker.ready['bootstrap']),
    INGEST_PORT: String(port),
    KAFKA_BACKLOG_MAX_BYTES: '0',
  };
  try {
    const ingest = await startService('engine/dist/main.js', ['ingest'], env);
    const stop = async (): Promise<void> => {
      await ingest.stop();
      await broker.stop();
    };
    return { port, adminPort: ingest.adminPort, stop };
  } catch (error) {
    await broker.stop();
    throw error;
  }
}
