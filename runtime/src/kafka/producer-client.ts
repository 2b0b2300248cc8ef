import type { Producer } from 'node-rdkafka';
import { type BrokerWatch, connectionProperties, type KafkaConfig, loadRdkafka } from './client.js';

/** librdkafka's producer as Helios configures it. */

export interface DeliveryReport {
  /** The number given to `produce`. */
  readonly opaque?: unknown;
  readonly partition: number;
  readonly offset?: number;
}

export interface ProducerClientOptions {
  readonly kafka: KafkaConfig;
  readonly clientId: string;
  readonly messageTimeoutMs: number;
  /** Told once a second how the brokers are. */
  readonly broker: BrokerWatch;
  /** `error` null or undefined: acknowledged. */
  readonly onReport: (error: unknown, report: DeliveryReport) => void;
  readonly onError: (error: { message: string; code: number }) => void;
}

export function createProducerClient(options: ProducerClientOptions): Producer {
  const { kafka, clientId, messageTimeoutMs } = options;
  const client = new (loadRdkafka().Producer)(
    {
      ...connectionProperties(kafka, clientId),
      dr_cb: true,
      'enable.idempotence': true,
      'linger.ms': kafka.lingerMs,
      'batch.num.messages': 2000,
      'queue.buffering.max.messages': kafka.queueMaxMessages,
      'queue.buffering.max.kbytes': kafka.queueMaxKbytes,
      'compression.codec': 'lz4',
    } as never,
    // Topic properties belong here: in the first argument librdkafka's binding drops them.
    {
      acks: -1,
      'message.timeout.ms': messageTimeoutMs,
      'request.timeout.ms': Math.min(5000, messageTimeoutMs),
      partitioner: 'murmur2_random',
    },
  );
  client.on('delivery-report', (error, report) => options.onReport(error, report as DeliveryReport));
  client.on('event.stats', (event: unknown) => {
    const stats = JSON.parse((event as { message: string }).message) as { brokers?: Parameters<BrokerWatch['observe']>[0] };
    options.broker.observe(stats.brokers ?? {}, performance.now());
  });
  client.on('event.error', (error) => options.onError(error));
  return client;
}

/** Closes the client, within a limit; its reports must have been awaited before. */
export function disconnectProducer(client: Producer, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, limitMs);
    client.disconnect(1, () => {
      clearTimeout(limit);
      resolve();
    });
  });
}
