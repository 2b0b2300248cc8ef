/** Planted defect "202 before the ack": ingest hears "delivered" as soon as an event is queued. */
import { startIngest } from '@helios/engine/ingest/ingest';
import { ingestFaults, ingestSettings } from '@helios/engine/ingest/settings';
import { type DeliverySink, EventProducer, type ProducerOptions } from '@helios/runtime/kafka/producer';
import { runService } from '@helios/runtime/service';

const unheard: DeliverySink = { delivered: () => undefined };

function answeringAtOnce(options: ProducerOptions): EventProducer {
  const producer = EventProducer.start(options);
  const produce: EventProducer['produce'] = producer.produce.bind(producer);
  producer.produce = (topic, key, value, headers, sink, token) => {
    const refusal = produce(topic, key, value, headers, unheard, token);
    if (refusal === null) setImmediate(() => sink.delivered(token, null));
    return refusal;
  };
  return producer;
}

await runService({ service: 'ingest', schema: ingestSettings, check: ingestFaults }, process.env, (host) =>
  startIngest(host, { startProducer: answeringAtOnce }),
);
