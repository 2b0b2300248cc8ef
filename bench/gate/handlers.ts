import { fileURLToPath } from 'node:url';
import type { BidSaturationOptions, SaturationResult } from '../autocannon/saturation.js';
import { KeptProcess } from '../kept-process.js';
import { type Broker, type BrokerKind, startBroker } from '../servers.js';
import { OpenLoopSender } from '../load/open-loop-sender.js';
import { freePort, type Measured, startHelper, startService } from '../processes.js';

/** A program that takes the part of ingest: the real one, or one with slowness planted (bench/gate/planted). */
export interface IngestProgram {
  /** Relative to the repository. */
  readonly file: string;
  readonly args: readonly string[];
}

export const realIngest: IngestProgram = { file: 'engine/dist/main.js', args: ['ingest'] };

/** What the gate measures, and what it measures with. */
export interface Handlers {
  readonly ours: { readonly port: number; readonly adminPort: number };
  readonly ackedPort: number;
  readonly barePort: number;
  readonly sender: OpenLoopSender;
  readonly saturator: Saturator;
  stop(): Promise<void>;
}

export type Saturator = KeptProcess<BidSaturationOptions, SaturationResult>;

const SATURATOR = fileURLToPath(new URL('../autocannon/saturation-process.js', import.meta.url));
const START_LIMIT_MS = 30_000;
/** One process: on two cores a second one only makes the first wait. */
const SENDER_PROCESSES = 1;

/** Starts the broker, ingest, both handlers of calibration and the sender; everything it started is stopped when one of them does not start. */
export async function startHandlers(ingest: IngestProgram, brokerKind: BrokerKind): Promise<Handlers> {
  const started: { stop(): Promise<void> | void }[] = [];
  const stop = async (): Promise<void> => {
    for (const each of started.splice(0).toReversed()) await each.stop();
  };
  const keep = <T extends { stop(): Promise<void> | void }>(each: T): T => {
    started.push(each);
    return each;
  };
  try {
    const broker: Broker = keep(await startBroker(brokerKind));
    const port = await freePort();
    const ours: Measured = keep(
      await startService(ingest.file, ingest.args, { KAFKA_BROKERS: broker.bootstrap, INGEST_PORT: String(port) }),
    );
    const acked = keep(await startHelper('bench/dist/peers/acked-handler.js', [], { KAFKA_BROKERS: broker.bootstrap }));
    const bare = keep(await startHelper('bench/dist/peers/bare-handler.js', []));
    const sender = keep(await OpenLoopSender.start(SENDER_PROCESSES));
    const saturator: Saturator = keep(await KeptProcess.start(SATURATOR, START_LIMIT_MS));
    return {
      ours: { port, adminPort: ours.adminPort },
      ackedPort: Number(acked.ready['port']),
      barePort: Number(bare.ready['port']),
      sender,
      saturator,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
