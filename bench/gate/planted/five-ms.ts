/** Planted slowness "five-ms": every delivery report reaches ingest 5 ms later; it costs no CPU, and throughput at saturation hardly changes. */
import { startIngest } from '@helios/engine/ingest/ingest';
import { ingestFaults, ingestSettings } from '@helios/engine/ingest/settings';
import { type DeliverySink, EventProducer, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { runService } from '@helios/runtime/service';

const DELAY_MS = 5;

function reportingLate(options: ProducerOptions): EventProducer {
  const producer = EventProducer.start(options);
  const produce: EventProducer['produce'] = producer.produce.bind(producer);
  producer.produce = (topic, key, value, headers, sink, token) => {
    const late: DeliverySink = {
      delivered: (delivered, error) => void setTimeout(() => sink.delivered(delivered, error), DELAY_MS),
    };
    return produce(topic, key, value, headers, late, token);
  };
  return producer;
}

await runService({ service: 'ingest', schema: ingestSettings, check: ingestFaults }, process.env, (host) =>
  startIngest(host, { startProducer: reportingLate }),
);
