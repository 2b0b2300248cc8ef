import { freePort, type Measured, startHelper, startService } from '@helios/bench/processes';

/** Ingest as a process of its own on an embedded broker, with nobody behind it. */
export interface IngestAlone {
  readonly bidUrl: string;
  /** The broker's process id, to stop and to continue. */
  readonly brokerPid: number;
  stop(): Promise<void>;
}

export async function startIngestAlone(
  options: { brokerArgs?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<IngestAlone> {
  const broker = await startHelper('scripts/dist/broker.js', options.brokerArgs ?? []);
  const port = await freePort();
  // What the tests do to the broker is an error to ingest: its log is of no interest here.
  const env = { LOG_LEVEL: 'fatal', KAFKA_BROKERS: String(broker.ready['bootstrap']), INGEST_PORT: String(port), ...options.env };
  let ingest: Measured;
  try {
    ingest = await startService('engine/dist/main.js', ['ingest'], env);
  } catch (error) {
    await broker.stop();
    throw error;
  }
  return {
    bidUrl: `http://127.0.0.1:${port}/bid`,
    brokerPid: broker.process.pid ?? 0,
    stop: async () => {
      await ingest.stop();
      broker.process.kill('SIGCONT');
      await broker.stop();
    },
  };
}

/** Starts it for one test and stops it afterwards, whatever the test came to. */
export async function withIngestAlone(
  options: Parameters<typeof startIngestAlone>[0],
  test: (ingest: IngestAlone) => Promise<void>,
): Promise<void> {
  const ingest = await startIngestAlone(options);
  try {
    await test(ingest);
  } finally {
    await ingest.stop();
  }
}
