import { EventProducer, type ProducerOptions } from '@helios/runtime/kafka/producer';
import type { RunningService, ServiceHost } from '@helios/runtime/service';
import type { BidRequestSink } from './intake.js';
import { createIngestServer } from './server.js';
import type { IngestConfig } from './settings.js';

/**
 * First hop of a bid: reads `POST /bid`, writes the body, byte for byte, to the topic of bid requests.
 *
 * Invariant: 202 is answered only after the broker acknowledged the message; everything in flight is bounded, and over a bound the answer
 * is 503. It refuses to price, to enrich, to store anything itself, or to change a body.
 */

/** What ingest is built on; the fault tests put a faulty part in its place. */
export interface IngestParts {
  readonly startProducer: (options: ProducerOptions) => BidRequestSink;
}

export const ingestParts: IngestParts = { startProducer: (options) => EventProducer.start(options) };

/** Starts the ingest role; the service's `stop` ends it within the ack timeout plus 2.5 s. */
export async function startIngest(host: ServiceHost<IngestConfig>, parts: IngestParts = ingestParts): Promise<RunningService> {
  const { config, log, metrics, health } = host;
  const producer = parts.startProducer({
    kafka: config,
    log,
    metrics,
    clientId: 'helios-ingest',
    messageTimeoutMs: config.ackTimeoutMs,
    onFatal: (error) => host.fail(error),
    ...(config.backlogMaxBytes > 0 ? { guarded: { topic: config.bidRequestsTopic, groupId: config.readerGroupId } } : {}),
  });
  try {
    const server = await createIngestServer({ config, producer, log, metrics, health });
    log.info({ url: `http://${config.bindHost}:${server.port}/bid` }, 'ingest listening');
    return { stop: () => server.stop() };
  } catch (error) {
    await producer.close(0);
    throw error;
  }
}
